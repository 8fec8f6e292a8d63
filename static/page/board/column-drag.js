// Dragging a column by its head: a line shows between which others it would go. By keys: its menu.

import { h } from "../dom.js";

const THRESHOLD_PX = 6;

export class ColumnDrag {
  /** `onDrop(column, after)`; `after` is null for the first place. */
  constructor(root, scope, onDrop) {
    Object.assign(this, { root, onDrop });
    this.state = null; // {column, element, pointer, startX, after?}
    this.line = h("div", { class: "column-line", hidden: true });
    scope.add(this.line);
    scope.on(root, "pointerdown", (event) => this.press(event));
    scope.on(window, "pointermove", (event) => this.moved(event));
    scope.on(window, "pointerup", (event) => this.released(event));
    scope.on(window, "pointercancel", () => this.cancel());
    scope.on(window, "keydown", (event) => event.key === "Escape" && this.cancel(), { capture: true });
  }

  press(event) {
    const head = event.target.closest(".column-head");
    if (head === null || event.button !== 0 || event.pointerType === "touch" || event.target.closest("button")) return;
    const element = head.closest(".column");
    this.state = { column: element.dataset.column, element, pointer: event.pointerId, startX: event.clientX };
  }

  moved(event) {
    const { state } = this;
    if (state === null || event.pointerId !== state.pointer) return;
    if (state.after === undefined && Math.abs(event.clientX - state.startX) < THRESHOLD_PX) return;
    state.element.classList.add("moving");
    document.documentElement.classList.add("is-dragging");
    this.aim(event.clientX);
  }

  aim(x) {
    const others = [...this.root.querySelectorAll(".column")].filter((one) => one !== this.state.element);
    const boxes = others.map((one) => one.getBoundingClientRect());
    const index = boxes.filter((box) => x > box.left + box.width / 2).length;
    this.state.after = others[index - 1]?.dataset.column ?? null;
    const box = boxes[index] ?? boxes.at(-1);
    if (box === undefined) return;
    const left = boxes[index] ? box.left - 8 : box.right + 6;
    this.line.hidden = false;
    this.line.style.left = `${left}px`;
    this.line.style.top = `${box.top}px`;
  }

  released(event) {
    const { state } = this;
    if (state === null || event.pointerId !== state.pointer) return;
    this.cancel();
    if (state.after !== undefined && state.element.isConnected) this.onDrop(state.column, state.after);
  }

  cancel() {
    const { state } = this;
    this.state = null;
    if (state === null) return;
    this.line.hidden = true;
    state.element.classList.remove("moving");
    document.documentElement.classList.remove("is-dragging");
  }
}
