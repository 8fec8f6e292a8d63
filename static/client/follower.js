// Following one board: joining it, folding what the server says, knowing who is there. What is done to the board here
// is the business of board-client.js, which extends this.

import { BoardState } from "./state.js";

const RANK = { viewer: 0, commenter: 1, editor: 2, owner: 3 };
const ROLE = "role:";
const REJOIN_MS = 1000;
const ANSWER_MS = 30_000; // a join that gets no answer makes the link doubtful

export class Follower extends EventTarget {
  /** The heir has `queue`, `saver`, `sender`, `undo` and `threads`. */
  constructor(home, board) {
    super();
    const { client, connection } = home;
    Object.assign(this, { home, board, client, connection });
    this.attending = false; // we follow the board; else its queue is sent and nothing more
    this.confirmed = null; // BoardState at the head we know
    this.loaded = "nothing"; // "saved": `confirmed` is from last time; "live": the server's
    this.incoming = null; // a snapshot whose parts are still arriving
    this.snapshots = 0; // how many have replaced what we had
    this.joinNumber = 0; // of the latest join; replies to earlier ones are ignored
    this.joined = false;
    this.role = home.facts?.get(ROLE + board) ?? null; // on this board; null while nobody has said
    this.people = new Map(); // session → {session, user, kind, task?, field?, typing?}
    this.here = {}; // what we look at
    this.patience = null; // a timer, while a join is not answered
    this.stalled = null; // the last retryable error, while the server keeps giving it
    this.closed = null; // why the board is closed to us: the code of a refusal, or "deleted", "forbidden"
  }

  /** Whether this person may do what takes the role `least`; true while nobody has said. */
  may(least) {
    if (this.closed !== null) return false;
    return RANK[this.role ?? "owner"] >= RANK[least];
  }

  /** The seq that the confirmed state has reached: the `base` of an edit that begins now. */
  get head() {
    return this.confirmed?.seq ?? 0;
  }

  async loadState() {
    const saved = this.confirmed === null ? await this.saver.load() : null;
    if (saved === null || this.confirmed !== null) return;
    this.confirmed = BoardState.from({ board: this.board, ...saved });
    this.loaded = "saved";
    this.viewChanged();
  }

  // -- coming and going

  /** Follows the board from now on. */
  async attend() {
    if (this.attending) return;
    this.attending = true;
    await this.loadState();
    if (this.connection.ready) this.join();
  }

  /** Follows it no longer. What is unsent goes on being sent. */
  leave() {
    if (!this.attending) return;
    this.attending = false;
    this.saver.now();
    if (this.loaded === "live") this.loaded = "saved";
    this.connection.request({ type: "leave", board: this.board }, () => {});
    this.joined = false;
    this.joinNumber += 1;
    this.people.clear();
    for (const thread of this.threads) thread.close();
    if (this.connection.ready) this.sender.begin();
  }

  /** The link is there. */
  connected() {
    if (!this.attending || this.creating) this.sender.begin();
    if (this.attending) this.join();
  }

  /** The link is gone. */
  disconnected() {
    this.joined = false;
    this.incoming = null;
    this.people.clear();
    this.sender.end();
    this.saver.soon();
    this.emit("presence");
  }

  /** The board was made here and the server does not know it yet. */
  get creating() {
    return this.queue.unanswered[0]?.op === "board.create";
  }

  // -- joining

  join({ fresh = false } = {}) {
    const number = ++this.joinNumber;
    this.joined = false;
    this.incoming = null;
    const since = fresh || !this.confirmed ? undefined : { epoch: this.confirmed.epoch, seq: this.head };
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.waited(), ANSWER_MS);
    this.connection.request({ type: "join", board: this.board, since }, (reply) => {
      clearTimeout(this.patience);
      if (number !== this.joinNumber) return;
      if (reply.type === "joined") this.take(reply);
      else this.joinRefused(reply);
    });
  }

  waited() {
    if (this.attending && this.connection.ready && !this.joined) this.connection.restart("no answer");
  }

  joinRefused(error) {
    if (error.retry) {
      this.stall(error);
      const again = () => this.connection.ready && this.attending && !this.joined && this.join();
      setTimeout(again, (error.details?.retry_after_ms ?? REJOIN_MS) * (1 + Math.random() / 2));
    } else {
      this.closed = error.code;
      if (error.code === "not_found") this.saver.drop();
      this.emit("status");
    }
  }

  take(reply) {
    if (this.role !== reply.role) this.home.facts?.set(ROLE + this.board, reply.role); // for a start without a link
    this.role = reply.role;
    this.people = new Map((reply.presence ?? []).map((person) => [person.session, person]));
    if (reply.mode === "snapshot") {
      this.incoming = BoardState.fromSnapshot(reply);
      if (!reply.snapshot.more) this.replace();
    } else {
      this.joined = true;
      this.applyAll(reply.changes ?? [], false);
      if (this.joined) this.settled();
    }
  }

  /** The last part of a snapshot is here: it replaces what we had. */
  replace() {
    const fresh = this.confirmed !== null && this.confirmed.epoch !== this.incoming.epoch;
    this.confirmed = this.incoming;
    this.incoming = null;
    this.snapshots += 1;
    this.joined = true;
    this.queue.reached(this.head, fresh);
    this.settled();
  }

  settled() {
    this.closed = null;
    this.stalled = null;
    this.loaded = "live";
    this.saver.soon();
    this.viewChanged();
    this.emit("presence");
    if (Object.keys(this.here).length > 0) this.look(this.here);
    this.sender.begin();
    this.emit("joined");
  }

  // -- what the server says

  received(message) {
    if (!this.attending) return;
    if (message.type === "changes") this.applyAll(message.changes, true);
    else if (message.type === "tasks") this.takeTasks(message);
    else if (message.type === "presence") this.takePresence(message);
    else if (message.type === "telemetry") this.emit("telemetry", message.points);
    else if (message.type === "resync") this.join();
    else if (message.type === "closed_board") this.boardClosed(message.reason);
  }

  /** Takes what follows the head; what is known already is skipped, a hole is filled by joining again. */
  applyAll(changes, live) {
    if (!this.joined) return;
    for (const change of changes) {
      if (change.seq <= this.head) continue;
      if (change.seq !== this.head + 1) return this.join();
      if (change.set === undefined) return this.join({ fresh: true }); // lost to retention
      this.confirmed.apply(change);
      const mine = change.client === this.client;
      if (mine) this.queue.applied(change.mutation);
      this.undo.saw(change, mine);
      this.emit("log", change);
      if (live && !mine) this.emit("remote", { change });
    }
    const seated = live && changes.some((change) => this.seats(change));
    this.queue.reached(this.head);
    this.saver.soon();
    this.viewChanged();
    if (seated) this.join(); // the answer names the role
  }

  /** Whether this person may now do other things here. Who may not even look is told so by `closed_board`. */
  seats({ set }) {
    const me = set?.members?.[this.home.user?.id];
    return me !== undefined && (me !== null || ["members", "link"].includes(this.confirmed.info.visibility));
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

  /** An archived board can still be looked at, and restored; any other is gone for us. */
  boardClosed(reason) {
    this.joined = false;
    if (reason === "archived") return this.join();
    this.closed = reason;
    this.saver.drop();
    this.sender.end();
    return this.emit("status");
  }

  stall(error) {
    if (this.stalled === error) return;
    this.stalled = error;
    this.emit("status");
  }

  // -- telling others

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
