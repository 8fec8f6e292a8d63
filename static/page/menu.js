// The menu of a card: what dragging and clicking do, for those who do neither.

import { h } from "./dom.js";

export class Menu {
  constructor({ client, actions, open, focus }) {
    Object.assign(this, { client, actions, open, focus });
    this.element = h("div", { class: "menu", role: "menu", popover: "auto", "aria-label": "Card" });
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("toggle", (event) => event.newState === "closed" && this.closed());
    document.body.append(this.element);
  }

  /** Opens for `task` beside `anchor`. With `moving`, at the "Move to" entries. */
  show(task, anchor, moving = false) {
    const here = this.client.view.tasks.get(task);
    if (here === undefined) return;
    this.task = task;
    this.element.replaceChildren(...this.items(here));
    this.element.showPopover();
    this.position(anchor.getBoundingClientRect());
    const first = moving ? this.element.querySelector("[data-move]") : null;
    (first ?? this.element.querySelector("[role=menuitem]")).focus();
  }

  items(task) {
    const { actions } = this;
    const columns = this.client.view.sortedColumns().filter((column) => column.id !== task.column);
    return [
      this.item("Open", () => this.open(task.id), "Enter"),
      this.item(task.completed ? "Reopen" : "Complete", () => actions.toggle(task.id), "X"),
      h("hr"),
      ...columns.map(({ id, title }) => this.item(`Move to ${title}`, () => actions.move(task.id, id, null), "", true)),
      this.item("Move to the top", () => actions.move(task.id, task.column, null), "", true),
      this.item("Move to the end", () => actions.move(task.id, task.column), "", true),
      h("hr"),
      this.item("Delete", () => actions.remove(task.id), "Del"),
    ];
  }

  item(label, run, key = "", move = false) {
    const pick = () => {
      this.element.hidePopover();
      run();
    };
    const props = { role: "menuitem", type: "button", tabindex: "-1", "data-move": move, onclick: pick };
    return h("button", props, h("span", {}, label), key ? h("kbd", { "aria-hidden": "true" }, key) : null);
  }

  position(anchor) {
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const left = Math.max(8, Math.min(anchor.right - width, innerWidth - width - 8));
    const below = anchor.bottom + 4;
    const top = below + height > innerHeight - 8 ? Math.max(8, anchor.top - height - 4) : below;
    this.element.style.left = `${left}px`;
    this.element.style.top = `${top}px`;
  }

  key(event) {
    const items = [...this.element.querySelectorAll("[role=menuitem]")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const index = items.indexOf(document.activeElement);
    items[(index + step + items.length) % items.length].focus();
    event.preventDefault();
  }

  closed() {
    if (document.activeElement === document.body) this.focus(this.task);
  }
}
