// The keys, on one page.

import { KEYS } from "../board/keyboard.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { Panel } from "./panel.js";

const MAC = /mac|iphone|ipad/i.test(navigator.userAgentData?.platform ?? navigator.platform ?? "");

export class Help {
  constructor(scope) {
    this.panel = new Panel(scope, t("keys.heading"), { kind: "help" });
  }

  show() {
    this.panel.show(h("div", { class: "key-groups" }, ...KEYS.map(group)), h("p", { class: "hint" }, t("keys.hint")));
  }
}

function group([heading, rows]) {
  return h("section", { class: heading === "keys.change" ? "edits" : "" }, h("h3", {}, t(heading)), h("dl", {}, ...rows.flatMap(([keys, what]) => [
    h("dt", {}, ...keys.split(" ").map((key) => h("kbd", {}, MAC && key === "Ctrl" ? "⌘" : key))), h("dd", {}, t(what)),
  ])));
}
