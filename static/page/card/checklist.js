// The checklist of a card. Each tick and each text is a change of its own: two people never lose each other's.

import { arrange, h, icon, setText } from "../dom.js";
import { t } from "../i18n.js";

export class Checklist {
  constructor(workspace) {
    this.workspace = workspace;
    this.client = workspace.client;
    this.rows = new Map(); // item id → element
    this.bar = h("progress", { max: "1", value: "0", "aria-labelledby": "checklist-title" });
    this.count = h("span", { class: "hint" });
    this.list = h("ul", { class: "checklist" });
    this.input = h("input", {
      class: "field edits", maxlength: "500", placeholder: t("checklist.add"), "aria-label": t("checklist.add"), oninput: () => this.keep(), onkeydown: (event) => this.key(event),
    });
    const head = h("div", { class: "section-head" }, h("h3", { id: "checklist-title" }, t("checklist.title")), this.count, this.bar);
    this.items = h("fieldset", {}, this.list, this.input);
    this.element = h("section", { class: "card-section" }, head, this.items);
  }

  open(task) {
    this.task = task;
    this.input.value = this.workspace.drafts.get(`item-${task}`) ?? "";
    this.rows.clear();
    this.list.replaceChildren();
  }

  set(item, fields) {
    this.client.mutate("checklist.set", { task: this.task, item, ...fields });
  }

  key(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    const text = this.input.value.trim();
    if (text === "") return;
    this.set(this.client.newId("i"), { text });
    this.input.value = "";
    this.keep();
  }

  keep() {
    const { drafts } = this.workspace;
    if (this.input.value.trim()) drafts.set(`item-${this.task}`, this.input.value);
    else drafts.drop(`item-${this.task}`);
  }

  render(task) {
    const items = task.checklist;
    const { mayEdit } = this.workspace;
    this.items.disabled = !mayEdit;
    this.element.hidden = !mayEdit && items.length === 0;
    const done = items.filter((item) => item.done).length;
    this.bar.hidden = items.length === 0;
    this.bar.value = items.length > 0 ? done / items.length : 0;
    setText(this.count, items.length > 0 ? `${done}/${items.length}` : "");
    arrange(this.list, items.map((item) => this.row(item)));
    const known = new Set(items.map((item) => item.id));
    for (const id of this.rows.keys()) if (!known.has(id)) this.rows.delete(id);
  }

  row(item) {
    if (!this.rows.has(item.id)) this.rows.set(item.id, this.makeRow(item.id));
    const row = this.rows.get(item.id);
    const [tick, text] = row.querySelectorAll("input");
    tick.checked = item.done;
    tick.setAttribute("aria-label", item.text);
    row.classList.toggle("ticked", item.done);
    if (document.activeElement !== text) {
      text.value = item.text;
      text.shown = item.text;
    }
    return row;
  }

  makeRow(id) {
    const tick = h("input", { type: "checkbox", onchange: () => this.set(id, { done: tick.checked }) });
    const text = h("input", { class: "field item-text", maxlength: "500", "aria-label": t("checklist.item"), onblur: () => this.retext(id, text), onkeydown: (event) => this.keyIn(event, id, text) });
    const remove = h("button", { class: "quiet edits", type: "button", "aria-label": t("checklist.remove"), onclick: () => this.remove(id) }, icon("close"));
    return h("li", {}, tick, text, remove);
  }

  retext(id, input) {
    const text = input.value.trim();
    if (text === "" || text === input.shown) input.value = input.shown;
    else if (this.task) this.set(id, { text });
  }

  keyIn(event, id, input) {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      input.blur();
      this.input.focus();
    } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      this.shift(id, event.key === "ArrowUp" ? -1 : 1);
      input.focus();
    }
  }

  /** One place up or down. */
  shift(id, step) {
    const items = this.client.view.tasks.get(this.task)?.checklist ?? [];
    const index = items.findIndex((item) => item.id === id);
    const after = step < 0 ? items[index - 2] : items[index + 1];
    if ((step < 0 && index <= 0) || (step > 0 && after === undefined)) return;
    this.set(id, { after: after?.id ?? null });
  }

  remove(id) {
    this.client.mutate("checklist.remove", { task: this.task, item: id });
    this.input.focus();
  }
}
