// A live board: what is on it, who is on it, and a way to change it that works offline, too.
//
// Knows nothing of any page. `view` is the board as this person means it to be: what the server has confirmed,
// with the own pending mutations on top, applied anew whenever a confirmed change arrives.
//
//   const board = new BoardClient({ url, board, client, name, storage: localStorage });
//   board.addEventListener("change", () => draw(board.view));
//   board.start();
//   board.mutate("task.create", { task: board.newId("t"), title: "Buy milk", column: "todo" });
//
// Events: `change` (the view), `presence`, `status`, `refused` {detail: {entry, error}}: a mutation was refused
// for good and its effect is gone from the view; `log` {detail: change}: a confirmed change.

import { Connection } from "./client/connection.js";
import { randomId } from "./client/ids.js";
import { applyIntent } from "./client/intents.js";
import { Queue } from "./client/queue.js";
import { Sender, sizeOf } from "./client/sender.js";
import { BoardState } from "./client/state.js";

export class BoardClient extends EventTarget {
  /** `url`: ws(s)://…/ws. `client`: this tab's id (see client/identity.js). `storage`: as localStorage. */
  constructor({ url, board, client, name, storage }) {
    super();
    Object.assign(this, { board, client, name });
    this.confirmed = null; // BoardState at the head we know
    this.incoming = null; // a snapshot whose parts are still arriving
    this.joinNumber = 0; // of the latest join; replies to earlier ones are ignored
    this.joined = false;
    this.session = null;
    this.user = null;
    this.role = null;
    this.limits = {};
    this.people = new Map(); // session → {session, user, kind, task?, field?, typing?}
    this.here = {}; // what we look at
    this.stalled = null; // the last retryable error, while the server keeps giving it
    this.closed = null; // why the board is closed to us
    this.cachedView = null;
    this.queue = new Queue(storage, client, board);
    this.connection = new Connection({
      url,
      hello: () => ({ client, name: this.name || undefined }),
      onReady: (welcome) => this.welcomed(welcome),
      onMessage: (message) => this.received(message),
      onStatus: () => this.linkChanged(),
    });
    this.sender = new Sender({
      connection: this.connection,
      queue: this.queue,
      board,
      onAck: (ack) => this.acknowledged(ack),
      onRefused: (entry, error) => this.refuse(entry, error),
      onStall: (error) => this.stall(error),
    });
  }

  start() {
    this.connection.start();
  }

  // -- what is there

  /** The board as it is meant to be, a BoardState; null before the first snapshot. Do not change it. */
  get view() {
    this.cachedView ??= this.rebased();
    return this.cachedView;
  }

  rebased() {
    const pending = this.queue.pending;
    if (this.confirmed === null || pending.length === 0) return this.confirmed;
    const view = this.confirmed.copy();
    for (const entry of pending) applyIntent(view, entry);
    return view;
  }

  /** The seq that the confirmed state has reached: the `base` of an edit that begins now. */
  get head() {
    return this.confirmed?.seq ?? 0;
  }

  /** {link: "connecting"|"live"|"waiting"|"stopped"|"closed", reason?, unsent, stored, stalled} */
  get status() {
    const { state, reason, retryAt } = this.connection.status;
    const link = this.closed ? "closed" : state === "ready" ? (this.joined ? "live" : "connecting") : state;
    const unsent = this.queue.unanswered.filter((entry) => !entry.applied).length;
    const { stalled, queue } = this;
    return { link, reason: this.closed ?? reason, retryAt, unsent, stored: queue.stored, stalled };
  }

  /** The ids of tasks with changes that the server has not confirmed. */
  get pendingTasks() {
    return new Set(this.queue.pending.map((entry) => entry.args.task));
  }

  // -- what can be done

  newId(prefix) {
    return randomId(prefix);
  }

  /** Changes the board: at once in `view`, on the server as soon as it can be reached. `base`: the seq seen. */
  mutate(op, args, base) {
    const clean = wellFormed(args);
    if (sizeOf(clean) > (this.limits.frame_bytes ?? 65_536) - 1024) {
      this.refuse({ op, args: clean, base }, { code: "message_too_big", message: "the text is too long" });
      return;
    }
    this.queue.add(op, clean, base);
    this.viewChanged();
    this.sender.pump();
  }

  /** Says what this person looks at: `{task?, field?, typing?}`. */
  look(here) {
    this.here = here;
    if (this.joined) this.connection.send({ type: "presence", board: this.board, ...here });
  }

  rename(name) {
    this.name = name;
    this.connection.restart("new name");
  }

  retryNow() {
    this.connection.hurry();
  }

  // -- joining

  welcomed({ session, user, limits }) {
    Object.assign(this, { session, user, limits: limits ?? {} });
    this.join();
  }

  join({ fresh = false } = {}) {
    const number = ++this.joinNumber;
    this.joined = false;
    this.incoming = null;
    const since = fresh || !this.confirmed ? undefined : { epoch: this.confirmed.epoch, seq: this.head };
    this.connection.request({ type: "join", board: this.board, since }, (reply) => {
      if (number !== this.joinNumber) return;
      if (reply.type === "joined") this.take(reply);
      else this.joinRefused(reply);
    });
  }

  joinRefused(error) {
    if (error.retry) {
      this.stall(error);
      const again = () => this.connection.ready && !this.joined && this.join();
      setTimeout(again, (error.details?.retry_after_ms ?? 1000) * (1 + Math.random() / 2));
    } else {
      this.closed = error.message;
      this.emit("status");
    }
  }

  take(reply) {
    this.role = reply.role;
    this.people = new Map((reply.presence ?? []).map((person) => [person.session, person]));
    if (reply.mode === "snapshot") {
      this.incoming = BoardState.fromSnapshot(reply);
      if (!reply.snapshot.more) this.replace();
    } else {
      this.joined = true;
      this.applyAll(reply.changes ?? []);
      if (this.joined) this.settled();
    }
  }

  /** The last part of a snapshot is here: it replaces what we had. */
  replace() {
    const fresh = this.confirmed !== null && this.confirmed.epoch !== this.incoming.epoch;
    this.confirmed = this.incoming;
    this.incoming = null;
    this.joined = true;
    this.queue.reached(this.head, fresh);
    this.settled();
  }

  settled() {
    this.closed = null;
    this.stalled = null;
    this.viewChanged();
    this.emit("presence");
    if (Object.keys(this.here).length > 0) this.look(this.here);
    this.sender.begin();
  }

  // -- what the server says

  received(message) {
    if (message.board !== this.board) return;
    if (message.type === "changes") this.applyAll(message.changes);
    else if (message.type === "tasks") this.takeTasks(message);
    else if (message.type === "presence") this.takePresence(message);
    else if (message.type === "resync") this.join();
    else if (message.type === "closed_board") this.boardClosed(message.reason);
  }

  /** Takes what follows the head; what is known already is skipped, a hole is filled by joining again. */
  applyAll(changes) {
    if (!this.joined) return;
    for (const change of changes) {
      if (change.seq <= this.head) continue;
      if (change.seq !== this.head + 1) return this.join();
      if (change.set === undefined) return this.join({ fresh: true }); // lost to retention
      this.confirmed.apply(change);
      if (change.client === this.client) this.queue.applied(change.mutation);
      this.emit("log", change);
    }
    this.queue.reached(this.head);
    this.viewChanged();
  }

  takeTasks({ tasks, last }) {
    if (this.incoming === null) return;
    this.incoming.addTasks(tasks);
    if (last) this.replace();
  }

  takePresence({ joined, updated, left }) {
    for (const person of [...joined, ...updated]) this.people.set(person.session, person);
    for (const session of left) this.people.delete(session);
    this.emit("presence");
  }

  boardClosed(reason) {
    this.closed = reason;
    this.joined = false;
    this.sender.end();
    this.emit("status");
  }

  // -- answers to mutations

  acknowledged({ mutation, seq }) {
    this.queue.acknowledge(mutation, seq, this.head);
    this.viewChanged();
  }

  refuse(entry, error) {
    this.viewChanged();
    this.emit("refused", { entry, error });
  }

  stall(error) {
    if (this.stalled === error) return;
    this.stalled = error;
    this.emit("status");
  }

  // -- telling others

  linkChanged() {
    if (!this.connection.ready) {
      this.joined = false;
      this.incoming = null;
      this.people.clear();
      this.sender.end();
      this.emit("presence");
    }
    this.emit("status");
  }

  viewChanged() {
    this.cachedView = null;
    this.emit("change");
    this.emit("status");
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Replaces halves of surrogate pairs, which no JSON text may hold; everything else as it is. */
function wellFormed(value) {
  if (typeof value === "string") return value.toWellFormed?.() ?? value;
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, wellFormed(inner)]));
}
