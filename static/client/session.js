// One tab at work: its link, its boards, and what this browser keeps. Knows nothing of any page.
//
//   const session = await Session.open({ url, name });
//   const board = await session.enter("demo");
//   board.addEventListener("change", () => draw(board.view));
//   board.mutate("task.create", { task: board.newId("t"), title: "Buy milk", column: "todo" });
//
// Events: `status`; `entered` {detail: {board}}.

import { BoardClient } from "./board-client.js";
import { Boards } from "./boards.js";
import { Connection } from "./connection.js";
import { deliverForClosedTabs, deliverForOthers } from "./courier.js";
import { Directory } from "./directory.js";
import { Facts } from "./facts.js";
import { claimClientId } from "./identity.js";
import { randomId } from "./ids.js";
import { Follows, Inbox } from "./inbox.js";
import { unsentIn } from "./queue.js";
import { Refusals } from "./refusals.js";
import { makeRoom } from "./saver.js";
import { openStore } from "./store.js";
import { Visits } from "./visits.js";

const LOOK_MS = 2000;
const KEPT = 3; // boards that were left and are not let go yet: coming back is quick, and undo still works

export class Session extends EventTarget {
  /**
   * `url`: ws(s)://…/ws. `owner`: whose session it is, as `Connection` wants it. Claims an id for this tab, takes up what it
   * left, and connects.
   */
  static async open({ url, name, owner = "", store }) {
    store ??= await openStore(owner);
    const [client, facts, refusals] = await Promise.all([claimClientId(store), Facts.open(store), Refusals.open(store)]);
    const session = new Session({ url, name, owner, store, client, facts, refusals });
    await session.takeUp();
    session.start();
    return session;
  }

  constructor({ url, name, owner, store, client, facts, refusals }) {
    super();
    Object.assign(this, { url, name, owner, store, client, facts, refusals });
    this.clients = new Map(); // board → BoardClient
    this.left = []; // those that were left last
    this.couriers = new Map(); // client of a closed tab → Courier
    this.elsewhere = new Map(); // board → how many changes wait in other tabs, as far as is looked
    this.wasReady = false;
    this.looking = document.visibilityState === "visible"; // somebody is
    this.session = null;
    this.user = null;
    this.limits = {};
    this.directory = new Directory(facts);
    this.follows = new Follows(facts);
    this.visits = new Visits(facts, this.directory);
    this.boards = new Boards(this);
    this.inbox = new Inbox(this);
    this.connection = new Connection({
      url,
      owner,
      hello: () => ({ client, name: this.name || undefined }),
      onReady: (welcome) => this.welcomed(welcome),
      onMessage: (message) => this.received(message),
      onStatus: () => this.linkChanged(),
    });
  }

  /** The boards that this tab has unsent changes on are sent without being looked at. */
  async takeUp() {
    const mine = (await unsentIn(this.store)).get(this.client) ?? [];
    await Promise.all([this.inbox.load(), ...mine.map((board) => this.clientOf(board))]);
  }

  start() {
    this.connection.start();
    this.inbox.start();
    deliverForOthers(this);
    setInterval(() => this.lookAround(), LOOK_MS);
    addEventListener("pagehide", () => this.hidden());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.hidden();
      else this.looking = true;
    });
    addEventListener("beforeunload", (event) => {
      const { unsent, stored } = this.status;
      if (unsent > 0 && !stored) event.preventDefault(); // the browser asks: they would be lost
    });
  }

  /** {link: "connecting"|"ready"|"waiting"|"stopped", reason?, code?, retryAt?, blocked?, unsent, stored} */
  get status() {
    const { state, ...more } = this.connection.status;
    const queues = [...this.clients.values()].map(({ queue }) => queue);
    const unsent = queues.reduce((sum, queue) => sum + queue.unsent, 0);
    return { ...more, link: state, unsent, stored: this.store.kept && queues.every((queue) => queue.stored) };
  }

  // -- boards

  /** Follows a board; resolves as soon as what is known of it here can be shown. */
  async enter(board) {
    const client = await this.clientOf(board);
    this.left = this.left.filter((other) => other !== client);
    this.visits.begin(board);
    await client.attend();
    this.dispatchEvent(new CustomEvent("entered", { detail: { board: client } }));
    return client;
  }

  leave(board) {
    const client = this.clients.get(board);
    if (client === undefined) return;
    if (this.looking) this.visits.mark(client);
    client.leave();
    this.left.push(client);
    if (this.left.length > KEPT) this.tidy(this.left.shift());
  }

  /** Makes a board, without a link, too. Returns its id. */
  async create({ name, description, columns }) {
    const board = randomId("b");
    const client = await this.clientOf(board);
    client.mutate("board.create", { name, description, columns });
    if (this.connection.ready) client.connected();
    this.boards.changed();
    return board;
  }

  /** The client of a board, made when there is none; it follows the board only after `enter`. */
  async clientOf(board) {
    const known = this.clients.get(board);
    if (known) return known.ready;
    const client = new BoardClient(this, board);
    this.clients.set(board, client);
    client.addEventListener("status", () => this.emit("status"));
    client.addEventListener("presence", () => this.seen(client));
    client.addEventListener("log", ({ detail }) => this.directory.learn(detail.actor));
    this.inbox.follow(client);
    client.ready = client.load();
    await client.ready;
    if (this.connection.ready) client.connected();
    return client;
  }

  seen(client) {
    for (const { user, kind } of client.people.values()) this.directory.learn({ ...user, kind });
  }

  /** One that is neither looked at nor has anything to send is let go. */
  tidy(client) {
    if (client.attending || client.queue.unanswered.length > 0 || this.left.includes(client)) return;
    if (this.clients.get(client.board) === client) this.clients.delete(client.board);
  }

  // -- what boards tell

  settled(client, entry) {
    if (entry.op.startsWith("board.")) this.boards.settled(client.board, entry);
    this.tidy(client);
    this.emit("status");
  }

  refused(client, entry, error) {
    this.refusals.add(client.board, entry, error);
    this.tidy(client);
  }

  /** The browser did not write: saved states of boards make room for what is unsent. */
  async storeFailed(client) {
    await makeRoom(this.store, 0);
    await client.queue.keepAgain().catch(() => {});
    client.emit("status");
  }

  // -- the link

  rename(name) {
    this.name = name;
    this.connection.restart("new name");
  }

  retryNow() {
    this.connection.hurry();
  }

  welcomed({ session, user, limits }) {
    Object.assign(this, { session, user, limits: limits ?? {} });
    this.directory.me(user);
    for (const client of this.clients.values()) client.connected();
    deliverForClosedTabs(this);
    this.boards.refresh();
    if (this.inbox.leads) this.inbox.catchUp();
  }

  received(message) {
    this.clients.get(message.board)?.received(message);
  }

  linkChanged() {
    const { ready } = this.connection;
    const lost = this.wasReady && !ready;
    this.wasReady = ready;
    for (const client of this.clients.values()) {
      if (lost) client.disconnected();
      client.emit("status");
    }
    this.emit("status");
    this.lookAround();
  }

  /** While there is no link: what waits in other tabs of this browser, too, open or closed. */
  async lookAround() {
    if (this.connection.ready && this.elsewhere.size === 0) return;
    const found = new Map();
    for (const [client, board] of this.connection.ready ? [] : await this.store.keys("queue").catch(() => [])) {
      if (client !== this.client) found.set(board, (found.get(board) ?? 0) + 1);
    }
    if (JSON.stringify([...found]) === JSON.stringify([...this.elsewhere])) return;
    this.elsewhere = found;
    for (const client of this.clients.values()) client.emit("status");
  }

  hidden() {
    this.directory.saveNow();
    for (const client of this.clients.values()) {
      client.saver.now();
      if (client.attending && this.looking) this.visits.mark(client);
    }
    this.looking = false;
    this.inbox.save();
  }

  emit(type) {
    this.dispatchEvent(new CustomEvent(type));
  }
}
