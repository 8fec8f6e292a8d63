// A dialog at the side with a list in it: the inbox, the refusals, what changed.

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";

export class Panel {
  /** `tools`: buttons for the head. */
  constructor(scope, heading, { tools = [], kind = "panel" } = {}) {
    const id = `panel-${heading.replace(/\W+/g, "-")}`;
    this.body = h("div", { class: "panel-body" });
    const close = h("button", { class: "quiet", type: "button", "aria-label": t("close"), onclick: () => this.close() }, icon("close"));
    const head = h("header", { class: "panel-head" }, h("h2", { id }, heading), h("span", { class: "space" }), ...tools, close);
    this.dialog = h("dialog", { class: kind, "aria-labelledby": id }, head, this.body);
    this.dialog.addEventListener("pointerdown", (event) => event.target === this.dialog && this.close());
    scope.add(this.dialog);
  }

  get open() {
    return this.dialog.open;
  }

  show(...content) {
    this.body.replaceChildren(...content);
    if (!this.dialog.open) this.dialog.showModal();
  }

  close() {
    this.dialog.close();
  }
}

/** What a panel says when there is nothing in it. */
export function nothing(heading, text) {
  return h("div", { class: "nothing" }, h("p", {}, h("strong", {}, heading)), h("p", { class: "hint" }, text));
}
