// One card, opened: its title and description can be edited. What is typed is kept as a draft, so that closing
// the dialog, a reload or a crash loses none of it; "Save" sends it, "Discard" throws it away.
//
// A draft: {title?, description?, base, epoch, was: {title?, description?}}, with only the fields that were touched;
// `base` is the seq that its author saw when they began, by which the server finds colliding edits.

import { growing, h, icon, setText } from "./dom.js";
import { names, watchers } from "./people.js";
import { Typing } from "./typing.js";

const FIELDS = ["title", "description"];

export class CardDialog {
  /** `onClosed(task)` gives the focus back; `compare(task, field)` shows two texts that collide. */
  constructor({ client, drafts, actions, onClosed, onDraft, compare }) {
    Object.assign(this, { client, drafts, actions, onClosed, onDraft, compare });
    this.task = null;
    this.typing = new Typing(client);
    this.build();
  }

  build() {
    this.title = this.field("title", { rows: "1", maxlength: "200", class: "field title-field", "aria-label": "Title" });
    this.description = this.field("description", {
      rows: "6", maxlength: "20000", class: "field", id: "card-description", placeholder: "Add more detail…",
    });
    this.column = h("select", { class: "field", id: "card-column", onchange: () => this.moveTo(this.column.value) });
    this.done = h("input", { type: "checkbox", id: "card-done", onchange: () => this.actions.toggle(this.task) });
    this.note = h("div", { class: "note", role: "status" });
    this.company = h("p", { class: "hint", role: "status" });
    this.history = h("p", { class: "hint" });
    this.save = h("button", { class: "primary", type: "submit" }, "Save");
    this.discard = h("button", { class: "quiet", type: "button", onclick: () => this.throwAway() }, "Discard");
    const remove = h("button", { class: "quiet danger", type: "button", onclick: () => this.remove() }, "Delete");
    const closing = { class: "quiet close", type: "button", "aria-label": "Close", onclick: () => this.dialog.close() };
    const close = h("button", closing, icon("close"));
    const form = h("form", { class: "card-form", onsubmit: (event) => this.submit(event) },
      h("div", { class: "title-row" }, this.title, close),
      h("div", { class: "row facts" },
        h("label", { for: "card-column" }, "Column"), this.column,
        h("label", { class: "done-toggle" }, this.done, "Completed")),
      h("label", { class: "field-label", for: "card-description" }, "Description"), this.description,
      this.note, this.company, this.history,
      h("div", { class: "row buttons" }, this.save, this.discard, h("span", { class: "space" }), remove));
    this.dialog = h("dialog", { class: "card-dialog", "aria-label": "Card" }, form);
    this.dialog.addEventListener("close", () => this.closed());
    this.dialog.addEventListener("pointerdown", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    document.body.append(this.dialog);
  }

  field(name, props) {
    const input = growing(h("textarea", { ...props, name }));
    input.addEventListener("input", () => this.typed(name));
    input.addEventListener("focus", () => this.task && this.typing.at({ task: this.task, field: name }));
    input.addEventListener("blur", () => this.task && this.typing.at({ task: this.task }));
    return input;
  }

  // -- opening and closing

  open(task) {
    if (!this.client.view?.tasks.has(task) || this.dialog.open) return;
    this.task = task;
    const current = this.client.view.tasks.get(task);
    const draft = this.drafts.get(task);
    for (const name of FIELDS) this[name].value = draft?.[name] ?? current[name];
    this.typing.at({ task });
    this.dialog.showModal();
    this.dialog.scrollTop = 0;
    if (draft?.description !== undefined) this.description.focus();
    this.render();
  }

  closed() {
    const { task } = this;
    this.task = null;
    this.typing.at({});
    this.onClosed(task);
  }

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.submit(event);
    else if (event.key === "Enter" && event.target === this.title && !event.isComposing) event.preventDefault();
  }

  // -- the draft

  typed(name) {
    const current = this.client.view.tasks.get(this.task);
    const fresh = { base: this.client.head, epoch: this.client.confirmed.epoch, was: {} };
    const draft = structuredClone(this.drafts.get(this.task) ?? fresh);
    draft.was[name] ??= current?.[name] ?? "";
    if (this[name].value === draft.was[name]) {
      delete draft[name];
      delete draft.was[name];
    } else draft[name] = this[name].value;
    if (Object.keys(draft.was).length === 0) this.drafts.drop(this.task);
    else this.drafts.set(this.task, draft);
    this.typing.stroke();
    this.render();
    this.onDraft();
  }

  submit(event) {
    event.preventDefault();
    const draft = this.drafts.get(this.task);
    const title = this.title.value.replace(/\s+/g, " ").trim();
    if (title === "") return this.title.focus();
    if (draft !== null) this.send(draft, title);
    return this.dialog.close();
  }

  send(draft, title) {
    const args = { task: this.task };
    if (draft.title !== undefined) args.title = title;
    if (draft.description !== undefined) args.description = draft.description;
    const base = draft.epoch === this.client.confirmed.epoch ? draft.base : undefined;
    this.drafts.drop(this.task);
    this.client.mutate("task.update", args, base);
  }

  throwAway() {
    this.drafts.drop(this.task);
    const current = this.client.view.tasks.get(this.task);
    for (const name of FIELDS) this[name].value = current?.[name] ?? "";
    this.render();
    this.onDraft();
  }

  // -- the other controls

  moveTo(column) {
    this.actions.move(this.task, column, null);
  }

  remove() {
    const { task } = this;
    this.dialog.close();
    this.actions.remove(task);
  }

  // -- drawing

  render() {
    if (this.task === null) return;
    const task = this.client.view.tasks.get(this.task);
    const draft = this.drafts.get(this.task);
    this.save.disabled = draft === null;
    this.discard.hidden = draft === null;
    this.renderCompany();
    if (task === undefined) return this.say("This card has been deleted. Saving shows your text.");
    for (const name of FIELDS) {
      if (draft?.[name] === undefined && this[name].value !== task[name]) this[name].value = task[name];
    }
    this.done.checked = task.completed;
    this.renderColumns(task);
    const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
    setText(this.history, task.created_at ? `Created ${when.format(task.created_at)}` : "");
    return this.renderNote(task, draft);
  }

  renderColumns(task) {
    const columns = this.client.view.sortedColumns();
    const print = JSON.stringify(columns.map((column) => [column.id, column.title]));
    if (print !== this.columnsPrint) {
      this.columnsPrint = print;
      this.column.replaceChildren(...columns.map((column) => h("option", { value: column.id }, column.title)));
    }
    this.column.value = task.column;
  }

  renderNote(task, draft) {
    if (draft === null) return this.say("");
    const collided = FIELDS.find((name) => draft[name] !== undefined && task[name] !== draft.was[name]);
    if (collided === undefined) return this.say("Not saved yet. This draft is kept on this device.");
    const compare = () => this.compare(this.task, collided);
    const button = h("button", { class: "link", type: "button", onclick: compare }, "Compare");
    return this.say(`Somebody else changed the ${collided} meanwhile.`, button);
  }

  say(text, ...more) {
    if (this.note.firstChild?.textContent === text) return;
    this.note.replaceChildren(...(text ? [h("span", {}, text), ...more] : []));
  }

  renderCompany() {
    const people = watchers(this.client, this.task);
    const typing = people.filter((person) => person.typing);
    const shown = typing.length > 0 ? typing : people;
    const verb = shown.length > 1 ? "are" : "is";
    const where = typing[0]?.field ? ` in the ${typing[0].field}` : "";
    const doing = typing.length > 0 ? `typing${where}…` : "looking at this card.";
    setText(this.company, shown.length > 0 ? `${names(shown)} ${verb} ${doing}` : "");
  }
}
