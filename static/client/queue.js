// The outgoing queue of one client for one board: what has been done here and is not settled by the server.
//
// An entry: {mutation, op, args, base?, sent, applied, acked}. Its name is random, given once and kept over every
// retry, so that the server can tell a retry from a new wish. `applied`: its change has been seen in the log,
// its answer has not. `acked`: the seq it got, which this client has not reached yet. The order of the queue
// is the order of sending.
//
// It is written to `storage` before anything is sent: a reload, or a closed laptop, loses nothing.

import { randomId } from "./ids.js";

const PREFIX = "boardcast.queue.";

export class Queue {
  /** `storage`: what localStorage offers. `client`, `board`: whose queue it is. */
  constructor(storage, client, board) {
    this.storage = storage;
    this.key = `${PREFIX}${client}.${board}`;
    this.entries = this.load();
    this.stored = true; // false: the storage is full or forbidden; the queue lives in memory only
    this.saving = false;
  }

  load() {
    try {
      const saved = JSON.parse(this.storage.getItem(this.key) ?? "[]");
      return saved.map((entry) => ({ ...entry, sent: false, acked: 0 }));
    } catch {
      return [];
    }
  }

  save() {
    const open = this.entries.filter((entry) => !entry.acked);
    const saved = open.map(({ mutation, op, args, base, applied }) => ({ mutation, op, args, base, applied }));
    try {
      if (saved.length === 0) this.storage.removeItem(this.key);
      else this.storage.setItem(this.key, JSON.stringify(saved));
      this.stored = true;
    } catch {
      this.stored = false;
    }
  }

  /** For what gets less: when the page goes away before, the server is asked again and says "duplicate". */
  saveSoon() {
    if (this.saving) return;
    this.saving = true;
    setTimeout(() => {
      this.saving = false;
      this.save();
    }, 0);
  }

  /** Adds a wish and names it. */
  add(op, args, base) {
    const entry = { mutation: randomId("m"), op, args, base, sent: false, applied: false, acked: 0 };
    this.entries.push(entry);
    this.save();
    return entry;
  }

  /** What has not been answered: it is sent again after a reconnect. */
  get unanswered() {
    return this.entries.filter((entry) => !entry.acked);
  }

  /** What the confirmed state does not show yet, in order. */
  get pending() {
    return this.entries.filter((entry) => !entry.applied);
  }

  get inFlight() {
    return this.entries.filter((entry) => entry.sent && !entry.acked).length;
  }

  /** Nothing on the way is known to have arrived: all unanswered ones wait for being sent again. */
  rewind() {
    for (const entry of this.entries) if (!entry.acked) entry.sent = false;
  }

  find(mutation) {
    return this.entries.find((entry) => entry.mutation === mutation);
  }

  /** Its change has been folded in. The entry stays until it is answered: the server may want the name again. */
  applied(mutation) {
    const entry = this.find(mutation);
    if (entry === undefined) return;
    entry.applied = true;
    if (entry.acked) this.remove(entry);
    else this.saveSoon();
  }

  /** Durable as number `seq`. Pending until the state has come that far. */
  acknowledge(mutation, seq, head) {
    const entry = this.find(mutation);
    if (entry === undefined) return;
    entry.acked = seq;
    if (entry.applied || seq <= head) this.remove(entry);
    else this.saveSoon();
  }

  /** The confirmed state has come to `head`; with `fresh`, in a new epoch, where old numbers mean nothing. */
  reached(head, fresh = false) {
    const rest = this.entries.filter((entry) => !entry.acked || (!fresh && entry.acked > head));
    if (rest.length === this.entries.length) return;
    this.entries = rest;
    this.saveSoon();
  }

  remove(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.saveSoon();
  }
}

/** The clients with something unsent in `storage` (tabs that were closed before they could send it). */
export function clientsWithUnsent(storage) {
  const clients = new Set();
  for (let i = 0; i < storage.length; i += 1) {
    const key = storage.key(i);
    if (key?.startsWith(PREFIX)) clients.add(key.slice(PREFIX.length).split(".")[0]);
  }
  return [...clients];
}
