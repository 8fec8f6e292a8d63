// Why something did not work, in the reader's language. The server's sentences are for programs; its codes stay.

import { t } from "./i18n.js";

/** An error `{code, message, details?}` as half a sentence; the server's own where there is none for it. */
export function reason({ code, message, details = {} }) {
  const exact = t(`why.${code}.${details.field}`, details);
  if (!exact.startsWith("why.")) return exact;
  const told = t(`why.${code}`, details);
  const vague = code === "conflict" ? !("current" in details) : code === "limit_exceeded" && !details.limit;
  return vague || told.startsWith("why.") ? message : told;
}
