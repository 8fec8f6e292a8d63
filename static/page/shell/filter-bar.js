// The search field in the head, and the popover with the other filters. What is chosen stands in the address.

import { EMPTY, equal, isEmpty } from "../../client/filter.js";
import { h, icon, setText } from "../dom.js";
import { t } from "../i18n.js";
import { swatch } from "../labels.js";
import { beside } from "../menu.js";
import { avatar } from "../people.js";

const DUES = ["overdue", "today", "week", "none"];
const PRIORITIES = ["urgent", "high", "medium", "low"];

export class FilterBar {
  /** `apply(filter)` when something was chosen; `people()` → [{id, name, me}]; `labels()` → [{id, name, color}]. */
  constructor({ scope, apply, people, labels }) {
    Object.assign(this, { apply, people, labels });
    this.filter = EMPTY;
    this.input = h("input", {
      class: "search-input", type: "search", placeholder: t("filter.search"), "aria-label": t("filter.search"), autocomplete: "off",
      oninput: () => this.change({ text: this.input.value }), onkeydown: (event) => this.key(event),
    });
    this.button = h("button", { class: "quiet", type: "button", "aria-haspopup": "dialog", "aria-label": t("filter.more"), onclick: () => this.toggle() }, icon("filter"));
    this.badge = h("span", { class: "badge", hidden: true });
    this.button.append(this.badge);
    this.element = h("div", { class: "search", role: "search" }, icon("search"), this.input, this.button);
    this.popover = h("div", { class: "filter-popover", popover: "auto", role: "dialog", "aria-label": t("filter.more") });
    this.status = h("div", { class: "filter-status", hidden: true, role: "status" });
    scope.add(this.popover);
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  key(event) {
    if (event.key !== "Escape" && event.key !== "Enter") return;
    event.preventDefault();
    if (event.key === "Escape") this.change({ text: "" });
    this.input.blur();
    document.querySelector('#board .open[tabindex="0"]')?.focus();
  }

  change(part) {
    this.apply({ ...this.filter, ...part });
  }

  clear() {
    this.apply(EMPTY);
  }

  /** Shows what is chosen; `found`: how many cards it lets pass. */
  render(filter, found) {
    const same = equal(filter, this.filter);
    this.filter = filter;
    if (document.activeElement !== this.input && this.input.value !== filter.text) this.input.value = filter.text;
    const chosen = filter.labels.length + filter.assignees.length + [filter.due, filter.completed, filter.priority].filter((one) => one !== null).length;
    this.badge.hidden = chosen === 0;
    setText(this.badge, String(chosen));
    this.status.hidden = isEmpty(filter);
    if (!this.status.hidden) this.renderStatus(found);
    if (!same && this.popover.matches(":popover-open")) this.draw();
  }

  renderStatus(found) {
    if (this.status.firstChild === null) {
      this.found = h("span", {});
      this.status.append(this.found, h("button", { class: "link", type: "button", onclick: () => this.clear() }, t("filter.clear")));
    }
    setText(this.found, t("filter.found", { n: found }));
  }

  toggle() {
    if (this.popover.matches(":popover-open")) return this.popover.hidePopover();
    this.draw();
    this.popover.showPopover();
    beside(this.popover, this.button.getBoundingClientRect());
    return this.popover.querySelector("button")?.focus();
  }

  draw() {
    const focused = document.activeElement?.dataset?.choice;
    const { labels, assignees, due, completed, priority } = this.filter;
    const one = (name, value, now) => () => this.change({ [name]: now === value ? null : value });
    const many = (name, value, now) => () => this.change({ [name]: now.includes(value) ? now.filter((id) => id !== value) : [...now, value] });
    this.popover.replaceChildren(
      group("filter.assignee", [
        choice("a me", t("filter.me"), assignees.includes("me"), many("assignees", "me", assignees)),
        choice("a none", t("filter.nobody"), assignees.includes("none"), many("assignees", "none", assignees)),
        ...this.people().filter(({ me }) => !me).map(({ id, name }) => choice(`a ${id}`, name, assignees.includes(id), many("assignees", id, assignees), avatar({ name }))),
      ]),
      group("filter.label", [
        choice("l none", t("filter.no_label"), labels.includes("none"), many("labels", "none", labels)),
        ...this.labels().map(({ id, name, color }) => choice(`l ${id}`, name, labels.includes(id), many("labels", id, labels), swatch(color))),
      ]),
      group("filter.due", DUES.map((name) => choice(`d ${name}`, t(`filter.due_${name}`), due === name, one("due", name, due)))),
      group("filter.completed", [
        choice("c no", t("filter.open"), completed === false, one("completed", false, completed)),
        choice("c yes", t("filter.done"), completed === true, one("completed", true, completed)),
      ]),
      group("filter.priority", PRIORITIES.map((name) => choice(`p ${name}`, t(`priority.${name}`), priority === name, one("priority", name, priority)))),
      h("button", { class: "link", type: "button", onclick: () => this.clear() }, t("filter.clear")));
    if (focused) this.popover.querySelector(`[data-choice="${CSS.escape(focused)}"]`)?.focus();
  }
}

function group(key, choices) {
  return h("fieldset", {}, h("legend", {}, t(key)), h("div", { class: "choices" }, ...choices));
}

function choice(id, label, on, run, mark = null) {
  return h("button", { class: "pill", type: "button", "aria-pressed": String(on), "data-choice": id, onclick: run }, mark, label);
}
