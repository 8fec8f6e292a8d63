// Texts that are too long. They are never cut off in silence, as `maxlength` does with what is pasted: it is said.

import { t } from "./i18n.js";

/** Whether the text of `field` has at most `most` characters; says so to the person when not. Its form is `novalidate`. */
export function fits(field, most) {
  const n = field.value.length > most ? [...field.value].length : 0;
  field.setCustomValidity(n > most ? t("too_long", { n, most }) : "");
  return field.reportValidity();
}
