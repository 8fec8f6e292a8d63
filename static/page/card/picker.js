// A list to choose several things from, with a field to search it; what is not there can be made.

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { beside } from "../menu.js";

export class Picker {
  /** `parent`: where the popover lives; a dialog's own popovers must be inside it. */
  constructor(parent) {
    this.input = h("input", { class: "field", type: "text", autocomplete: "off", oninput: () => this.draw(), onkeydown: (event) => this.typed(event) });
    this.list = h("div", { class: "options" });
    this.element = h("div", { class: "picker", popover: "auto" }, this.input, this.list);
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("toggle", (event) => event.newState === "closed" && this.closed());
    parent.append(this.element);
  }

  /**
   * `options()` → [{id, label, chosen, mark?}]; `toggle(id, chosen)`; `make(text)` makes and chooses; `makeLabel(text)`;
   * `more`: [label, run], at the end.
   */
  show(anchor, { label, options, toggle, make, makeLabel, more }) {
    Object.assign(this, { anchor, options, toggle, make, makeLabel, more });
    this.input.value = "";
    this.input.placeholder = label;
    this.input.setAttribute("aria-label", label);
    this.draw();
    this.element.showPopover();
    beside(this.element, anchor.getBoundingClientRect());
    this.input.focus();
  }

  /** Draws anew when it is open; the focus stays where it was. */
  refresh() {
    if (this.element.matches(":popover-open")) this.draw();
  }

  draw() {
    const focused = document.activeElement?.dataset?.option;
    const wanted = this.input.value.trim().toLocaleLowerCase();
    const shown = this.options().filter((option) => option.label.toLocaleLowerCase().includes(wanted));
    const exact = shown.some((option) => option.label.toLocaleLowerCase() === wanted);
    const parts = shown.map((option) => this.option(option));
    if (this.make && wanted && !exact) parts.push(this.maker(this.input.value.trim()));
    if (parts.length === 0) parts.push(h("p", { class: "hint" }, t(wanted || !this.make ? "picker.none" : "picker.type")));
    if (this.more) parts.push(this.further());
    this.list.replaceChildren(...parts);
    if (focused) this.list.querySelector(`[data-option="${CSS.escape(focused)}"]`)?.focus();
  }

  option({ id, label, chosen, mark }) {
    const props = {
      type: "button", role: "checkbox", "aria-checked": String(chosen), "data-option": id, class: "option",
      onclick: () => {
        this.toggle(id, !chosen);
        this.draw();
      },
    };
    return h("button", props, mark ?? null, h("span", { class: "option-label" }, label), chosen ? icon("check") : null);
  }

  maker(text) {
    const run = () => {
      this.input.value = "";
      this.make(text);
      this.draw();
      this.input.focus();
    };
    return h("button", { type: "button", class: "option", onclick: run }, icon("plus"), h("span", { class: "option-label" }, this.makeLabel(text)));
  }

  further() {
    const [label, run] = this.more;
    const leave = () => {
      this.element.hidePopover();
      run();
    };
    return h("button", { type: "button", class: "option further", onclick: leave }, icon("pencil"), h("span", { class: "option-label" }, label));
  }

  typed(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    this.list.querySelector("button")?.click();
  }

  key(event) {
    event.stopPropagation(); // Escape closes this, not the dialog around it
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const stops = [this.input, ...this.list.querySelectorAll("button")];
    stops[(stops.indexOf(document.activeElement) + step + stops.length) % stops.length].focus();
    event.preventDefault();
  }

  closed() {
    const lost = document.activeElement === document.body || this.element.contains(document.activeElement);
    if (lost) this.anchor.focus();
  }
}
