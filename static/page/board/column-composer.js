// Where a new column is named, at the end of the board.

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";

export class ColumnComposer {
  constructor(create) {
    this.create = create;
    this.input = h("input", {
      class: "field", maxlength: "200", "aria-label": t("column.new_title"), placeholder: t("column.new_title"),
      onkeydown: (event) => this.key(event),
    });
    this.form = h("form", { class: "composer", hidden: true, onsubmit: (event) => this.submit(event) }, this.input,
      h("div", { class: "row" },
        h("button", { class: "primary", type: "submit" }, t("column.add")),
        h("button", { class: "quiet", type: "button", onclick: () => this.close() }, t("close"))));
    this.button = h("button", { class: "add-column quiet", type: "button", onclick: () => this.open() }, icon("plus"), t("column.add"));
    this.element = h("div", { class: "new-column edits" }, this.button, this.form);
  }

  open() {
    this.form.hidden = false;
    this.button.hidden = true;
    this.input.focus();
    this.element.scrollIntoView({ inline: "nearest", block: "nearest" });
  }

  close() {
    this.form.hidden = true;
    this.button.hidden = false;
    this.button.focus();
  }

  key(event) {
    if (event.key !== "Escape") return;
    this.close();
    event.stopPropagation();
  }

  submit(event) {
    event.preventDefault();
    const title = this.input.value.replace(/\s+/g, " ").trim();
    if (title === "") return;
    this.create(title);
    this.input.value = "";
    this.input.focus();
    this.element.scrollIntoView({ inline: "nearest", block: "nearest" });
  }
}
