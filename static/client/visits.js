// What changed since I was here: how far this browser has seen each board, and a digest of what came after.

import { changesOf } from "./api.js";
import { digest } from "./digest.js";

const PREFIX = "visit:";
const MOST = 500; // changes that are read

export class Visits {
  constructor(facts, directory) {
    Object.assign(this, { facts, directory });
    this.before = new Map(); // board → how far it had been seen when somebody came to look
    this.told = new Map(); // board → the last digest that was not empty
  }

  /** The boards that were visited, the latest first: `[{board, at}…]`. */
  get recent() {
    const all = this.facts.under(PREFIX).map(([key, { at }]) => ({ board: key.slice(PREFIX.length), at }));
    return all.sort((a, b) => b.at - a.at);
  }

  /** Somebody comes to look: what has been seen until now, in any tab, is what `since` compares with. */
  begin(board) {
    this.before.set(board, this.facts.get(PREFIX + board) ?? null);
  }

  /** It has been seen as far as it is shown now. `board`: a BoardClient. */
  mark(board) {
    if (board.loaded !== "live") return;
    const { seq, epoch } = board.confirmed;
    const known = this.facts.get(PREFIX + board.board);
    const further = known?.epoch === epoch && known.seq > seq; // in another tab
    this.facts.set(PREFIX + board.board, { seq: further ? known.seq : seq, epoch, at: Date.now() });
  }

  /** What `since` tells has been read. */
  read(board) {
    this.mark(board);
    this.before.set(board.board, this.facts.get(PREFIX + board.board));
  }

  /**
   * null: the first visit, another history, or nothing new; else `{at, changes, more, tasks}`, `tasks` as `digest` gives
   * them. Await the board's first `joined`. Rejects as `api.js` does.
   */
  async since(board) {
    const visit = this.before.get(board.board) ?? null;
    if (visit === null || board.confirmed?.epoch !== visit.epoch || board.head <= visit.seq) return null;
    const { items, more } = await changesOf(board.board, { since: visit.seq, limit: MOST });
    const mine = ({ actor, client }) => client === board.client || this.directory.isMe(actor.id);
    const news = items.filter((change) => !mine(change));
    for (const { actor } of news) this.directory.learn(actor);
    const tasks = digest(news, { view: board.view, mine: () => false });
    if (tasks.length === 0) return null;
    this.told.set(board.board, { at: visit.at, changes: news.length, more, tasks });
    return this.told.get(board.board);
  }
}
