// What a card is beside its texts: column, done, priority, due, labels, people. Each change is sent at once.

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { chip, nextColor, swatch } from "../labels.js";
import { avatar } from "../people.js";
import { toInput } from "../days.js";
import { Picker } from "./picker.js";

const PRIORITIES = ["none", "low", "medium", "high", "urgent"];

export class Facts {
  /** `workspace` as in workspace.js; `dialog`: the element that the pickers live in. */
  constructor(workspace, dialog) {
    this.workspace = workspace;
    this.actions = workspace.actions;
    this.task = null;
    this.column = this.select("card-column", () => this.actions.move(this.task, this.column.value, null));
    this.priority = this.select("card-priority", () => this.update({ priority: this.priority.value }));
    this.priority.append(...PRIORITIES.map((name) => h("option", { value: name }, t(`priority.${name}`))));
    this.done = h("input", { type: "checkbox", id: "card-done", onchange: () => this.actions.toggle(this.task) });
    this.due = h("input", { class: "field", type: "datetime-local", id: "card-due", onchange: () => this.setDue() });
    const clear = () => this.update({ due_at: null });
    this.noDue = h("button", { class: "quiet edits", type: "button", "aria-label": t("due.clear"), onclick: clear }, icon("close"));
    this.labels = this.chosen("card-labels", () => this.pickLabels());
    this.people = this.chosen("card-people", () => this.pickPeople());
    this.device = h("div", { class: "fact-device", hidden: true });
    this.picker = new Picker(dialog);
    this.fields = h("fieldset", { class: "facts" },
      fact("card-column", t("field.column"), this.column),
      h("label", { class: "choice done-toggle" }, this.done, t("field.completed")),
      fact("card-priority", t("field.priority"), this.priority),
      fact("card-due", t("field.due"), h("div", { class: "due-row" }, this.due, this.noDue)),
      group("card-labels", t("field.labels"), this.labels),
      group("card-people", t("field.assignees"), this.people));
    this.element = h("div", { class: "facts-all" }, this.fields, this.device);
  }

  select(id, onchange) {
    return h("select", { class: "field", id, onchange });
  }

  chosen(id, onclick) {
    return h("button", { class: "chosen", type: "button", "aria-haspopup": "dialog", "aria-describedby": `${id}-label`, onclick });
  }

  update(fields) {
    this.actions.update(this.task, fields);
  }

  setDue() {
    const at = this.due.value ? new Date(this.due.value).getTime() : null;
    if (!Number.isNaN(at)) this.update({ due_at: at });
  }

  pickLabels() {
    const task = () => this.actions.task(this.task);
    this.picker.show(this.labels, {
      label: t("labels.find"),
      options: () => [...this.actions.view.labels.values()].map(({ id, name, color }) => ({
        id, label: name, chosen: task()?.labels.includes(id) ?? false, mark: swatch(color),
      })),
      toggle: (id, chosen) => this.update(chosen ? { labels_add: [id] } : { labels_remove: [id] }),
      make: (name) => this.actions.addLabel(this.task, name, nextColor(this.actions.view.labels)),
      makeLabel: (name) => t("labels.make", { name }),
      more: [t("labels.manage"), () => this.workspace.showLabels()],
    });
  }

  /** One entry for each name; somebody with several ids is taken off with all of them. */
  pickPeople() {
    const { directory, client } = this.workspace;
    const assigned = () => new Set(this.actions.task(this.task)?.assignees ?? []);
    this.picker.show(this.people, {
      label: t("people.find"),
      options: () => directory.people(client).map(({ id, name, me, ids }) => ({
        id, label: me ? t("people.me", { name }) : name, chosen: ids.some((one) => assigned().has(one)), mark: avatar({ name }),
      })),
      toggle: (id, chosen) => {
        const { ids } = directory.people(client).find((person) => person.id === id);
        this.update(chosen ? { assignees_add: [id] } : { assignees_remove: ids.filter((one) => assigned().has(one)) });
      },
    });
  }

  render(id, task, view) {
    this.task = id;
    this.fields.disabled = !this.workspace.mayEdit;
    this.renderColumns(view);
    this.column.value = task.column;
    this.done.checked = task.completed;
    this.priority.value = task.priority;
    const due = task.due_at === null ? "" : toInput(task.due_at);
    if (document.activeElement !== this.due && this.due.value !== due) this.due.value = due;
    this.noDue.hidden = task.due_at === null;
    this.due.closest(".fact").hidden = this.fields.disabled && task.due_at === null;
    this.renderChips(task, view);
    this.renderDevice(task, view);
    this.picker.refresh();
  }

  /** What is about devices is fetched with the first board that has some. */
  async renderDevice(task, view) {
    this.device.hidden = view.devices.size === 0 && !task.device;
    if (this.device.hidden) return;
    const devices = await this.workspace.devices(null);
    if (devices === null || this.task !== task.id) return;
    if (!this.device.firstChild) this.device.append(devices.card.element);
    devices.card.render(this.actions.task(task.id) ?? task);
  }

  renderColumns(view) {
    const columns = view.sortedColumns();
    const print = JSON.stringify(columns.map((column) => [column.id, column.title]));
    if (print === this.columnsPrint) return;
    this.columnsPrint = print;
    this.column.replaceChildren(...columns.map((column) => h("option", { value: column.id }, column.title)));
  }

  renderChips(task, view) {
    const labels = task.labels.map((id) => view.labels.get(id)).filter(Boolean);
    const people = [...new Set(task.assignees.map((id) => this.workspace.name(id)))];
    const { mayEdit } = this.workspace;
    const print = JSON.stringify([labels, people, mayEdit]);
    if (print === this.chipsPrint) return;
    this.chipsPrint = print;
    const none = (text) => (mayEdit ? [h("span", { class: "hint" }, icon("plus"), text)] : ["–"]);
    this.labels.replaceChildren(...(labels.length > 0 ? labels.map(chip) : none(t("labels.add"))));
    const shown = people.map((name) => h("span", { class: "person-chip" }, avatar({ name }), name));
    this.people.replaceChildren(...(people.length > 0 ? shown : none(t("people.assign"))));
  }
}

function fact(id, label, control) {
  return h("div", { class: "fact" }, h("label", { class: "field-label", for: id }, label), control);
}

function group(id, label, control) {
  return h("div", { class: "fact" }, h("span", { class: "field-label", id: `${id}-label` }, label), control);
}
