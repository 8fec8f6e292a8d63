// Sends a queue over a connection: in order, several at a time, again after what may be tried again.
//
// After an error with `retry` the server gives later mutations of this client the same error until the failed
// name comes again. So nothing is sent until every reply on the way is in and the delay is over; then all is
// sent again in its order.

import { frames, sizeOf } from "./codec.js";

const WINDOW = 200; // mutations on the way; the server's own bound is higher
const FRAME = { bytes: 32 * 1024, most: 200 }; // several mutations share a frame up to this; the server takes 64 KiB
const REPLY_MS = 30_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

export class Sender {
  /** `onAck(ack, entry)`, `onRefused(entry, error)` for definite answers; `onStall(error | null)` while retrying. */
  constructor({ connection, queue, board, onAck, onRefused, onStall }) {
    Object.assign(this, { connection, queue, board, onAck, onRefused, onStall });
    this.open = false; // the board may be written to
    this.retries = 0;
    this.pause = null; // a timer, or "over" while replies are still on the way
    this.replyTimer = null;
  }

  /** The link is fresh, and the board joined if it is followed: everything unanswered goes out. */
  begin() {
    this.open = true;
    this.pump();
  }

  /** The link is gone. */
  end() {
    this.open = false;
    clearTimeout(this.pause);
    clearTimeout(this.replyTimer);
    this.pause = null;
    this.queue.rewind();
  }

  pump() {
    if (!this.open || this.pause !== null) return;
    const waiting = this.queue.unanswered.filter((entry) => !entry.sent);
    const now = waiting.slice(0, Math.max(WINDOW - this.queue.inFlight, 0));
    for (const entry of now) entry.sent = true;
    const pairs = now.map((entry) => [this.message(entry), (reply) => this.answered(entry, reply)]);
    for (const frame of frames(pairs, FRAME, ([message]) => sizeOf(message))) this.connection.requests(frame);
    this.watch();
  }

  message({ mutation, op, args, base }) {
    return { type: "mutate", board: this.board, mutation, op, args, base };
  }

  answered(entry, reply) {
    if (reply.type === "ack") {
      this.retries = 0;
      this.onStall(null);
      this.onAck(reply, entry);
    } else if (reply.retry) {
      entry.sent = false;
      this.holdBack(reply);
    } else {
      this.queue.remove(entry);
      this.onRefused(entry, reply);
    }
    if (this.pause === "over") this.resume();
    else this.pump();
  }

  holdBack(error) {
    this.onStall(error);
    if (this.pause !== null) return;
    const backoff = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.retries);
    this.retries += 1;
    const delay = Math.max(error.details?.retry_after_ms ?? 0, backoff) * (1 + Math.random() / 4);
    this.pause = setTimeout(() => this.resume(), delay);
  }

  resume() {
    this.pause = this.queue.inFlight > 0 ? "over" : null;
    this.pump();
    this.watch();
  }

  /** A reply that never comes is a link that is not to be trusted. */
  watch() {
    clearTimeout(this.replyTimer);
    if (this.queue.inFlight === 0) return;
    this.replyTimer = setTimeout(() => this.connection.restart("no reply"), REPLY_MS);
  }
}
