// The comments of one card while somebody looks at them: the newest page at once, older ones when asked for, live
// afterwards, and what is pending here. Event: `change`.

import { withChange, withPage, withPending } from "./comments.js";

const PAGE = 50;

export class Thread extends EventTarget {
  constructor(board, task) {
    super();
    Object.assign(this, { board, task });
    this.known = []; // confirmed ones
    this.more = false; // there are older ones
    this.loading = false;
    this.read = false; // the server has told us some, or that there are none
    this.error = null; // {code, message} of the last try
    this.ears = new AbortController();
    const { signal } = this.ears;
    board.threads.add(this);
    board.addEventListener("log", ({ detail }) => this.take(detail), { signal });
    for (const type of ["change", "status"]) board.addEventListener(type, () => this.changed(), { signal });
    board.addEventListener("joined", () => this.reload(), { signal });
    this.reload();
  }

  /** Oldest first, as this person means them to be. */
  get comments() {
    const { queue, home } = this.board;
    const mine = queue.pending.filter(({ op, args }) => op.startsWith("comment.") && args.task === this.task);
    return withPending(this.known, mine, { id: home.user?.id ?? home.client, name: home.name }, Date.now());
  }

  loadMore() {
    if (this.more && this.known.length > 0) this.ask(this.known[0].id);
  }

  reload() {
    if (this.board.joined) this.ask();
  }

  close() {
    this.ears.abort();
    this.board.threads.delete(this);
  }

  ask(before) {
    if (this.loading === this.board.joinNumber) return;
    const asked = (this.loading = this.board.joinNumber);
    const question = { type: "comments", board: this.board.board, task: this.task, before, limit: PAGE };
    const sent = this.board.connection.request(question, (reply) => {
      if (this.loading === asked) this.loading = false;
      if (reply.type === "error") this.error = reply;
      else this.page(reply, before);
      this.changed();
    });
    if (!sent) this.loading = false;
  }

  page({ comments, more }, before) {
    this.error = null;
    this.read = true;
    this.more = more;
    this.known = withPage(before === undefined ? [] : this.known, comments);
  }

  take(change) {
    if (change.task === this.task) this.known = withChange(this.known, change);
  }

  changed() {
    if (!this.ears.signal.aborted) this.dispatchEvent(new CustomEvent("change"));
  }
}
