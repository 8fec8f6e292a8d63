// The log of one card: pages from the server, newest first, and what happens while it is shown. Event: `change`.

import { changesOf } from "./api.js";
import { describe } from "./describe.js";

const PAGE = 50;

export class History extends EventTarget {
  /** Await `load()` for the first page. */
  constructor(board, task) {
    super();
    Object.assign(this, { board, task });
    this.items = []; // {seq, at, actor, op, lines, lost?}
    this.more = true;
    this.loading = false;
    this.error = null; // {code, message}; `offline` without a link
    this.ears = new AbortController();
    const { signal } = this.ears;
    board.addEventListener("log", ({ detail }) => this.live(detail), { signal });
    board.addEventListener("joined", () => this.error && this.loadMore(), { signal });
  }

  load() {
    this.items = [];
    return this.loadMore();
  }

  async loadMore() {
    if (this.loading) return;
    this.loading = true;
    const before = this.items.at(-1)?.seq;
    try {
      const { items, more } = await changesOf(this.board.board, { before, task: this.task, limit: PAGE });
      this.take(items);
      Object.assign(this, { more, error: null });
    } catch (error) {
      this.error = error;
    }
    this.loading = false;
    this.changed();
  }

  close() {
    this.ears.abort();
  }

  live(change) {
    if (change.task !== this.task && !change.also?.[this.task]) return;
    this.take([change]);
    this.changed();
  }

  take(changes) {
    const known = new Set(this.items.map((item) => item.seq));
    const fresh = changes.filter((change) => !known.has(change.seq)).map((change) => this.item(change));
    this.items = [...this.items, ...fresh].sort((a, b) => b.seq - a.seq);
  }

  item(change) {
    const { seq, at, actor, op } = change;
    const item = { seq, at, actor, op, lines: describe(change, { task: this.task, view: this.board.view }) };
    return change.set === undefined ? { ...item, lost: true } : item;
  }

  changed() {
    if (!this.ears.signal.aborted) this.dispatchEvent(new CustomEvent("change"));
  }
}
