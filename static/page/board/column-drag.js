// Dragging a column by its head: a line shows between which others it would go. By keys: its menu.
//
// A finger drags after a short press, as with cards (drag.js), so that swiping still scrolls the board.

import { h } from "../dom.js";
import { PRESS_MS, push } from "./drag.js";

const THRESHOLD_PX = 6;

export class ColumnDrag {
  /** `onDrop(column, after)`; `after` is null for the first place. */
  constructor(root, scope, { mayDrag, onDrop }) {
    Object.assign(this, { root, mayDrag, onDrop });
    this.state = null; // {column, element, pointer, touch, x, y, startX, startY, active, after?, timer?}
    this.line = h("div", { class: "column-line", hidden: true });
    scope.add(this.line);
    scope.on(root, "pointerdown", (event) => this.press(event));
    scope.on(window, "pointermove", (event) => this.moved(event));
    scope.on(window, "pointerup", (event) => this.released(event));
    scope.on(window, "pointercancel", () => this.cancel());
    scope.on(window, "keydown", (event) => event.key === "Escape" && this.cancel(), { capture: true });
    scope.on(root, "touchmove", (event) => this.state?.active && event.preventDefault(), { passive: false });
    scope.on(root, "contextmenu", (event) => this.state?.touch && event.preventDefault());
    scope.ending(() => this.cancel());
  }

  press(event) {
    const head = event.target.closest(".column-head");
    if (head === null || event.button !== 0 || this.state || event.target.closest("button") || !this.mayDrag()) return;
    const element = head.closest(".column");
    const { clientX: x, clientY: y, pointerId: pointer } = event;
    const touch = event.pointerType === "touch";
    this.state = { column: element.dataset.column, element, pointer, touch, x, y, startX: x, startY: y, active: false };
    if (touch) this.state.timer = setTimeout(() => this.begin(), PRESS_MS);
  }

  moved(event) {
    const { state } = this;
    if (state === null || event.pointerId !== state.pointer) return;
    [state.x, state.y] = [event.clientX, event.clientY];
    if (!state.active) {
      const far = Math.hypot(state.x - state.startX, state.y - state.startY);
      if (far < THRESHOLD_PX) return;
      if (state.touch) return this.cancel(); // a swipe
      this.begin();
    }
    this.aim();
  }

  begin() {
    const { state } = this;
    state.active = true;
    state.element.classList.add("moving");
    document.documentElement.classList.add("is-dragging");
    this.aim();
    this.scroll();
  }

  aim() {
    const others = [...this.root.querySelectorAll(".column")].filter((one) => one !== this.state.element);
    const boxes = others.map((one) => one.getBoundingClientRect());
    const index = boxes.filter((box) => this.state.x > box.left + box.width / 2).length;
    this.state.after = others[index - 1]?.dataset.column ?? null;
    const box = boxes[index] ?? boxes.at(-1);
    if (box === undefined) return;
    const left = boxes[index] ? box.left - 8 : box.right + 6;
    this.line.hidden = false;
    this.line.style.left = `${left}px`;
    this.line.style.top = `${box.top}px`;
  }

  /** Scrolls the board while the pointer is held at its edges. */
  scroll() {
    if (!this.state?.active) return;
    const { left, right } = this.root.getBoundingClientRect();
    const by = push(this.state.x, left, right);
    if (by !== 0) {
      this.root.scrollLeft += by;
      this.aim();
    }
    requestAnimationFrame(() => this.scroll());
  }

  released(event) {
    const { state } = this;
    if (state === null || event.pointerId !== state.pointer) return;
    this.cancel();
    if (state.active && state.element.isConnected) this.onDrop(state.column, state.after);
  }

  cancel() {
    const { state } = this;
    this.state = null;
    if (state === null) return;
    clearTimeout(state.timer);
    this.line.hidden = true;
    state.element.classList.remove("moving");
    document.documentElement.classList.remove("is-dragging");
  }
}
