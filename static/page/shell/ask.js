// A question in a dialog: some fields, some answers, and "Cancel".

import { h } from "../dom.js";
import { t } from "../i18n.js";

let count = 0;

/**
 * Resolves to the name of the answer chosen, or null. `choices`: [[name, label, class]…]; the first is what Enter gives.
 * `content`: elements; required fields must be filled in for any answer.
 */
export function ask({ heading, content, choices, cancel = t(choices.length > 0 ? "cancel" : "close") }) {
  const id = `ask-${++count}`;
  const buttons = choices.map(([name, label, tone = ""]) => h("button", { class: tone, type: "submit", value: name }, label));
  const dialog = h("dialog", { class: "ask", "aria-labelledby": id });
  const away = h("button", { class: "quiet", type: "button", onclick: () => dialog.close("") }, cancel);
  const row = h("div", { class: "row buttons" }, ...buttons, h("span", { class: "space" }), away);
  dialog.append(h("form", { method: "dialog" }, h("h2", { id }, heading), ...content, row));
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.localName !== "select" || buttons.length === 0) return;
    event.preventDefault(); // as in a text field: the first answer
    buttons[0].click();
  });
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("input:not([type=checkbox]), textarea, select")?.focus();
  dialog.querySelector("input:not([type=checkbox])")?.select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before?.isConnected && document.activeElement === document.body) before.focus({ preventScroll: true });
      resolve(dialog.returnValue || null);
    });
  });
}
