// Where new cards are written, at the foot of a column. What was typed stays until it is added or cleared.

import { growing, h, icon } from "../dom.js";
import { fits } from "../fits.js";
import { t } from "../i18n.js";

const TITLE = 200; // characters

export class Composer {
  /** `create(column, title)` → the new card's id; `focus(task)`: of a card, false where it is not shown. */
  constructor(column, { drafts, create, focus }) {
    Object.assign(this, { column, drafts, create, focus });
    this.added = null; // the last card written here since it was opened
    this.draft = `new-${column}`;
    this.input = growing(h("textarea", {
      class: "field", rows: "2",
      placeholder: t("composer.placeholder"), "aria-label": t("composer.label"),
      oninput: () => this.keep(), onkeydown: (event) => this.key(event),
    }));
    this.form = h("form", { class: "composer", hidden: true, novalidate: true, onsubmit: (event) => this.submit(event) }, this.input,
      h("div", { class: "row" },
        h("button", { class: "primary", type: "submit" }, t("composer.add")),
        h("button", { class: "quiet", type: "button", onclick: () => this.close() }, t("close"))));
    const add = { class: "add quiet", type: "button", onclick: () => this.open() };
    this.button = h("button", add, icon("plus"), t("composer.add"));
    this.element = h("div", { class: "column-foot edits" }, this.button, this.form);
    if (drafts.get(this.draft)) this.show();
  }

  open() {
    this.show();
    this.input.focus();
    this.element.scrollIntoView({ block: "nearest" });
  }

  show() {
    this.added = null;
    this.input.value = this.drafts.get(this.draft) ?? "";
    this.form.hidden = false;
    this.button.hidden = true;
  }

  close() {
    this.form.hidden = true;
    this.button.hidden = false;
    if (this.added === null || !this.focus(this.added)) this.button.focus();
  }

  keep() {
    if (this.input.value.trim()) this.drafts.set(this.draft, this.input.value);
    else this.drafts.drop(this.draft);
  }

  key(event) {
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && !event.isComposing) this.submit(event);
    else return;
    event.stopPropagation();
  }

  submit(event) {
    event.preventDefault();
    const title = this.input.value.replace(/\s+/g, " ").trim();
    if (title === "" || !fits(this.input, TITLE)) return;
    this.added = this.create(this.column, title);
    this.input.value = "";
    this.keep();
    this.input.focus();
    this.element.scrollIntoView({ block: "nearest" });
  }
}
