// A menu beside what it belongs to: arrows move, Escape closes, the focus goes back.

import { h, icon } from "./dom.js";

export class Menu {
  constructor(scope) {
    this.element = h("div", { class: "menu", role: "menu", popover: "auto" });
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("toggle", (event) => event.newState === "closed" && this.closed());
    scope.add(this.element);
  }

  /**
   * `items`: {label, run, key?, danger?, checked?, icon?} or null for a line. `anchor`: the element beside which it opens.
   * `back()` gives the focus back when nothing else has taken it.
   */
  show(anchor, label, items, back = () => anchor.focus()) {
    this.back = back;
    (anchor.closest("dialog") ?? document.body).append(this.element); // above the dialog, and inside what can be reached
    this.element.setAttribute("aria-label", label);
    this.element.replaceChildren(...items.map((item) => (item ? this.item(item) : h("hr", { role: "separator" }))));
    this.element.showPopover();
    this.place(anchor.getBoundingClientRect());
    this.element.querySelector("button").focus();
  }

  item({ label, run, key, danger, checked, icon: drawing }) {
    const pick = () => {
      this.element.hidePopover();
      run();
    };
    const role = checked === undefined ? "menuitem" : "menuitemradio";
    const state = checked === undefined ? {} : { "aria-checked": String(checked) };
    const props = { role, type: "button", tabindex: "-1", class: danger ? "danger" : "", onclick: pick, ...state };
    const mark = drawing ? icon(drawing) : checked === undefined ? null : h("span", { class: "mark" }, checked ? icon("check") : "");
    return h("button", props, h("span", {}, ...(mark ? [mark] : []), label), key ? h("kbd", { "aria-hidden": "true" }, key) : null);
  }

  place(anchor) {
    beside(this.element, anchor);
  }

  key(event) {
    const items = [...this.element.querySelectorAll("button")];
    const index = items.indexOf(document.activeElement);
    const step = { ArrowDown: index + 1, ArrowUp: index - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Tab") this.element.hidePopover();
    if (step === undefined) return;
    items[step % items.length].focus();
    event.preventDefault();
  }

  closed() {
    const lost = document.activeElement === document.body || this.element.contains(document.activeElement);
    if (lost) this.back();
  }
}

/** Puts a popover below `anchor` (a rectangle), or above where there is no room, inside the window. */
export function beside(element, anchor) {
  const { offsetWidth: width, offsetHeight: height } = element;
  const left = Math.max(8, Math.min(anchor.right - width, innerWidth - width - 8));
  const below = anchor.bottom + 4;
  const top = below + height > innerHeight - 8 ? Math.max(8, anchor.top - height - 4) : below;
  element.style.left = `${left}px`;
  element.style.top = `${top}px`;
}
