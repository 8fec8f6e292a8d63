// When the alarms of cards were on, read from the log: a card itself knows the last time alone.

import { changesOf } from "../../client/api.js";

const MOST_CARDS = 20; // that are asked about; the newest
const MOST_CHANGES = 500; // of one card, the newest

export class AlarmTimes {
  /** `changed()` is called when more is known. */
  constructor(board, changed) {
    Object.assign(this, { board, changed });
    this.known = new Map(); // card → {seq: of the card when it was asked about, times: in ms, oldest first; null: unknown}
  }

  /** When the alarm of a card was on; what the card says of it until the log has answered. */
  of(task) {
    return this.known.get(task.id)?.times ?? [task.alarm_at ?? task.created_at];
  }

  /** Ask about the newest of these cards what is not known, or not any more; `again`: also what got no answer. */
  async learn(tasks, { again = false } = {}) {
    const unknown = ({ id, seq }) => this.known.get(id)?.seq !== seq || (again && this.known.get(id).times === null);
    const newest = [...tasks].sort((a, b) => b.created_at - a.created_at).slice(0, MOST_CARDS);
    const wanted = newest.filter(unknown);
    if (wanted.length === 0) return;
    for (const { id, seq } of wanted) this.known.set(id, { seq, times: this.known.get(id)?.times ?? null });
    await Promise.allSettled(wanted.map((task) => this.ask(task)));
    this.changed();
  }

  async ask({ id, seq }) {
    const { items } = await changesOf(this.board, { task: id, limit: MOST_CHANGES });
    const times = items.map(({ set }) => set?.alarm_at).filter((at) => typeof at === "number");
    if (times.length > 0) this.known.set(id, { seq, times: times.reverse() });
  }
}
