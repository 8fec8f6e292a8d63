// What happened to a card: who changed what, from what to what, read from the log.

import { h, setText } from "../dom.js";
import { formatAgo, formatTime, t } from "../i18n.js";
import { avatar } from "../people.js";
import { reason } from "../reasons.js";
import { sentence } from "../sentences.js";

export class HistoryView {
  constructor(workspace) {
    this.workspace = workspace;
    this.list = h("ol", { class: "history" });
    this.problem = h("p", { class: "hint", role: "status" });
    this.more = h("button", { class: "link", type: "button", hidden: true, onclick: () => this.history.loadMore() }, t("history.older"));
    this.element = h("details", { class: "card-section history-section", ontoggle: () => this.toggled() },
      h("summary", {}, h("h3", {}, t("history.title"))), this.list, this.problem, this.more);
  }

  open(task) {
    this.close();
    this.task = task;
    this.element.open = false;
  }

  close() {
    this.history?.removeEventListener("change", this.onChange);
    this.history?.close();
    this.history = null;
    this.list.replaceChildren();
  }

  /** Read when it is wanted. */
  toggled() {
    if (!this.element.open || this.history || !this.task) return;
    this.history = this.workspace.client.history(this.task);
    this.onChange = () => this.render();
    this.history.addEventListener("change", this.onChange);
    setText(this.problem, t("loading"));
    this.history.load();
  }

  render() {
    const { history } = this;
    if (!history) return;
    const { error, items, more } = history;
    setText(this.problem, error ? t("history.failed", { reason: reason(error) }) : items.length === 0 ? t("history.none") : "");
    this.more.hidden = !more;
    setText(this.more, t(error ? "try_now" : "history.older"));
    const said = items.filter(({ lost, lines }) => lost || lines.length > 0); // the others changed nothing
    this.list.replaceChildren(...said.map((item) => this.entry(item)));
  }

  entry({ at, actor, lines, lost }) {
    const { name } = this.workspace;
    const said = lost ? [t("history.lost")] : lines.map((line) => sentence(line, { name })).filter(Boolean);
    const when = h("time", { title: formatTime(at), datetime: new Date(at).toISOString() }, formatAgo(at));
    return h("li", {}, avatar(actor), h("div", {}, h("p", {}, h("strong", {}, actor.name), " ", when), ...said.map((text) => h("p", { class: "what" }, text)), ...texts(lines)));
  }
}

/** Long texts are shown in full when asked for. */
function texts(lines) {
  return lines.filter(({ what }) => what === "description").map(({ from, to }) =>
    h("details", { class: "versions" }, h("summary", {}, t("history.compare")),
      h("div", { class: "texts" }, version(t("history.before"), from), version(t("history.after"), to))));
}

function version(heading, text) {
  return h("section", {}, h("h4", {}, heading), h("div", { class: "their-text field", role: "group", tabindex: "0", "aria-label": heading }, text || t("conflict.empty")));
}
