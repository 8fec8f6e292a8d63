// Asks for a name, once; it is kept on this device.

import { h } from "../dom.js";
import { t } from "../i18n.js";

const KEY = "boardcast.name";

export function knownName() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** Resolves to the name given, or the one before when the question is waved away. */
export function askName() {
  const before = knownName();
  const input = h("input", {
    class: "field", id: "your-name", maxlength: "100", autocomplete: "nickname", value: before, placeholder: "Ada",
  });
  const form = h("form", { method: "dialog" },
    h("h2", { id: "name-title" }, t(before ? "name.yours" : "name.welcome")),
    h("p", { class: "hint" }, t("name.hint")),
    h("label", { class: "field-label", for: "your-name" }, t("name.label")), input,
    h("div", { class: "row buttons" },
      h("button", { class: "primary", type: "submit" }, t(before ? "save" : "name.open"))));
  const dialog = h("dialog", { class: "name-dialog", "aria-labelledby": "name-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  input.select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      const name = input.value.trim() || before || t("name.guest");
      try {
        localStorage.setItem(KEY, name);
      } catch {
        // it will be asked again: this browser keeps nothing
      }
      resolve(name);
    });
  });
}
