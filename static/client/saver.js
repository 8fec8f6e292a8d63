// Keeps the last known state of a board for the next visit: shown at once, also without a link. It may be old; what
// is missing comes with the join. One text a board: written and read in one go, never half.
//
// The boards that were looked at longest ago make room when there are too many, or when the browser wants space.

const QUIET_MS = 2000; // after the last change
const LONGEST_MS = 20_000; // while changes go on
const BOARDS = 30;

export class Saver {
  /** `state()`: the BoardState to keep, or null when there is none worth it. */
  constructor(store, board, state) {
    Object.assign(this, { store, board, state });
    this.timer = null;
    this.since = 0; // when the first change came that is not saved
    this.saved = null;
  }

  /** `{seq, epoch, info, columns, labels, members, tasks}` or null. */
  async load() {
    try {
      const kept = await this.store.get("states", this.board);
      return kept === undefined ? null : JSON.parse(kept.json);
    } catch {
      return null; // unreadable: the server has it
    }
  }

  /** Something has changed. */
  soon() {
    if (!this.store.kept) return;
    const now = performance.now();
    if (this.timer === null) this.since = now;
    else if (now - this.since > LONGEST_MS) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), QUIET_MS);
  }

  /** It is not for us to see any more. */
  drop() {
    clearTimeout(this.timer);
    this.timer = this.saved = null;
    this.store.write([["states", "delete", this.board]]).catch(() => {}); // then it goes with the next one
  }

  /** Writes, unless it is written already. */
  now() {
    clearTimeout(this.timer);
    this.timer = null;
    const state = this.state();
    const print = state && `${state.epoch}:${state.seq}`;
    if (!this.store.kept || state === null || print === this.saved) return;
    this.saved = print;
    const kept = { board: this.board, at: Date.now(), json: JSON.stringify(state.parts()) };
    this.store.write([["states", "put", kept]]).then(
      () => makeRoom(this.store, BOARDS),
      () => {
        this.saved = null;
        return makeRoom(this.store, 0, this.board);
      },
    );
  }
}

/** Throws saved states away until `most` are left, the oldest first; `except` stays. It is no loss, only slower. */
export async function makeRoom(store, most, except) {
  const boards = await store.keys("states").catch(() => []);
  if (boards.length <= most) return;
  const states = (await store.all("states").catch(() => [])).filter(({ board }) => board !== except);
  states.sort((a, b) => b.at - a.at);
  await store.write(states.slice(most).map(({ board }) => ["states", "delete", board])).catch(() => {});
}
