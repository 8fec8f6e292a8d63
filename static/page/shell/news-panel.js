// "What changed since I was here": a line above the board when it is entered, and the list behind it.

import { h } from "../dom.js";
import { formatAgo, formatList, formatTime, t } from "../i18n.js";
import { sentence } from "../sentences.js";
import { Panel, nothing } from "./panel.js";

export class NewsPanel {
  constructor({ scope, visits, client, toasts, open, name }) {
    Object.assign(this, { visits, client, toasts, open, name });
    this.panel = new Panel(scope, t("news.heading"));
    this.news = null;
    this.asked = false;
  }

  /** Once, when the board is there: a quiet line when others did something meanwhile. */
  async arrive() {
    if (this.asked) return;
    this.asked = true;
    try {
      this.news = await this.visits.since(this.client);
    } catch {
      return; // nobody asked for it: without an answer there is no line
    }
    this.visits.mark(this.client); // now, too: what is written while a page goes away may be lost
    if (this.news === null) return;
    const { changes: n, at, more } = this.news;
    this.toasts.show(t(more ? "news.told_more" : "news.told", { n, when: formatAgo(at) }), { actions: [[t("news.show"), () => this.show()]] });
  }

  show() {
    if (this.news === null) return this.panel.show(nothing(t("news.none"), t("news.none_hint")));
    const { at, tasks } = this.news;
    const list = h("ul", { class: "entries" }, ...tasks.map((task) => this.entry(task)));
    return this.panel.show(h("p", { class: "hint" }, t("news.since", { when: formatTime(at) })), list);
  }

  entry({ task, title, gone, actors, lines }) {
    const heading = task === null ? t("news.board") : title;
    const open = () => {
      this.panel.close();
      this.open(task);
    };
    const head = gone || task === null ? h("strong", {}, heading) : h("button", { class: "entry-open", type: "button", onclick: open }, heading);
    const said = lines.map((line) => sentence(line, { name: this.name })).filter(Boolean);
    return h("li", { class: "entry" }, h("div", {}, head, h("p", { class: "hint" }, formatList(actors)), ...said.map((text) => h("p", { class: "what" }, text))));
  }
}
