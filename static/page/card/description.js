// The description of a card: read as Markdown, written as text. Links to other places open in a tab of their own.

import { growing, h } from "../dom.js";
import { t } from "../i18n.js";
import { markdown } from "../markdown.js";

export class Description {
  /** `mention(text)` as in markdown.js; `complete(field)` makes it complete names. The text field is `input`; its listeners are the card dialog's. */
  constructor({ mention, complete }) {
    this.mention = mention;
    this.input = growing(h("textarea", {
      name: "description", rows: "6", class: "field", id: "card-description", placeholder: t("description.placeholder"),
    }));
    complete(this.input);
    this.shown = h("div", { class: "markdown reading", id: "card-reading", ondblclick: () => this.input.readOnly || this.write() });
    this.reads = tab("read", () => this.read());
    this.writes = tab("write", () => this.write());
    const tabs = h("div", { class: "tabs edits", role: "group", "aria-label": t("description.mode") }, this.reads, this.writes);
    const hint = h("p", { class: "hint markdown-hint" }, t("description.hint"));
    this.writing = h("div", { class: "writing" }, this.input, hint);
    const head = h("div", { class: "section-head" }, h("h3", {}, h("label", { for: "card-description" }, t("field.description"))), h("span", { class: "space" }), tabs);
    this.element = h("section", { class: "card-section" }, head, this.shown, this.writing);
  }

  get value() {
    return this.input.value;
  }

  set value(text) {
    if (this.input.value !== text) this.input.value = text;
    if (!this.shown.hidden) this.draw();
  }

  get isReading() {
    return !this.shown.hidden;
  }

  read() {
    this.mode(true);
    this.draw();
  }

  write() {
    this.mode(false);
    this.input.focus();
    this.input.dispatchEvent(new Event("focus"));
  }

  mode(reading) {
    this.shown.hidden = !reading;
    this.writing.hidden = reading;
    this.reads.setAttribute("aria-pressed", String(reading));
    this.writes.setAttribute("aria-pressed", String(!reading));
  }

  /** `anew`: also when the text is the same. */
  draw(anew = false) {
    if (this.drawn === this.input.value && !anew) return;
    this.drawn = this.input.value;
    this.shown.replaceChildren(markdown(this.drawn, { mentioned: this.mention }));
    if (this.drawn.trim() === "") this.shown.append(h("p", { class: "hint" }, t("description.none")));
  }
}

function tab(name, onclick) {
  return h("button", { class: "tab", type: "button", "aria-pressed": "false", onclick }, t(`description.${name}`));
}
