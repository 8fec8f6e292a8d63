// "What changed since I was here": a line above the board when it is entered, and the list behind it.

import { h } from "../dom.js";
import { formatAgo, formatList, formatTime, t } from "../i18n.js";
import { sentence } from "../sentences.js";
import { Panel, nothing } from "./panel.js";

const SEEN_MS = 1000;

export class NewsPanel {
  constructor({ scope, visits, client, toasts, open, name }) {
    Object.assign(this, { visits, client, toasts, open, name });
    this.panel = new Panel(scope, t("news.heading"));
    this.asked = false; // since somebody came to look
    this.timer = null;
    scope.on(document, "visibilitychange", () => this.turned());
    scope.on(client, "log", () => this.seen());
    scope.ending(() => clearTimeout(this.timer));
  }

  /** The tab is looked at again, or no more: then nothing is seen any more. */
  turned() {
    clearTimeout(this.timer);
    this.timer = null;
    if (document.visibilityState !== "visible") return (this.asked = false);
    this.visits.begin(this.client.board);
    if (this.client.joined) this.arrive();
  }

  /** Once, when somebody looks and the board is there: a quiet line when others did something meanwhile. */
  async arrive() {
    if (this.asked || document.visibilityState !== "visible") return;
    this.asked = true;
    let news;
    try {
      news = await this.visits.since(this.client);
    } catch {
      this.asked = false; // nobody asked for it: without an answer there is no line, and it is tried with the next join
      return;
    }
    this.visits.mark(this.client); // now, too: what is written while a page goes away may be lost
    if (news === null) return;
    const { changes: n, at, more } = news;
    this.toasts.show(t(more ? "news.told_more" : "news.told", { n, when: formatAgo(at) }), { actions: [[t("news.show"), () => this.show()]] });
  }

  /** What comes while somebody looks is no news later, nor in another tab. */
  seen() {
    if (document.visibilityState !== "visible") return;
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.visits.mark(this.client);
    }, SEEN_MS);
  }

  show() {
    const news = this.visits.told.get(this.client.board);
    if (!news) return this.panel.show(nothing(t("news.none"), t("news.none_hint")));
    const { at, tasks } = news;
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
