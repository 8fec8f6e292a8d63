// The columns and their cards. Draws at most once a frame; a card keeps its element for as long as it lives,
// so that focus, selection and a drag survive whatever others do.

import { Composer } from "./composer.js";
import { arrange, h, icon, setText } from "./dom.js";
import { makeCard, updateCard } from "./card-view.js";
import { Slide } from "./slide.js";
import { watchers } from "./people.js";

const isSlot = (element) => element.classList.contains("slot");

export class BoardView {
  /** `onDrawn()` is called after each drawing. */
  constructor(root, { client, drafts, actions, onDrawn }) {
    Object.assign(this, { root, client, drafts, actions, onDrawn });
    this.columns = new Map(); // column id → {element, list, …}
    this.cards = new Map(); // task id → element
    this.frame = null;
    this.slide = new Slide();
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const view = this.client.view;
    if (view === null) return;
    const focused = document.activeElement;
    this.slide.before(this.cards);
    this.drawColumns(view);
    this.drawCards(view);
    this.slide.after(this.cards);
    if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
    this.root.removeAttribute("aria-busy");
    this.onDrawn();
  }

  drawColumns(view) {
    const columns = view.sortedColumns();
    for (const id of [...this.columns.keys()]) if (!view.columns.has(id)) this.columns.delete(id);
    arrange(this.root, columns.map((column) => this.column(column, view.tasksIn(column.id).length)));
  }

  column(column, count) {
    let parts = this.columns.get(column.id);
    if (parts === undefined) this.columns.set(column.id, (parts = this.makeColumn(column.id)));
    setText(parts.title, column.title);
    setText(parts.count, column.wip_limit ? `${count}/${column.wip_limit}` : String(count));
    parts.count.classList.toggle("over", column.wip_limit !== null && count > column.wip_limit);
    parts.count.setAttribute("aria-label", count === 1 ? "1 card" : `${count} cards`);
    parts.empty.hidden = count > 0;
    setText(parts.empty, column.done ? "Finished cards gather here." : "No cards yet.");
    parts.element.classList.toggle("done", column.done);
    return parts.element;
  }

  makeColumn(id) {
    const create = (column, title) => this.actions.create(column, title);
    const composer = new Composer(id, { drafts: this.drafts, create });
    const title = h("h2", { id: `column-${id}` });
    const count = h("span", { class: "count" });
    const list = h("ol", { class: "cards", "data-list": id, "aria-labelledby": `column-${id}` });
    const empty = h("p", { class: "empty" });
    const label = "Add a card to this column";
    const props = { class: "quiet", type: "button", "aria-label": label, onclick: () => composer.open() };
    const add = h("button", props, icon("plus"));
    const head = h("header", { class: "column-head" }, title, count, add);
    const scroll = h("div", { class: "column-scroll" }, list, empty, composer.element);
    const named = { class: "column", "data-column": id, "aria-labelledby": `column-${id}` };
    const element = h("section", named, head, scroll);
    return { element, title, count, list, empty, composer };
  }

  drawCards(view) {
    for (const [id, card] of this.cards) {
      if (view.tasks.has(id)) continue;
      card.remove();
      this.cards.delete(id);
    }
    const pending = this.client.pendingTasks;
    for (const [id, { list }] of this.columns) {
      arrange(list, view.tasksIn(id).map((task) => this.card(task, view, pending)), isSlot);
    }
  }

  card(task, view, pending) {
    let card = this.cards.get(task.id);
    if (card === undefined) this.cards.set(task.id, (card = makeCard(task.id)));
    const draft = this.drafts.get(task.id) !== null;
    updateCard(card, task, view, { pending: pending.has(task.id), draft, people: watchers(this.client, task.id) });
    return card;
  }

  compose(column) {
    const [first] = this.client.view?.sortedColumns() ?? [];
    this.columns.get(column ?? first?.id)?.composer.open();
  }

  focus(task) {
    this.cards.get(task)?.querySelector(".open").focus();
  }
}
