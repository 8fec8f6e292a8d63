// The outgoing queue of one client for one board: what has been done here and is not settled by the server.
//
// An entry: {n, mutation, op, args, base?, title?, sent, applied, acked}. Its name is random, given once and kept over
// every retry, so that the server can tell a retry from a new wish. `title`: of the card it is about, when it was made.
// `applied`: its change has been seen in the log, its answer has not. `acked`: the seq it got, which this client has not reached yet. The order of the queue
// (`n`) is the order of sending.
//
// Each entry is written to the store when it is made: a reload, or a closed laptop, loses nothing. Writing and
// sending go side by side: whichever comes first, the name makes the change happen once.

import { randomId } from "./ids.js";

export class Queue {
  /** `store`: see store.js. `client`, `board`: whose queue it is. `onTrouble()`: the store refuses, or takes again. */
  constructor({ store, client, board, onTrouble = () => {} }) {
    Object.assign(this, { store, client, board, onTrouble });
    this.entries = [];
    this.next = 0;
    this.unstored = new Set(); // entries that live in memory only
    this.removed = []; // keys to delete with the next write
    this.changed = new Set(); // entries to put with the next write
    this.writing = false;
  }

  /** Takes up what an earlier page left. */
  async load() {
    const saved = await this.store.all("queue", [this.client, this.board]).catch(() => []);
    this.entries = saved.map((entry) => ({ ...entry, sent: false, acked: 0 }));
    this.next = (saved.at(-1)?.n ?? -1) + 1;
    return this;
  }

  /** False: something unsent would be lost with this page. */
  get stored() {
    return this.unstored.size === 0;
  }

  /** Adds a wish and names it. */
  add(op, args, base, title) {
    const entry = { n: this.next++, mutation: randomId("m"), op, args, base, title, sent: false, applied: false, acked: 0 };
    this.entries.push(entry);
    this.keep(entry);
    return entry;
  }

  async keep(entry) {
    if (!this.store.kept) this.unstored.add(entry);
    try {
      await this.store.write([["queue", "put", this.record(entry)]]);
    } catch {
      this.unstored.add(entry);
      this.onTrouble();
    }
  }

  /** Tries once more to write what could not be written (something else has been thrown away meanwhile). */
  async keepAgain() {
    const entries = [...this.unstored].filter((entry) => this.entries.includes(entry) && !entry.acked);
    await this.store.write(entries.map((entry) => ["queue", "put", this.record(entry)]));
    if (this.store.kept) for (const entry of entries) this.unstored.delete(entry);
  }

  record({ n, mutation, op, args, base, title, applied }) {
    return { client: this.client, board: this.board, n, mutation, op, args, base, title, applied };
  }

  /** For what gets less: when the page goes away before, the server is asked again and says "duplicate". */
  saveSoon() {
    if (this.writing) return;
    this.writing = true;
    setTimeout(() => this.save(), 0);
  }

  save() {
    this.writing = false;
    const steps = this.removed.map((n) => ["queue", "delete", [this.client, this.board, n]]);
    for (const entry of this.changed) if (!entry.acked) steps.push(["queue", "put", this.record(entry)]);
    this.removed = [];
    this.changed.clear();
    this.store.write(steps).catch(() => {}); // the server will say "duplicate"
  }

  /** What has not been answered: it is sent again after a reconnect. */
  get unanswered() {
    return this.entries.filter((entry) => !entry.acked);
  }

  /** What the confirmed state does not show yet, in order. */
  get pending() {
    return this.entries.filter((entry) => !entry.applied);
  }

  /** How many of them the server is not known to have. */
  get unsent() {
    return this.entries.filter((entry) => !entry.acked && !entry.applied).length;
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
    if (entry.acked) return void this.remove(entry);
    this.changed.add(entry);
    this.saveSoon();
  }

  /** Durable as number `seq`. Pending until the state has come that far. */
  acknowledge(mutation, seq, head) {
    const entry = this.find(mutation);
    if (entry === undefined) return;
    entry.acked = seq;
    this.forget(entry);
    if (entry.applied || seq <= head) this.remove(entry);
  }

  /** The confirmed state has come to `head`; with `fresh`, in a new epoch, where old numbers mean nothing. */
  reached(head, fresh = false) {
    if (this.entries.length === 0) return;
    this.entries = this.entries.filter((entry) => !entry.acked || (!fresh && entry.acked > head));
  }

  /** Takes an entry out. */
  remove(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.forget(entry);
  }

  /** It need not be kept for another page any more. */
  forget(entry) {
    this.unstored.delete(entry);
    if (entry.forgotten) return;
    entry.forgotten = true;
    this.removed.push(entry.n);
    this.saveSoon();
  }
}

/** `Map(client → [board…])`: whose unsent changes lie in the store. */
export async function unsentIn(store) {
  const clients = new Map();
  for (const [client, board] of await store.keys("queue").catch(() => [])) {
    const boards = clients.get(client);
    if (!boards) clients.set(client, [board]);
    else if (!boards.includes(board)) boards.push(board);
  }
  return clients;
}
