// The labels of a board: make, rename, colour, delete them. Each change is sent at once and can be undone.

import { arrange, h, icon, setText } from "../dom.js";
import { t } from "../i18n.js";
import { COLORS, nextColor, swatch } from "../labels.js";
import { Panel } from "./panel.js";

export class LabelsPanel {
  constructor({ scope, client, actions }) {
    Object.assign(this, { client, actions });
    this.rows = new Map(); // label id → element
    this.list = h("ul", { class: "entries" });
    this.none = h("p", { class: "hint" }, t("labels.none"));
    this.input = h("input", { class: "field", maxlength: "50", required: true, pattern: ".*\\S.*", placeholder: t("labels.new"), "aria-label": t("labels.new") });
    this.form = h("form", { class: "row add-row", onsubmit: (event) => this.create(event) }, this.input, h("button", { class: "primary", type: "submit" }, t("labels.create")));
    this.panel = new Panel(scope, t("labels.heading"));
    scope.on(client, "change", () => this.panel.open && this.render());
  }

  show() {
    this.panel.show(this.form, this.none, this.list);
    this.render();
    this.input.focus();
  }

  create(event) {
    event.preventDefault();
    const name = this.input.value.replace(/\s+/g, " ").trim();
    if (name === "") return;
    this.client.mutate("label.create", { label: this.client.newId("l"), name, color: nextColor(this.client.view.labels) });
    this.input.value = "";
  }

  render() {
    const { view } = this.client;
    const labels = [...view.labels.values()];
    const counts = new Map();
    for (const task of view.tasks.values()) for (const id of task.labels) counts.set(id, (counts.get(id) ?? 0) + 1);
    this.none.hidden = labels.length > 0;
    for (const id of this.rows.keys()) if (!view.labels.has(id)) this.rows.delete(id);
    arrange(this.list, labels.map((label) => this.row(label, counts.get(label.id) ?? 0)));
  }

  row({ id, name, color }, n) {
    if (!this.rows.has(id)) this.rows.set(id, this.make(id));
    const row = this.rows.get(id);
    const field = row.querySelector("input");
    if (document.activeElement !== field || field.value === field.shown) field.value = name;
    field.shown = name;
    row.querySelector(".swatch").style.setProperty("--label", color);
    row.querySelector(".color-button").setAttribute("aria-label", t("labels.color_of", { name }));
    row.querySelector(".danger").setAttribute("aria-label", t("labels.delete_named", { name }));
    for (const choice of row.querySelectorAll(".color")) choice.setAttribute("aria-pressed", String(choice.dataset.color === color));
    setText(row.querySelector(".hint"), t("column.count", { n }));
    return row;
  }

  make(id) {
    const colors = h("div", { class: "colors", role: "group", "aria-label": t("labels.colors"), hidden: true });
    colors.append(...COLORS.map((color) => this.color(id, color)));
    const open = h("button", { class: "quiet color-button", type: "button", "aria-expanded": "false", onclick: () => {
      colors.hidden = !colors.hidden;
      open.setAttribute("aria-expanded", String(!colors.hidden));
    } }, swatch(""));
    const field = h("input", {
      class: "field item-text", maxlength: "50", "aria-label": t("labels.name"), onfocus: () => { field.seen = this.client.head; },
      onblur: () => this.rename(id, field), onkeydown: (event) => this.key(event, field),
    });
    const remove = h("button", { class: "quiet danger", type: "button", onclick: () => this.remove(id) }, icon("trash"));
    return h("li", { class: "entry label-row" }, open, h("div", {}, field, colors), h("span", { class: "hint" }), remove);
  }

  color(id, color) {
    const set = () => this.client.mutate("label.update", { label: id, color });
    return h("button", { class: "color", type: "button", "data-color": color, "aria-label": t(`color.${COLORS.indexOf(color)}`), onclick: set }, swatch(color));
  }

  key(event, field) {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    if (event.key === "Escape") field.value = field.shown;
    field.blur();
  }

  rename(id, field) {
    const name = field.value.replace(/\s+/g, " ").trim();
    if (name === "" || name === field.shown || !this.client.view.labels.has(id)) field.value = field.shown;
    else this.client.mutate("label.update", { label: id, name }, field.seen);
  }

  remove(id) {
    this.actions.removeLabel(id);
    this.input.focus();
  }
}
