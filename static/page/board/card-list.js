// The cards of one column. Short lists are drawn whole; of long ones only what can be seen, and a little around it:
// spacers stand for the rest, as high as those cards are, or are guessed to be.
//
// A card that has the focus, or is being dragged, stays in the page when it is scrolled away ("away").

import { arrange, h } from "../dom.js";

const WHOLE = 60; // cards; up to this a list is drawn whole
const AROUND = 500; // px above and below
const GUESS = 76; // px of a card that was never drawn
const GAP = 8; // px between cards, as in the style sheet

const isSlot = (element) => element.classList.contains("slot");

export class CardList {
  /** `scroller`: the element that scrolls `list`. `card(task)` → its element, up to date. `heights`: see heights.js. */
  constructor(list, scroller, { card, heights }) {
    Object.assign(this, { list, scroller, card, heights });
    this.tasks = [];
    this.offsets = [0]; // of each card's top; one more than there are cards
    this.top = 0; // how far it is scrolled, px
    this.range = [0, 0];
    this.above = spacer();
    this.below = spacer();
    this.frame = null;
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
  }

  get virtual() {
    return this.tasks.length > WHOLE;
  }

  /** Asks how far it is scrolled. Not while drawing: the browser would lay out the page in the middle of it. */
  look() {
    this.top = this.scroller.scrollTop;
  }

  toTop() {
    if (this.top === 0) return;
    this.scroller.scrollTop = this.top = 0;
  }

  /** Draws `tasks`; those that `pinned()` names (a Set of ids) stay in the page wherever they are. */
  draw(tasks, pinned) {
    this.tasks = tasks;
    this.pinned = pinned;
    if (!this.virtual) {
      this.range = [0, tasks.length];
      arrange(this.list, tasks.map((task) => this.placed(task, 0, false)), isSlot);
      return;
    }
    this.measure();
    this.window();
  }

  /** Puts the offsets together, from what is known of the heights. */
  measure() {
    const usual = this.heights.usual(GUESS);
    this.offsets = [0];
    let at = 0;
    for (const task of this.tasks) this.offsets.push((at += (this.heights.of(task.id) ?? usual) + GAP));
  }

  window() {
    const from = this.indexAt(this.top - AROUND);
    const to = this.indexAt(this.top + innerHeight + AROUND) + 1;
    this.range = [from, Math.min(to, this.tasks.length)];
    const inside = this.tasks.slice(...this.range).map((task, index) => this.placed(task, from + index, false));
    const pinned = this.pinned();
    const [before, after] = [this.aside(pinned, 0, from), this.aside(pinned, this.range[1], this.tasks.length)];
    this.above.style.height = `${this.offsets[from]}px`;
    this.below.style.height = `${this.offsets[this.tasks.length] - this.offsets[this.range[1]]}px`;
    arrange(this.list, [...before, this.above, ...inside, this.below, ...after], isSlot);
  }

  aside(pinned, from, to) {
    if (pinned.size === 0) return [];
    const found = [];
    for (let index = from; index < to; index += 1) {
      if (pinned.has(this.tasks[index].id)) found.push(this.placed(this.tasks[index], index, true));
    }
    return found;
  }

  placed(task, index, away) {
    const element = this.card(task);
    element.classList.toggle("away", away);
    if (this.virtual) {
      element.setAttribute("aria-setsize", this.tasks.length);
      element.setAttribute("aria-posinset", index + 1);
    }
    return element;
  }

  /** The card that covers the height `at`, by halves. */
  indexAt(at) {
    let [low, high] = [0, this.tasks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.offsets[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  scrolled() {
    this.look();
    if (!this.virtual) return;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const [from, to] = this.range;
      const short = this.offsets[from] > this.top - AROUND / 2 && from > 0;
      const ends = this.offsets[to] < this.top + this.scroller.clientHeight + AROUND / 2 && to < this.tasks.length;
      if (!short && !ends) return;
      this.measure();
      this.window();
    });
  }

  /** Scrolls so that the card of `task` is in the page; true when it is in this list. */
  reveal(task) {
    const index = this.tasks.findIndex((other) => other.id === task);
    if (index < 0) return false;
    const [from, to] = this.range;
    if (this.virtual && (index < from || index >= to)) {
      this.scroller.scrollTop = Math.max(0, this.offsets[index] - this.scroller.clientHeight / 3);
      this.look();
      this.window();
    }
    return true;
  }
}

function spacer() {
  return h("li", { class: "spacer", role: "none", "aria-hidden": "true" });
}
