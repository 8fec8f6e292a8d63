// One live board: what is on it, who is on it, and a way to change it that works offline, too.
//
// `view` is the board as this person means it to be: what the server has confirmed, with the own pending mutations
// on top, applied anew whenever a confirmed change arrives. A Session makes these and passes on what the server says.
//
// Events: `change` (the view), `presence`, `status`, `refused` {detail: {entry, error}}: a mutation was refused
// for good and its effect is gone from the view; `log` {detail: change}: a confirmed change; `remote` {detail:
// {change}}: a confirmed change that is not of this tab and came while we were on the board; `telemetry` {detail:
// points}: newest values of watched devices.

import { sizeOf, wellFormed } from "./codec.js";
import { Follower } from "./follower.js";
import { History } from "./history.js";
import { randomId } from "./ids.js";
import { Queue } from "./queue.js";
import { difference, rebase, withOneMore } from "./rebase.js";
import { Saver } from "./saver.js";
import { Sender } from "./sender.js";
import { Thread } from "./thread.js";
import { Undo } from "./undo.js";

const FRAME_BYTES = 65_536;
const OVERHEAD_BYTES = 1024; // of a mutation beside its args
const MOST_UNSENT = 5000; // changes of one board; more are refused here

export class BoardClient extends Follower {
  /** `home`: the Session. Await `load()` before use. */
  constructor(home, board) {
    super(home, board);
    const { client, connection, store } = home;
    this.cachedView = undefined;
    this.threads = new Set();
    this.queue = new Queue({ store, client, board, onTrouble: () => home.storeFailed(this) });
    this.saver = new Saver(store, board, () => (this.loaded === "live" && this.closed === null ? this.confirmed : null));
    this.undo = new Undo(this);
    this.sender = new Sender({
      connection,
      queue: this.queue,
      board,
      onAck: (ack, entry) => this.acknowledged(ack, entry),
      onRefused: (entry, error) => this.refuse(entry, error),
      onStall: (error) => this.stall(error),
    });
  }

  /** Takes up what this tab left: its queue, and, when there is one, the last known state. */
  async load() {
    await this.queue.load();
    return this;
  }

  get session() {
    return this.home.session;
  }

  get user() {
    return this.home.user;
  }

  get limits() {
    return this.home.limits;
  }

  get name() {
    return this.home.name;
  }

  // -- what is there

  /** The board as it is meant to be, a BoardState; null before anything is known. Do not change it. */
  get view() {
    if (this.cachedView === undefined) this.cachedView = rebase(this.board, this.confirmed, this.queue.pending);
    return this.cachedView;
  }

  /**
   * {link: "connecting"|"live"|"waiting"|"stopped"|"closed", reason?, code?, blocked?, retryAt?, unsent, elsewhere, stored, stalled,
   * loaded}; `stored` false: the unsent changes live in this page only; `elsewhere`: those of other tabs, while there is no link.
   */
  get status() {
    const { state, reason, ...more } = this.connection.status;
    const link = this.closed ? "closed" : state === "ready" ? (this.joined ? "live" : "connecting") : state;
    const { stalled, queue, loaded } = this;
    const elsewhere = this.home.elsewhere.get(this.board) ?? 0;
    return { ...more, link, reason: this.closed ?? reason, unsent: queue.unsent, elsewhere, stored: queue.stored, stalled, loaded };
  }

  /** The ids of tasks with changes that the server has not confirmed. */
  get pendingTasks() {
    return new Set(this.queue.pending.map((entry) => entry.args.task));
  }

  /** The comments of a task; close it when nobody looks any more. */
  thread(task) {
    return new Thread(this, task);
  }

  /** The log of a task. */
  history(task) {
    return new History(this, task);
  }

  // -- what can be done

  newId(prefix) {
    return randomId(prefix);
  }

  /**
   * Changes the board: at once in `view`, on the server as soon as it can be reached. `base`: the seq seen.
   * Returns the name of the mutation; null when it is refused here.
   */
  mutate(op, args, base) {
    return this.mutateAll([{ op, args, base }])[0];
  }

  /** Several changes that belong together: undone in one step. */
  mutateAll(wishes) {
    const made = this.enqueue(wishes);
    this.undo.did(made.filter((one) => one !== null));
    return made.map((one) => one?.mutation ?? null);
  }

  /** Queues wishes; for each `{mutation, op, task, set, was, also?}` as it looks from here, or null. */
  enqueue(wishes) {
    const made = wishes.map((wish) => this.wish({ ...wish, args: wellFormed(wish.args) }));
    this.emit("change");
    this.emit("status");
    this.sender.pump();
    return made;
  }

  wish({ op, args, base }) {
    const before = this.view;
    const title = subject(before, op, args);
    const error = this.tooMuch(args);
    if (error !== null) {
      this.refuse({ mutation: randomId("m"), op, args, base, title }, error);
      return null;
    }
    const entry = this.queue.add(op, args, base, title);
    this.cachedView = withOneMore(this.board, before, entry);
    const changed = before && this.cachedView ? difference(before, this.cachedView, args.task) : { set: {}, was: {} };
    if (args.comment !== undefined) changed.set.comment = { id: args.comment, text: args.text };
    return { mutation: entry.mutation, op, task: args.task, ...changed };
  }

  /** What cannot be sent, or not be kept until it can be sent: an error as the server would give it. */
  tooMuch(args) {
    if (sizeOf(args) > (this.limits.frame_bytes ?? FRAME_BYTES) - OVERHEAD_BYTES) {
      return { code: "message_too_big", message: "the text is too long" };
    }
    if (this.queue.unsent < MOST_UNSENT) return null;
    const message = `more than ${MOST_UNSENT} changes are waiting to be sent`;
    return { code: "limit_exceeded", message, details: { field: "unsent", limit: MOST_UNSENT } };
  }

  /** Says what this person looks at: `{task?, field?, typing?}`. */
  look(here) {
    this.here = here;
    if (this.joined) this.connection.send({ type: "presence", board: this.board, ...here });
  }

  rename(name) {
    this.home.rename(name);
  }

  retryNow() {
    this.connection.hurry();
  }

  // -- answers to mutations

  acknowledged({ mutation, seq }, entry) {
    this.queue.acknowledge(mutation, seq, this.attending ? this.head : Infinity);
    this.viewChanged();
    this.home.settled(this, entry);
  }

  refuse(entry, error) {
    this.undo.refused(entry.mutation);
    this.viewChanged();
    this.home.refused(this, entry, error); // listed first: whoever hears of it may take it off the list
    this.emit("refused", { entry, error });
  }

  viewChanged() {
    this.cachedView = undefined;
    this.emit("change");
    this.emit("status");
  }
}

/** The name of what a wish is about, as it is now: when it is refused, nobody here may know it any more. */
function subject(view, op, { task, title }) {
  if (task === undefined) return op.startsWith("board.") ? view?.info.name : undefined;
  return (view?.tasks.get(task) ?? view?.deleted.get(task))?.title ?? title;
}
