// What concerns this person on the boards that this browser visits: read from their logs, live where a board is open,
// by asking now and then where it is not. All tabs of this browser show the same list and the same marks.
//
// Events: `change`; `arrived` {detail: {item}} for something new, in one tab only: that is the one to notify.

import { ask, changesOf } from "./api.js";
import { concern, dueSoon } from "./concerns.js";
import { Channel } from "./facts.js";

const CURSOR = "inbox:"; // how far a board's log has been read
const MOST = 300; // items that are kept
const BOARDS = 20; // that are asked about
const CHANGES = 500; // that are read of one board at a time
const AGAIN_MS = 60_000;
const SAVE_MS = 3000;
const NEWS_MS = 600_000; // what is older is no news to notify of

export class Inbox extends EventTarget {
  /** `home`: the Session. */
  constructor(home) {
    super();
    this.home = home;
    this.known = new Map(); // id → item
    this.cursors = new Map(); // board → {epoch, seq}, further than what is kept
    this.timer = null;
    this.leads = false; // this tab notifies, and asks about boards that are not open
    this.channel = new Channel(home.store, "inbox", (told) => this.told(told));
  }

  async load() {
    for (const item of await this.home.store.all("inbox").catch(() => [])) this.known.set(item.id, item);
    return this;
  }

  /** From now on. */
  start() {
    const lead = () => {
      this.leads = true;
      this.catchUp();
      setInterval(() => document.visibilityState === "visible" && this.catchUp(), AGAIN_MS);
      return new Promise(() => {}); // as long as the page lives
    };
    if (navigator.locks) navigator.locks.request(`${this.home.store.name}.inbox`, lead).catch(() => {});
    else lead();
  }

  /** The latest first. */
  get items() {
    return [...this.known.values()].sort((a, b) => b.at - a.at);
  }

  get unread() {
    return [...this.known.values()].filter((item) => !item.read).length;
  }

  markRead(ids) {
    this.mark(ids, true);
  }

  markUnread(ids) {
    this.mark(ids, false);
  }

  markAllRead() {
    this.mark([...this.known.keys()], true);
  }

  remove(ids) {
    this.told({ gone: ids });
    this.channel.say({ gone: ids });
    this.home.store.write(ids.map((id) => ["inbox", "delete", id])).catch(() => {});
  }

  mark(ids, read) {
    const items = ids.map((id) => this.known.get(id)).filter((item) => item && item.read !== read);
    if (items.length > 0) this.publish(items.map((item) => ({ ...item, read })));
  }

  // -- reading logs

  /** A board has been opened here. */
  follow(board) {
    board.addEventListener("log", ({ detail }) => this.read(board, detail));
    board.addEventListener("joined", () => this.joined(board));
  }

  read(board, change) {
    const cursor = this.cursor(board.board);
    if (cursor === undefined || change.seq !== cursor.seq + 1 || cursor.epoch !== board.confirmed.epoch) return;
    this.take([concern(change, this.me(board.board), this.place(board))]);
    this.advance(board.board, { epoch: cursor.epoch, seq: change.seq });
  }

  joined(board) {
    const { epoch, seq } = board.confirmed;
    const cursor = this.cursor(board.board);
    this.take(dueSoon(board.view, this.me(board.board), { ...this.place(board), now: Date.now() }));
    if (cursor === undefined || cursor.epoch !== epoch) this.advance(board.board, { epoch, seq });
    else if (cursor.seq < seq) this.readOn(board.board, seq, epoch).catch(() => {});
  }

  /** Asks about the boards that were visited lately. */
  async catchUp() {
    const visited = this.home.visits.recent.slice(0, BOARDS).map(({ board }) => board);
    for (const board of visited) {
      try {
        const { seq, epoch, archived } = await this.head(board);
        if (!archived) await this.readOn(board, seq, epoch);
      } catch (error) {
        if (error.code === "offline") return;
      }
    }
    for (const [board, client] of this.home.clients) {
      if (client.joined) this.take(dueSoon(client.view, this.me(board), { ...this.place(client), now: Date.now() }));
    }
  }

  async head(board) {
    const client = this.home.clients.get(board);
    if (client?.joined) return { seq: client.head, epoch: client.confirmed.epoch };
    return ask(`/api/boards/${encodeURIComponent(board)}`);
  }

  /** Reads the log of `board` from the cursor to `head`. */
  async readOn(board, head, epoch) {
    const cursor = this.cursor(board);
    if (cursor === undefined || cursor.epoch !== epoch) return this.advance(board, { epoch, seq: head });
    if (cursor.seq >= head) return undefined;
    const { items } = await changesOf(board, { since: cursor.seq, limit: CHANGES });
    if (items.length === 0 || this.cursor(board).seq !== cursor.seq) return undefined; // read meanwhile
    const client = this.home.clients.get(board);
    const place = client ? this.place(client) : { board, boardName: this.nameOf(board), view: null };
    for (const { actor } of items) this.home.directory.learn(actor);
    this.take(items.map((change) => concern(change, this.me(board), place)));
    this.advance(board, { epoch, seq: items.at(-1).seq });
    return this.readOn(board, head, epoch);
  }

  place(board) {
    return { board: board.board, boardName: board.view.info.name, view: board.view };
  }

  nameOf(board) {
    return this.home.boards.items.find((item) => item.board === board)?.name ?? board;
  }

  me(board) {
    const { directory, follows, name } = this.home;
    return { isMe: (id) => directory.isMe(id), name, follows: (task) => follows.has(board, task) };
  }

  cursor(board) {
    const [here, kept] = [this.cursors.get(board), this.home.facts.get(CURSOR + board)];
    return here && kept && here.epoch === kept.epoch && kept.seq > here.seq ? kept : (here ?? kept);
  }

  advance(board, cursor) {
    this.cursors.set(board, cursor);
    this.timer ??= setTimeout(() => this.save(), SAVE_MS);
  }

  save() {
    clearTimeout(this.timer);
    this.timer = null;
    for (const [board, cursor] of this.cursors) this.home.facts.set(CURSOR + board, cursor);
    this.cursors.clear();
  }

  // -- the list

  take(items) {
    const fresh = items.filter((item) => item !== null && !this.known.has(item.id));
    if (fresh.length > 0) this.publish(fresh);
  }

  publish(items) {
    const before = new Set(this.known.keys());
    this.told({ items });
    this.channel.say({ items });
    const gone = [...before].filter((id) => !this.known.has(id));
    const puts = items.map((item) => ["inbox", "put", item]);
    this.home.store.write([...puts, ...gone.map((id) => ["inbox", "delete", id])]).catch(() => {});
  }

  told({ items = [], gone = [] }) {
    for (const id of gone) this.known.delete(id);
    const news = items.filter((item) => !this.known.has(item.id));
    for (const item of items) this.known.set(item.id, item);
    for (const { id } of this.items.slice(MOST)) this.known.delete(id);
    this.emit("change");
    if (!this.leads) return;
    for (const item of news) if (!item.read && item.at > Date.now() - NEWS_MS) this.emit("arrived", { item });
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** The cards that somebody wants to hear of. */
export class Follows extends EventTarget {
  constructor(facts) {
    super();
    this.facts = facts;
    facts.addEventListener("change", ({ detail: { key } }) => {
      if (key.startsWith("follow:")) this.dispatchEvent(new CustomEvent("change"));
    });
  }

  has(board, task) {
    return this.facts.get(`follow:${board}/${task}`) === true;
  }

  set(board, task, on) {
    if (on) this.facts.set(`follow:${board}/${task}`, true);
    else this.facts.drop(`follow:${board}/${task}`);
  }
}
