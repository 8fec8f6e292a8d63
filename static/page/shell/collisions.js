// What happens when the server refuses a change for good: the effect is taken back by the client, the text that
// somebody wrote is not. Colliding edits go back into the draft of the card and can be compared.

import { changesOf } from "../../client/api.js";
import { short } from "../board/actions.js";
import { t } from "../i18n.js";
import { reason } from "../reasons.js";

const LOOK_BACK = 50; // changes
const FIELDS = ["title", "description"];

export class Collisions {
  /** `listAll()` opens the list of all refusals; `settled(mutation)`: one of them needs nobody any more. */
  constructor({ client, drafts, toasts, showConflict, redraw, listAll, settled }) {
    Object.assign(this, { client, drafts, toasts, showConflict, redraw, listAll, settled });
  }

  take({ entry, error }) {
    if (error.code === "conflict" && entry.op === "task.update" && error.details?.field in entry.args) {
      this.collided(entry, error);
    } else this.tell(entry, error);
  }

  collided({ args, base, mutation }, { details }) {
    this.keep(args, base, details);
    this.settled(mutation);
    const title = short(this.client.view?.tasks.get(args.task)?.title ?? t("card"));
    const compare = () => this.compare(args.task, details.field);
    this.toasts.show(t("refused.collided", { field: t(`field.${details.field}`).toLocaleLowerCase(), title }), {
      actions: [[t("compare"), compare]],
      keep: true,
    });
    this.redraw();
  }

  /** Back into the draft; what is being typed there now is newer and stays. */
  keep(args, base, { field, current }) {
    const draft = this.drafts.get(args.task) ?? { base, epoch: this.client.confirmed.epoch, was: {} };
    const task = this.client.view.tasks.get(args.task);
    for (const name of FIELDS) {
      if (args[name] === undefined || draft[name] !== undefined) continue;
      draft[name] = args[name];
      draft.was[name] = name === field ? null : (task?.[name] ?? current);
    }
    this.drafts.set(args.task, draft);
  }

  compare(task, field) {
    const draft = this.drafts.get(task);
    const current = this.client.view.tasks.get(task);
    if (!draft || draft[field] === undefined || current === undefined) return;
    const seen = this.client.head;
    this.showConflict({
      field,
      mine: draft[field],
      theirs: current[field],
      author: this.author(task, field),
      onMine: (text) => this.settle(task, field, text, seen),
      onTheirs: () => this.settle(task, field, undefined, seen),
      onLater: (text) => this.putOff(task, field, text),
    });
  }

  /** Who changed the field last: {name, at}, or undefined. */
  async author(task, field) {
    const { items } = await changesOf(this.client.board, { task, limit: LOOK_BACK });
    const change = items.find(({ set, client }) => client !== this.client.client && set?.[field] !== undefined);
    return change && { name: change.actor.name, at: change.at };
  }

  /** What was merged so far is the draft from now on. */
  putOff(task, field, text) {
    const draft = this.drafts.get(task);
    if (draft?.[field] === undefined || draft[field] === text) return;
    this.drafts.set(task, { ...draft, [field]: text });
    this.redraw();
  }

  /** One field is decided: it leaves the draft; `text`, when given, is sent as an edit of what was just seen. */
  settle(task, field, text, seen) {
    const draft = structuredClone(this.drafts.get(task));
    delete draft[field];
    delete draft.was[field];
    if (Object.keys(draft.was).length === 0) this.drafts.drop(task);
    else this.drafts.set(task, draft);
    if (text !== undefined && text.trim() !== "") this.client.mutate("task.update", { task, [field]: text }, seen);
    else if (text !== undefined && field === "description") {
      this.client.mutate("task.update", { task, description: "" }, seen);
    }
    this.redraw();
  }

  tell({ op, args, title }, error) {
    const gone = !this.client.view?.tasks.has(args.task);
    const text = [args.title, args.name, args.description, args.text].filter((one) => typeof one === "string").join("\n\n");
    this.toasts.show(refusal({ op, error, gone, title }), {
      text,
      keep: text !== "",
      actions: [...(text ? [[t("copy_text"), () => copy(text)]] : []), [t("refused.list"), this.listAll]],
    });
  }
}

/** One refusal as a sentence: what could not be done, and why. */
export function refusal({ op, error, gone, title }) {
  const deleted = error.code === "not_found" && gone && op !== "task.create";
  const why = deleted ? t("refused.gone") : reason(error);
  return t("refused.told", { what: t(`op.${op}`), title: title ? t("quoted", { text: short(title) }) : "", reason: why }).replace(/ +/g, " ");
}

/** Into the clipboard; where a page may not write it (plain HTTP on a network), by the old way. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
