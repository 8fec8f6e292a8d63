// What can be done to a column: its menu, and the dialog that names it and sets its limit.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { ask } from "../shell/ask.js";

export class ColumnMenu {
  constructor({ client, actions, menu, newColumn }) {
    Object.assign(this, { client, actions, menu, newColumn });
  }

  column(id) {
    return this.client.view.columns.get(id);
  }

  show(id, anchor) {
    const { actions } = this;
    const columns = this.client.view.sortedColumns();
    const index = columns.findIndex((column) => column.id === id);
    if (index < 0) return;
    const { done, title } = columns[index];
    this.menu.show(anchor, t("column.menu", { title }), [
      { label: t("column.edit"), icon: "pencil", run: () => this.edit(id) },
      { label: t(done ? "column.unmark_done" : "column.mark_done"), icon: "check", run: () => actions.updateColumn(id, { done: !done }) },
      null,
      ...(index > 0 ? [{ label: t("column.left"), icon: "left", run: () => actions.moveColumn(id, "left") }] : []),
      ...(index < columns.length - 1 ? [{ label: t("column.right"), icon: "move", run: () => actions.moveColumn(id, "right") }] : []),
      { label: t("column.add"), icon: "plus", run: () => this.newColumn() },
      null,
      { label: t("column.delete"), icon: "trash", danger: true, run: () => this.remove(id) },
    ]);
  }

  async edit(id) {
    const { title, wip_limit: limit, done } = this.column(id);
    const fields = {
      title: h("input", { class: "field", id: "column-title", value: title, maxlength: "200", required: true }),
      limit: h("input", { class: "field", id: "column-limit", type: "number", min: "1", max: "10000", value: limit ?? "", placeholder: t("column.no_limit") }),
      done: h("input", { type: "checkbox", id: "column-done", checked: done }),
    };
    const content = [
      h("label", { class: "field-label", for: "column-title" }, t("column.title")), fields.title,
      h("label", { class: "field-label", for: "column-limit" }, t("column.limit")), fields.limit,
      h("label", { class: "choice" }, fields.done, t("column.is_done")),
    ];
    const seen = this.client.head;
    if ((await ask({ heading: t("column.edit"), content, choices: [["save", t("save"), "primary"]] })) !== "save") return;
    const wanted = { title: fields.title.value.replace(/\s+/g, " ").trim(), wip_limit: Number(fields.limit.value) || null, done: fields.done.checked };
    const old = { title, wip_limit: limit, done };
    const changed = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => value !== old[name] && value !== ""));
    if (Object.keys(changed).length > 0) this.client.mutate("column.update", { column: id, ...changed }, seen);
  }

  /** An empty column goes at once; for one with cards it is asked where they shall go. */
  async remove(id) {
    const { view } = this.client;
    const { title } = this.column(id);
    const n = view.tasksIn(id).length;
    if (n === 0) return this.actions.deleteColumn(id);
    const others = view.sortedColumns().filter((column) => column.id !== id);
    if (others.length === 0) return void (await ask({ heading: t("column.only"), content: [h("p", {}, t("column.only_hint"))], choices: [] }));
    const target = h("select", { class: "field", id: "column-target" }, ...others.map((column) => h("option", { value: column.id }, column.title)));
    const answer = await ask({
      heading: t("column.delete_named", { title }),
      content: [h("label", { class: "field-label", for: "column-target" }, t("column.move_cards", { n })), target],
      choices: [["delete", t("column.delete"), "danger"]],
    });
    if (answer === "delete") this.actions.deleteColumn(id, target.value);
    return undefined;
  }
}
