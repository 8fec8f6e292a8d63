// What the server did not want, with its reason and a way to get the text back.

import { h } from "../dom.js";
import { formatAgo, formatTime, t } from "../i18n.js";
import { copy, refusal } from "./collisions.js";
import { Panel, nothing } from "./panel.js";

export class RefusalsPanel {
  /** `go(board, task)` opens the card that it was about. */
  constructor({ scope, refusals, go }) {
    Object.assign(this, { refusals, go });
    const all = h("button", { class: "link", type: "button", onclick: () => refusals.dismissAll() }, t("refused.dismiss_all"));
    this.panel = new Panel(scope, t("refused.heading"), { tools: [all] });
    scope.on(refusals, "change", () => this.panel.open && this.show());
  }

  show() {
    const { items } = this.refusals;
    const list = h("ul", { class: "entries" }, ...items.map((item) => this.entry(item)));
    this.panel.show(items.length > 0 ? list : nothing(t("refused.none"), t("refused.none_hint")));
  }

  entry(item) {
    const { mutation, at, error, texts } = item;
    const when = h("time", { class: "hint", title: formatTime(at) }, formatAgo(at));
    const shown = texts.map(({ text }) => h("blockquote", { tabindex: "0" }, text));
    const whole = texts.map(({ text }) => text).join("\n\n");
    const button = (label, run) => h("button", { class: "link", type: "button", onclick: run }, label);
    return h("li", { class: "entry" }, h("p", {}, refusal({ ...item, gone: ["task", undefined].includes(error.details?.field) })), when, ...shown,
      h("p", { class: "row" },
        ...(whole ? [button(t("copy_text"), () => copy(whole))] : []),
        ...(item.args.task ? [button(t("refused.open"), () => this.go(item.board, item.args.task))] : []),
        button(t("dismiss"), () => this.refusals.dismiss(mutation))));
  }
}
