// The list of boards: the server's, with what this browser adds (stars, last visits, boards not sent yet).
// Event: `change`.

import { ask } from "./api.js";

const KEPT = "boards";
const STAR = "star:";
const PAGE = 500;

export class Boards extends EventTarget {
  /** `home`: the Session. */
  constructor(home) {
    super();
    this.home = home;
    this.known = byId(home.facts.get(KEPT) ?? []); // of the server, last time
    this.loading = false;
    this.wanted = false; // an answer that is asked for from now on
    this.round = null; // a promise, while the server is asked
    this.error = null; // {code, message} of the last refresh
    home.facts.addEventListener("change", ({ detail }) => this.toldBy(detail));
  }

  /**
   * `[{board, name, description, archived, role?, starred, seq?, updated_at?, visited_at?, offline?}…]`: starred ones first, then
   * those visited last, then by name. `offline`: made here, not on the server yet.
   */
  get items() {
    const visits = new Map(this.home.visits.recent.map(({ board, at }) => [board, at]));
    const items = new Map([...this.known].map(([id, item]) => [id, { ...item }]));
    for (const [id, client] of this.home.clients) {
      const info = client.view?.info;
      const fresh = client.joined || client.creating || client.queue.pending.length > 0;
      if (!info || !fresh) continue;
      const { name, description, archived } = info;
      items.set(id, { ...items.get(id), board: id, name, description, archived, role: client.role ?? (client.creating ? "owner" : items.get(id)?.role) });
      if (client.confirmed === null) items.get(id).offline = true;
    }
    for (const item of items.values()) {
      item.starred = this.home.facts.get(STAR + item.board) === true;
      item.visited_at = visits.get(item.board);
    }
    return [...items.values()].sort(byUse);
  }

  /**
   * Asks the server; what was known stays when it does not answer. Resolves when an answer is in that was asked for after
   * this call: one that is on its way already may be older than what the caller knows.
   */
  refresh() {
    this.wanted = true;
    this.round ??= this.rounds().finally(() => {
      this.round = null;
    });
    return this.round;
  }

  async rounds() {
    this.loading = true;
    this.changed();
    while (this.wanted) {
      this.wanted = false;
      await this.ask();
    }
    this.loading = false;
    this.changed();
  }

  async ask() {
    try {
      const found = await all(this.home.user?.id);
      if (this.wanted) return; // a newer answer is wanted meanwhile
      this.home.facts.set(KEPT, found);
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  }

  /** The server has a change of a whole board from here: it stays in the list, whoever sent it. */
  settled(board, { op, args }) {
    this.noted(board, op, args);
    if (op !== "board.update") this.refresh();
  }

  rename(board, name) {
    return this.edit(board, "board.update", { name });
  }

  describe(board, description) {
    return this.edit(board, "board.update", { description });
  }

  archive(board) {
    return this.edit(board, "board.archive", {});
  }

  restore(board) {
    return this.edit(board, "board.restore", {});
  }

  /** On this device only. */
  star(board, on = true) {
    if (on) this.home.facts.set(STAR + board, true);
    else this.home.facts.drop(STAR + board);
  }

  async edit(board, op, args) {
    const client = await this.home.clientOf(board);
    client.mutate(op, args);
    if (this.known.has(board)) this.noted(board, op, args);
    this.home.tidy(client);
  }

  /** What the list says of a board after one of our changes, until the server is asked again. */
  noted(board, op, { name, description }) {
    const item = { archived: false, description: "", ...this.known.get(board), board };
    if (name !== undefined) item.name = name;
    if (description !== undefined) item.description = description;
    item.archived = { "board.archive": true, "board.restore": false }[op] ?? item.archived;
    this.known.set(board, item);
    this.changed();
  }

  /** Another tab has asked the server, starred a board, or been on one; or we have. */
  toldBy({ key, value }) {
    if (key === KEPT) this.known = byId(value);
    if (key === KEPT || /^(star|visit):/.test(key)) this.changed();
  }

  changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}

function byUse(a, b) {
  const visited = (b.visited_at ?? 0) - (a.visited_at ?? 0);
  return b.starred - a.starred || visited || a.name.localeCompare(b.name) || (a.board < b.board ? -1 : 1);
}

function byId(items) {
  return new Map(items.map((item) => [item.board, item]));
}

/** `me`: whose role is told, where they are a member. */
async function all(me) {
  const found = [];
  for (;;) {
    const { items, total } = await ask("/api/boards", { skip: found.length, limit: PAGE });
    found.push(...items.map(({ board, name, description, archived, seq, updated_at, members }) =>
      ({ board, name, description, archived, seq, updated_at, role: members?.find(({ user }) => user === me)?.role })));
    if (found.length >= total || items.length === 0) return found;
  }
}
