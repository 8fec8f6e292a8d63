// Undo and redo, with a word on what they did. One that would overwrite what somebody did later asks first.

import { short } from "../board/actions.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { ask } from "./ask.js";

export class Undoer {
  constructor({ client, toasts, say, name }) {
    Object.assign(this, { client, toasts, say, name });
  }

  undo() {
    return this.carryOut("undo");
  }

  redo() {
    return this.carryOut("redo");
  }

  async carryOut(kind, force = false) {
    const result = this.client.undo[kind]({ force });
    if (result.done) return this.told(kind, result.step);
    if (result.reason === "overwrites") return this.overwrites(kind, result);
    const text = result.reason === "nothing" ? t(`${kind}.nothing`) : t("undo.impossible", { what: this.what(result.step), reason: t(`undo.why_${result.why}`) });
    this.say(text);
    return this.toasts.show(text);
  }

  told(kind, step) {
    const text = t(`${kind}.done`, { what: this.what(step) });
    const back = kind === "undo" ? "redo" : "undo";
    this.say(text);
    this.toasts.stepped();
    this.toasts.show(text, { step: true, actions: [[t(back), () => this.carryOut(back)]] });
  }

  what({ ops, tasks }) {
    if (tasks.length > 1) return t("undo.many", { what: t(`op.${ops[0]}`), n: tasks.length });
    const { view } = this.client;
    const task = view.tasks.get(tasks[0]) ?? view.deleted.get(tasks[0]);
    return task ? `${t(`op.${ops[0]}`)} ${t("quoted", { text: short(task.title) })}` : t(`op.${ops[0]}`);
  }

  async overwrites(kind, { step, conflicts }) {
    const content = [h("p", {}, t("undo.overwrites", { what: this.what(step) })), h("ul", { class: "overwritten" }, ...conflicts.map((one) => this.conflict(one)))];
    const answer = await ask({ heading: t("undo.sure"), content, choices: [["drop", t("undo.drop"), "primary"], ["force", t(`${kind}.anyway`), "danger"]] });
    if (answer === "force") await this.carryOut(kind, true);
    else if (answer === "drop" && kind === "undo") this.client.undo.drop();
  }

  conflict({ title, field, by, now, back }) {
    const key = `field.${field}`;
    const values = { who: by?.name ?? t("somebody"), field: t(key) === key ? field : t(key).toLocaleLowerCase(), title: short(title ?? "") };
    const column = (id) => this.client.view.columns.get(id)?.title ?? id;
    const quote = (text) => h("blockquote", {}, short(field === "column" ? column(text) : text, 200));
    const told = typeof now === "string" && now !== "" ? [quote(now)] : [];
    if (typeof back === "string" && back !== "") told.push(t("undo.would"), quote(back));
    return h("li", {}, t("undo.changed_by", values), ...told);
  }
}
