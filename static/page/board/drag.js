// Dragging a card with the pointer: a copy follows it, a slot shows where the card would go.
//
// Nothing of the board changes before the drop, so what others do meanwhile is drawn as always; the slot is
// put back after each drawing. A finger drags after a short press, so that swiping still scrolls.

import { h, place } from "../dom.js";

const THRESHOLD_PX = 5;
export const PRESS_MS = 280;
const EDGE_PX = 48;

export class Drag {
  /** `onDrop(task, column, before)`; `before` is the card that will follow it, null at the end. `count(task)`: how many go. */
  constructor(root, scope, { mayDrag, onDrop, onStart, count }) {
    Object.assign(this, { root, mayDrag, onDrop, onStart, count });
    this.slotted = null;
    this.state = null; // {task, card, pointer, x, y, ghost?, slot?}
    scope.on(root, "pointerdown", (event) => this.press(event));
    scope.on(window, "pointermove", (event) => this.moved(event));
    scope.on(window, "pointerup", (event) => this.released(event));
    scope.on(window, "pointercancel", () => this.cancel());
    scope.on(window, "keydown", (event) => this.active && event.key === "Escape" && this.escaped(event), { capture: true });
    scope.on(root, "touchmove", (event) => this.active && event.preventDefault(), { passive: false });
    scope.on(root, "contextmenu", (event) => this.state?.touch && event.preventDefault());
    scope.ending(() => this.cancel());
  }

  /** The card that is being dragged, or undefined. */
  get task() {
    return this.active ? this.state.task : undefined;
  }

  escaped(event) {
    event.stopPropagation();
    this.cancel();
  }

  get active() {
    return this.state?.ghost !== undefined;
  }

  press(event) {
    const card = event.target.closest(".card");
    if (card === null || event.button !== 0 || this.state || event.target.closest(".check, .more") || !this.mayDrag()) return;
    const { clientX: x, clientY: y, pointerId: pointer } = event;
    const touch = event.pointerType === "touch";
    this.state = { task: card.dataset.task, card, pointer, touch, x, y, startX: x, startY: y };
    if (touch) this.state.timer = setTimeout(() => this.begin(), PRESS_MS);
  }

  moved(event) {
    const state = this.state;
    if (state === null || event.pointerId !== state.pointer) return;
    [state.x, state.y] = [event.clientX, event.clientY];
    if (!this.active) {
      if (Math.hypot(state.x - state.startX, state.y - state.startY) < THRESHOLD_PX) return;
      if (state.touch) return this.cancel(); // a swipe
      this.begin();
    }
    this.follow();
  }

  begin() {
    const state = this.state;
    const box = state.card.getBoundingClientRect();
    state.ghost = state.card.cloneNode(true);
    state.ghost.className += " ghost";
    state.ghost.removeAttribute("data-task");
    state.ghost.setAttribute("aria-hidden", "true");
    state.ghost.style.width = `${box.width}px`;
    const count = this.count(state.task);
    if (count > 1) state.ghost.append(h("span", { class: "ghost-count" }, String(count)));
    state.offsetX = state.startX - box.left;
    state.offsetY = state.startY - box.top;
    state.slot = h("li", { class: "slot", "aria-hidden": "true" });
    state.slot.style.height = `${box.height}px`;
    state.card.before(state.slot);
    state.card.classList.add("dragging");
    document.body.append(state.ghost);
    document.documentElement.classList.add("is-dragging");
    document.documentElement.setPointerCapture(state.pointer);
    this.onStart(state.task);
    this.follow();
    this.scroll();
  }

  follow() {
    const { ghost, x, y, offsetX, offsetY } = this.state;
    ghost.style.transform = `translate(${x - offsetX}px, ${y - offsetY}px) rotate(1.2deg)`;
    this.aim();
  }

  /** Puts the slot where the card would go now. */
  aim() {
    const { slot, x, y } = this.state;
    const list = this.listAt(x);
    if (list === null) return;
    const next = this.others(list).find((card) => {
      const box = card.getBoundingClientRect();
      return y < box.top + box.height / 2;
    });
    const before = next ?? null;
    if (slot.parentNode !== list || this.following(slot) !== before) place(list, slot, before);
    this.mark(list);
  }

  /** The list that has the slot: one without cards does not say so meanwhile. */
  mark(list) {
    this.slotted?.classList.remove("slotted");
    this.slotted = list;
    list?.classList.add("slotted");
  }

  listAt(x) {
    let best = null;
    for (const list of this.root.querySelectorAll("[data-list]")) {
      const box = list.closest(".column").getBoundingClientRect();
      const distance = Math.max(box.left - x, x - box.right, 0);
      if (best === null || distance < best.distance) best = { list, distance };
    }
    return best?.list ?? null;
  }

  others(list) {
    return [...list.querySelectorAll(":scope > .card:not(.dragging, .away)")];
  }

  following(slot) {
    let next = slot.nextElementSibling;
    while (next?.matches(".dragging, .away, .spacer")) next = next.nextElementSibling;
    return next;
  }

  /** Scrolls the board and the column while the pointer is held at their edges. */
  scroll() {
    if (!this.active) return;
    const { x, y, slot } = this.state;
    const sideways = this.root.getBoundingClientRect();
    this.root.scrollLeft += push(x, sideways.left, sideways.right);
    const column = slot.closest(".column-scroll");
    const box = column?.getBoundingClientRect();
    const down = box ? push(y, box.top, box.bottom) : 0;
    if (down !== 0) {
      column.scrollTop += down;
      this.aim();
    }
    requestAnimationFrame(() => this.scroll());
  }

  /** After a drawing: the card may be gone, or the lists may have changed under the pointer. */
  refresh() {
    if (!this.active) return;
    if (!this.state.card.isConnected) this.cancel();
    else this.aim();
  }

  released(event) {
    const state = this.state;
    if (state === null || event.pointerId !== state.pointer) return;
    if (!this.active) return this.cancel();
    const { list } = state.slot.closest("[data-list]").dataset;
    const before = this.following(state.slot)?.dataset.task ?? null;
    this.cancel();
    swallowClick();
    this.onDrop(state.task, list, before);
  }

  cancel() {
    const state = this.state;
    this.state = null;
    if (state === null) return;
    clearTimeout(state.timer);
    state.ghost?.remove();
    state.slot?.remove();
    this.mark(null);
    state.card.classList.remove("dragging");
    document.documentElement.classList.remove("is-dragging");
  }
}

/** How many pixels to scroll in this frame, with the pointer at `at` between the edges `low` and `high`. */
export function push(at, low, high) {
  if (at < low + EDGE_PX) return -Math.min(14, (low + EDGE_PX - at) / 4);
  if (at > high - EDGE_PX) return Math.min(14, (at - high + EDGE_PX) / 4);
  return 0;
}

/** The click that follows a drop is no click on the card. */
function swallowClick() {
  const swallow = (event) => {
    event.stopPropagation();
    event.preventDefault();
  };
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
}
