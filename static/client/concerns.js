// Whom a change concerns. Pure.
//
// An item of the inbox: {id, kind: "mention"|"assigned"|"followed"|"due", board, boardName, task, title,
// actor?: {id, name}, at, text?, lines?, due_at?, read}.

import { describe } from "./describe.js";

const DAY_MS = 86_400_000;
const TEXT = 300; // characters of an item's text

/**
 * The item that `change` makes for a person, or null. `me`: {isMe(id), name, follows(task)}; `place`: {board, boardName,
 * view}. The strongest reason counts: a mention, then being assigned, then a card that is followed or one's own.
 */
export function concern(change, me, { board, boardName, view }) {
  const { seq, at, actor, task, set, was = {} } = change;
  if (task === undefined || set === undefined || me.isMe(actor.id)) return null;
  const lines = describe(change, { view }).filter(({ what }) => what !== "position");
  const text = newTexts(change).find((one) => mentions(one, me.name));
  const mine = (list) => (list ?? []).some(me.isMe);
  const kind = kindOf();
  if (kind === null) return null;
  const title = view?.tasks.get(task)?.title ?? set.title ?? null;
  const item = { id: `${board}.${seq}.${at}`, kind, board, boardName, task, title, actor, at, lines, read: false };
  return text === undefined ? item : { ...item, text: [...text].slice(0, TEXT).join("") };

  function kindOf() {
    if (text !== undefined) return "mention";
    if (mine(set.assignees) && !mine(was.assignees)) return "assigned";
    const close = me.follows(task) || mine(view?.tasks.get(task)?.assignees) || mine(was.assignees);
    return close && lines.length > 0 ? "followed" : null;
  }
}

/** The texts that a change has brought, where they say more than before. */
function newTexts({ op, set, was = {} }) {
  const fields = ["title", "description"].filter((name) => set[name] && set[name] !== was[name]);
  const texts = fields.map((name) => added(set[name], was[name]));
  if (set.comment?.text && op !== "comment.restore") texts.push(added(set.comment.text, was.comment?.text));
  return texts;
}

/** The lines of `text` that were not in `old`. */
function added(text, old = "") {
  const before = new Set((old ?? "").split("\n"));
  return text.split("\n").filter((line) => !before.has(line)).join("\n");
}

/** Does `text` say @name? The whole name, with or without its spaces, or its first word; in any case of letters. */
export function mentions(text, name) {
  return mentioned(text, [name]).length > 0;
}

/** Where `text` mentions one of `names`: `[{from, to, name}…]`, in order. */
export function mentioned(text, names) {
  const found = [];
  for (const name of names.filter((one) => one.trim() !== "")) {
    const first = name.trim().split(/\s+/)[0];
    const either = [name.trim(), name.replace(/\s+/g, ""), first].map(literal).join("|");
    const whole = new RegExp(`(?<![\\p{L}\\p{N}_@])@(${either})(?![\\p{L}\\p{N}_])`, "giu");
    for (const { index, 0: all } of text.matchAll(whole)) found.push({ from: index, to: index + all.length, name });
  }
  return found.sort((a, b) => a.from - b.from || b.to - a.to);
}

function literal(text) {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

/** Items for the open tasks of `view` that are near to this person and due within a day, or late by less than a week. */
export function dueSoon(view, me, { board, boardName, now }) {
  const near = (task) => me.follows(task.id) || task.assignees.some(me.isMe);
  const soon = ({ due_at }) => due_at !== null && due_at < now + DAY_MS && due_at > now - 7 * DAY_MS;
  return [...view.tasks.values()]
    .filter((task) => !task.completed && soon(task) && near(task))
    .map(({ id, title, due_at }) => ({
      id: `${board}.${id}.due.${due_at}`, kind: "due", board, boardName, task: id, title,
      at: Math.max(due_at - DAY_MS, 0), due_at, read: false,
    }));
}
