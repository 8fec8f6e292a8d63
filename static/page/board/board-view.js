// The columns and their cards. Draws at most once a frame; a card keeps its element for as long as it is shown,
// so that focus, selection and a drag survive whatever others do.

import { arrange } from "../dom.js";
import { watchers } from "../people.js";
import { makeCard, updateCard } from "./card-view.js";
import { ColumnComposer } from "./column-composer.js";
import { ColumnView } from "./column-view.js";
import { Heights } from "./heights.js";
import { Slide } from "./slide.js";

const UNSENT_MS = 1200;

export class BoardView {
  /**
   * `workspace`: what one board's parts share (workspace.js). `onDrawn()` is called after each drawing;
   * `pinned()` → ids of cards that must stay in the page.
   */
  constructor(root, workspace, { onDrawn, pinned }) {
    Object.assign(this, { root, workspace, onDrawn, pinned });
    this.columns = new Map(); // column id → ColumnView
    this.cards = new Map(); // task id → element
    this.unsent = new Map(); // task id → since when
    this.frame = null;
    this.heights = new Heights();
    this.slide = new Slide();
    this.composer = new ColumnComposer((title) => workspace.actions.addColumn(title));
    workspace.scope.on(root, "focusin", (event) => this.roam(event.target.closest(".card")));
    workspace.scope.ending(() => {
      cancelAnimationFrame(this.frame);
      this.frame = 0; // none any more
      this.heights.end();
      root.replaceChildren();
    });
  }

  get view() {
    return this.workspace.client.view;
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    this.draw();
  }

  draw() {
    const { view } = this;
    if (view === null) return;
    const focused = document.activeElement;
    const place = this.placeOf(focused);
    this.slide.before(this.cards);
    this.drawColumns(view);
    this.forget();
    this.slide.after(this.cards);
    if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
    else if (place !== null && document.activeElement === document.body) this.focusNear(place);
    this.root.removeAttribute("aria-busy");
    this.onDrawn();
  }

  /** Where the focus is, in which column and at which card; null when it is elsewhere. */
  placeOf(focused) {
    const column = focused?.closest?.(".column")?.dataset.column;
    if (column === undefined) return null;
    const task = focused.closest(".card")?.dataset.task;
    const index = this.columns.get(column)?.cards.tasks.findIndex(({ id }) => id === task) ?? 0;
    return { column, index: Math.max(0, index) };
  }

  /** To the card that stands now where one has gone, or to its column's button for a new one. */
  focusNear({ column, index }) {
    const there = this.columns.get(column);
    const next = there?.cards.tasks[index] ?? there?.cards.tasks.at(-1);
    if (next !== undefined) this.focus(next.id);
    else if (!this.still) there?.composer.button.focus({ preventScroll: true });
    if (document.activeElement === document.body) this.root.querySelector(".card:not(.away) .open")?.focus({ preventScroll: true });
  }

  drawColumns(view) {
    const { shown } = this.workspace;
    const columns = view.sortedColumns();
    for (const id of [...this.columns.keys()]) if (!view.columns.has(id)) this.columns.delete(id);
    this.arrangeColumns(columns.map((column) => column.id));
    this.pending = this.late(this.workspace.client.pendingTasks);
    const still = (this.still = !this.workspace.mayEdit);
    this.root.classList.toggle("still", still);
    const common = { still, filtered: shown.match !== null, pinned: () => this.pinnedCards() };
    const bare = view.tasks.size === 0 && !still;
    for (const column of columns) {
      const count = view.tasksIn(column.id).length;
      this.columns.get(column.id).draw(column, { ...common, first: bare && column === columns[0], shown: shown.in(view, column.id), count });
      this.oneStop(column.id);
    }
  }

  arrangeColumns(ids) {
    const [wanted, there] = [[...ids.map((id) => this.column(id).element), this.composer.element], this.root.children];
    if (there.length === wanted.length && wanted.every((element, index) => element === there[index])) return;
    arrange(this.root, wanted);
    for (const column of this.columns.values()) column.cards.look(); // a column that was moved may stand at its top again
  }

  /** Those of `pending` that have been so for a while: what is sent at once shows no mark, and moves no card. */
  late(pending) {
    const now = performance.now();
    for (const id of this.unsent.keys()) if (!pending.has(id)) this.unsent.delete(id);
    for (const id of pending) {
      if (this.unsent.has(id)) continue;
      this.unsent.set(id, now);
      setTimeout(() => this.schedule(), UNSENT_MS);
    }
    return new Set([...pending].filter((id) => now - this.unsent.get(id) >= UNSENT_MS - 1));
  }

  pinnedCards() {
    const focused = document.activeElement?.closest?.(".card")?.dataset.task;
    return new Set([focused, ...this.pinned()].filter(Boolean));
  }

  column(id) {
    if (!this.columns.has(id)) this.columns.set(id, this.makeColumn(id));
    return this.columns.get(id);
  }

  makeColumn(id) {
    const { drafts, columnMenu } = this.workspace;
    return new ColumnView(id, {
      drafts,
      card: (task) => this.card(task),
      heights: this.heights,
      create: (column, title) => this.workspace.create(column, title),
      focus: (task) => this.focus(task),
      menu: (column, anchor) => columnMenu.show(column, anchor),
      edit: (column) => this.workspace.mayEdit && columnMenu.edit(column),
    });
  }

  card(task) {
    const { client, drafts, selection, shown, name } = this.workspace;
    let card = this.cards.get(task.id);
    if (card === undefined) {
      this.cards.set(task.id, (card = makeCard(task.id)));
      this.heights.watch(card);
    }
    updateCard(card, task, this.view, {
      pending: this.pending.has(task.id),
      draft: drafts.get(task.id) !== null,
      people: watchers(client, task.id),
      selected: selection.has(task.id),
      lifted: shown.lifted?.task === task.id,
      mayEdit: this.workspace.mayEdit,
      name,
    });
    return card;
  }

  /** Elements that are in the page no more are let go of. */
  forget() {
    for (const [id, card] of this.cards) {
      if (card.isConnected) continue;
      this.cards.delete(id);
      this.heights.unwatch(card);
    }
    this.heights.tidy(this.view.tasks);
  }

  // -- the focus: one stop of the Tab key in each column, arrows for the rest

  roam(card) {
    if (!card) return;
    for (const open of card.parentElement.querySelectorAll('.open[tabindex="0"]')) open.tabIndex = -1;
    card.querySelector(".open").tabIndex = 0;
  }

  oneStop(column) {
    const { list } = this.columns.get(column);
    if (list.querySelector('.card:not(.away) .open[tabindex="0"]') === null) this.roam(list.querySelector(".card:not(.away)"));
  }

  /** Focuses a card, also one that was only just made, scrolling to it where it is not in the page. */
  focus(task) {
    if (this.frame) this.drawNow();
    for (const column of this.columns.values()) if (column.cards.reveal(task)) break;
    const card = this.cards.get(task);
    if (!card) return false;
    card.querySelector(".open").focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
    return true;
  }

  /** Each column at its first card. */
  toTop() {
    for (const { cards } of this.columns.values()) cards.toTop();
  }

  /** Opens the place for a new card, in `column` or the first one. */
  compose(column) {
    const [first] = this.view?.sortedColumns() ?? [];
    this.columns.get(column ?? first?.id)?.composer.open();
  }

  /** The id of the card that has the focus, or undefined. */
  get focused() {
    return document.activeElement?.closest?.(".card:not(.ghost)")?.dataset.task;
  }

  /** The task beside the one given, as shown: "up", "down", "first", "last", or at the same height "left", "right". */
  neighbour(task, direction) {
    const { shown } = this.workspace;
    const column = this.view.tasks.get(task)?.column;
    const list = shown.in(this.view, column);
    const index = list.findIndex((other) => other.id === task);
    if (direction === "up") return list[index - 1]?.id;
    if (direction === "down") return list[index + 1]?.id;
    if (direction === "first") return list[0]?.id;
    if (direction === "last") return list.at(-1)?.id;
    const columns = this.view.sortedColumns();
    const step = direction === "left" ? -1 : 1;
    for (let at = columns.findIndex((one) => one.id === column) + step; columns[at]; at += step) {
      const beside = shown.in(this.view, columns[at].id);
      if (beside.length > 0) return beside[Math.min(index, beside.length - 1)].id;
    }
    return undefined;
  }
}
