// What happens when the server refuses a change for good: the effect is taken back by the client, the text that
// somebody wrote is not. Colliding edits go back into the draft of the card and can be compared.

import { short } from "./actions.js";

const FIELDS = ["title", "description"];
const VERBS = {
  "task.create": "add", "task.update": "change", "task.move": "move",
  "task.delete": "delete", "task.restore": "restore",
};

export class Refusals {
  constructor({ client, drafts, toasts, conflicts, redraw }) {
    Object.assign(this, { client, drafts, toasts, conflicts, redraw });
  }

  take({ entry, error }) {
    if (error.code === "conflict" && entry.op === "task.update" && error.details?.field in entry.args) {
      this.collided(entry, error);
    } else this.tell(entry, error);
  }

  collided({ args, base }, { details }) {
    this.keep(args, base, details);
    const title = short(this.client.view?.tasks.get(args.task)?.title ?? "a card");
    const compare = () => this.compare(args.task, details.field);
    this.toasts.show(`Your ${details.field} of “${title}” collided with another change. Your text is kept.`, {
      actions: [["Compare", compare]],
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
    this.conflicts.show({
      field,
      mine: draft[field],
      theirs: current[field],
      onMine: (text) => this.settle(task, field, text, seen),
      onTheirs: () => this.settle(task, field, undefined, seen),
    });
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

  tell({ op, args }, error) {
    const task = this.client.view?.tasks.get(args.task);
    const text = [args.title, args.description].filter(Boolean).join("\n\n");
    const what = task ? `“${short(task.title)}”` : "the card";
    const gone = error.code === "not_found" && task === undefined && op !== "task.create";
    const why = gone ? "somebody has deleted it" : error.message;
    const copy = () => navigator.clipboard?.writeText(text);
    this.toasts.show(`Could not ${VERBS[op] ?? "change"} ${what}: ${why}.`, {
      text,
      keep: text !== "",
      actions: text && navigator.clipboard ? [["Copy text", copy]] : [],
    });
  }
}
