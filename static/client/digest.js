// Many changes told in short: what happened to each card. Pure.

import { describe } from "./describe.js";

const LINES = 20; // of one card

/**
 * `changes` (of the log, oldest first) by card, the latest first:
 * `[{task, title, gone, actors: [names], lines: [line…], seq, at}…]`. `mine(change)`: not news. Changes of the board
 * itself have `task: null`. Cards that only moved within their column are left out.
 */
export function digest(changes, { view, mine }) {
  const cards = new Map();
  for (const change of changes) {
    if (mine(change)) continue;
    for (const task of [change.task ?? null, ...Object.keys(change.also ?? {})]) {
      const lines = describe(change, { task: task ?? undefined, view }).filter(({ what }) => what !== "position");
      if (lines.length > 0) note(cards, task, change, lines, view);
    }
  }
  return [...cards.values()].sort((a, b) => b.seq - a.seq);
}

function note(cards, task, change, lines, view) {
  const card = cards.get(task) ?? { task, title: null, gone: false, actors: [], lines: [] };
  cards.set(task, card);
  const told = change.set?.title ?? change.was?.title;
  card.title = task === null ? (view?.info.name ?? null) : (view?.tasks.get(task)?.title ?? told ?? card.title);
  card.gone = task !== null && view !== null && !view?.tasks.has(task);
  if (!card.actors.includes(change.actor.name)) card.actors.push(change.actor.name);
  card.lines = merged([...card.lines, ...lines]).slice(-LINES);
  Object.assign(card, { seq: change.seq, at: change.at });
}

/** Several changes of one field are one: from the first to the last. */
function merged(lines) {
  const fields = new Map();
  const result = [];
  for (const line of lines) {
    const earlier = "from" in line && "to" in line ? fields.get(line.what) : undefined;
    if (earlier) earlier.to = line.to;
    else {
      const own = { ...line };
      if ("from" in line && "to" in line && !line.what.startsWith("item_")) fields.set(line.what, own);
      result.push(own);
    }
  }
  return result;
}
