// Who is who: names by user id, as they were last seen. Without accounts each tab is a user of its own, so "me" is
// every id that this browser has had, and people of one name are shown as one.

const NAMES = "names";
const SELVES = "selves";
const KEPT = 1000; // names
const KEPT_SELVES = 200;
const SAVE_MS = 2000;

export class Directory extends EventTarget {
  constructor(facts) {
    super();
    this.facts = facts;
    this.names = new Map(facts.get(NAMES) ?? []); // the last seen at the end
    this.selves = new Set(facts.get(SELVES) ?? []);
    this.unknown = "?"; // the page says it in its language
    this.timer = null;
    facts.addEventListener("change", ({ detail }) => this.toldBy(detail));
  }

  /** The last name seen for `id`, else `unknown`: nobody is called by their id. */
  name(id) {
    return this.names.get(id) ?? this.unknown;
  }

  isMe(id) {
    return this.selves.has(id);
  }

  /** The server has told us who we are. */
  me({ id, name }) {
    this.learn({ id, name });
    if (this.selves.has(id)) return;
    this.selves.add(id);
    this.facts.set(SELVES, [...this.selves].slice(-KEPT_SELVES));
  }

  /** Somebody, or something that does things to boards, was seen: {id, name}. */
  learn({ id, name }) {
    if (!id || !name || this.names.get(id) === name) return;
    this.names.delete(id);
    this.names.set(id, name);
    if (this.names.size > KEPT) this.names.delete(this.names.keys().next().value);
    this.timer ??= setTimeout(() => this.save(), SAVE_MS);
    this.dispatchEvent(new CustomEvent("change"));
  }

  /**
   * The people of a board, for pickers: `[{id, name, me, here, ids}…]`, one for each name: me first, then those who are
   * here, then by name. `id` is the one to assign. `board`: a BoardClient.
   */
  people(board) {
    const found = new Map();
    const add = (id, name, here) => {
      const me = this.isMe(id);
      const key = me ? SELVES : here || this.names.has(id) ? name : id;
      const person = found.get(key) ?? { id, name, me, here: false, ids: [] };
      if (!person.ids.includes(id)) person.ids.push(id);
      if (here && !person.here) Object.assign(person, { id, name, here });
      found.set(key, person);
    };
    if (board.user) add(board.user.id, board.name || board.user.name, true);
    for (const { user, kind } of board.people.values()) if (kind !== "device") add(user.id, user.name, true);
    for (const id of assigned(board.view)) add(id, this.name(id), false);
    for (const id of board.view?.members.keys() ?? []) if (this.names.has(id)) add(id, this.name(id), false);
    return [...found.values()].sort((a, b) => b.me - a.me || b.here - a.here || (a.name < b.name ? -1 : 1));
  }

  /** Writes what is not written yet. */
  saveNow() {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.save();
  }

  save() {
    this.timer = null;
    this.facts.set(NAMES, [...this.names]);
  }

  toldBy({ key, value }) {
    if (key === SELVES) for (const id of value) this.selves.add(id);
    if (key === NAMES) for (const [id, name] of value) if (!this.names.has(id)) this.names.set(id, name);
  }
}

function assigned(view) {
  const ids = new Set();
  for (const task of view?.tasks.values() ?? []) for (const id of task.assignees) ids.add(id);
  return ids;
}
