// One column: its head, its cards, and the place where new cards are written.

import { h, icon, setText } from "../dom.js";
import { t } from "../i18n.js";
import { CardList } from "./card-list.js";
import { Composer } from "./composer.js";

export class ColumnView {
  /** `card(task)` → element; `heights`: of cards; `create(column, title)` and `focus(task)`: see composer.js; `menu(column, anchor)`; `edit(column)`. */
  constructor(id, { drafts, card, heights, create, focus, menu, edit }) {
    this.id = id;
    this.composer = new Composer(id, { drafts, create, focus });
    this.title = h("h2", { id: `column-${id}`, ondblclick: () => edit(id) });
    this.count = h("span", { class: "count" });
    const add = { class: "quiet edits", type: "button", "aria-label": t("column.add_card"), onclick: () => this.composer.open() };
    this.more = h("button", { class: "quiet edits", type: "button", "aria-haspopup": "menu", onclick: () => menu(id, this.more) }, icon("more"));
    this.list = h("ol", { class: "cards", "data-list": id, "aria-labelledby": `column-${id}` });
    this.empty = h("p", { class: "empty" });
    this.scroller = h("div", { class: "column-scroll" }, this.list, this.empty, this.composer.element);
    const head = h("header", { class: "column-head" }, this.title, this.count, h("span", { class: "space" }), h("button", add, icon("plus")), this.more);
    this.element = h("section", { class: "column", "data-column": id, "aria-labelledby": `column-${id}` }, head, this.scroller);
    this.cards = new CardList(this.list, this.scroller, { card, heights });
  }

  /**
   * `shown`: the tasks to draw; `count`: how many there are; `pinned()`: ids that must stay in the page; `first`: of a board
   * without cards; `still`: nothing may be changed.
   */
  draw(column, { shown, count, filtered, pinned, first, still }) {
    setText(this.title, column.title);
    this.title.title = still ? "" : t("column.rename_hint");
    this.more.setAttribute("aria-label", t("column.menu", { title: column.title }));
    const over = column.wip_limit !== null && count > column.wip_limit;
    const number = filtered ? `${shown.length}/${count}` : column.wip_limit ? `${count}/${column.wip_limit}` : String(count);
    setText(this.count, number);
    this.count.classList.toggle("over", over);
    this.element.classList.toggle("over-limit", over);
    this.element.classList.toggle("done", column.done);
    this.count.title = this.counted(count, column.wip_limit, over);
    this.empty.hidden = shown.length > 0;
    setText(this.empty, first ? t("column.first") : this.nothing(column, filtered && count > 0));
    this.cards.draw(shown, pinned);
  }

  counted(n, limit, over) {
    if (limit === null) return t("column.count", { n });
    return t(over ? "column.over" : "column.limited", { n, limit });
  }

  nothing(column, hidden) {
    if (hidden) return t("column.filtered");
    return t(column.done ? "column.empty_done" : "column.empty");
  }
}
