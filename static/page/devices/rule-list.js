// The rules that watch a device: each in a sentence, to be changed, taken away, or joined by a new one.

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { editRule } from "./rule-dialog.js";
import { conditionText } from "../readings/values.js";

export class RuleList {
  /** `metric()`: the one that is looked at, for a new rule. */
  constructor(workspace, { metric }) {
    Object.assign(this, { workspace, metric });
    this.client = workspace.client;
    this.device = null;
    this.list = h("ul", { class: "rules" });
    this.add = h("button", { class: "quiet", type: "button", onclick: () => this.edit(null) }, icon("plus"), t("rule.add"));
    this.element = h("section", { class: "card-section" }, h("h3", {}, t("rule.heading")), this.list, this.add);
  }

  get rules() {
    return [...this.client.view.rules.values()].filter(({ device }) => device === "*" || device === this.device);
  }

  render() {
    const { view } = this.client;
    const cards = [...view.tasks.values()].filter((task) => task.alarm && task.device === this.device && task.alarm_at);
    const print = JSON.stringify([this.device, this.rules, cards.map(({ id }) => id), this.workspace.mayEdit]);
    if (print === this.print) return;
    this.print = print;
    this.add.hidden = !this.workspace.mayEdit;
    this.list.replaceChildren(...this.rules.map((rule) => this.row(rule, cards.find(({ alarm }) => alarm === rule.id))));
    if (this.rules.length === 0) this.list.append(h("li", { class: "hint" }, t("rule.none")));
  }

  row(rule, card) {
    const column = this.client.view.columns.get(rule.then.column)?.title ?? rule.then.column;
    const everywhere = rule.device === "*" ? ` ${t("rule.all")}` : "";
    const open = card ? h("button", { class: "link urgent", type: "button", onclick: () => this.workspace.open(card.id) }, t("rule.open_card")) : null;
    const edit = h("button", { class: "quiet", type: "button", "aria-label": t("rule.edit"), hidden: !this.workspace.mayEdit, onclick: () => this.edit(rule) }, icon("pencil"));
    return h("li", { class: "rule" },
      h("div", {}, h("p", {}, h("strong", {}, conditionText(rule)), everywhere), h("p", { class: "hint" }, t("rule.then", { title: rule.then.title, column })), open), edit);
  }

  async edit(rule) {
    const { client, workspace } = this;
    const answer = await editRule({ client, workspace, rule, device: this.device, metric: this.metric() });
    if (answer === null) return;
    if (answer.remove) client.mutate("rule.delete", { rule: rule.id });
    else client.mutate("rule.set", { rule: answer.rule });
    workspace.say(t(answer.remove ? "rule.said_removed" : "rule.said_saved"));
  }
}
