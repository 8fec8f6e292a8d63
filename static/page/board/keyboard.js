// Keys on the board. Letters work while no text is being typed and no dialog is open. The table is what `?` shows.

export const KEYS = [
  ["keys.move_about", [["↑ ↓ ← →", "keys.arrows"], ["J K H L", "keys.arrows_letters"], ["Home End", "keys.ends"], ["Enter", "keys.open"]]],
  ["keys.change", [
    ["N", "keys.new"], ["E", "keys.edit"], ["C", "keys.complete"], ["[ ]", "keys.columns"], ["Shift ↑ ↓ ← →", "keys.step"], ["M", "keys.move"], ["Space", "keys.lift"],
    ["A", "keys.assign"], ["X", "keys.select"], ["Delete", "keys.delete"], ["Ctrl Z", "keys.undo"], ["Ctrl Shift Z", "keys.redo"],
  ]],
  ["keys.find", [["/", "keys.search"], ["Ctrl K", "keys.palette"], ["I", "keys.inbox"], ["?", "keys.help"], ["Esc", "keys.escape"]]],
];

const ARROWS = {
  ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", k: "up", j: "down", h: "left", l: "right",
};
const CHANGING = new Set(["c", "e", "m", "a", "x", "[", "]", " ", "Delete", "Backspace"]);
const ENDS = { Home: "first", End: "last" };
const WRITING = "textarea, input:not([type=checkbox])"; // these have an undo of their own
const TYPING = "textarea, input, select, [contenteditable]";

/** What was pressed, whatever CapsLock says. */
const letter = ({ key }) => (key.length === 1 ? key.toLowerCase() : key);

export class Keyboard {
  /** `does`: what each key does, by name (workspace.js). `refuses()`: true, and said, for who may not change cards. */
  constructor({ scope, board, actions, lift, selection, does, refuses }) {
    Object.assign(this, { board, actions, lift, selection, does, refuses });
    scope.on(window, "keydown", (event) => this.key(event));
    scope.on(window, "keyup", (event) => event.key === " " && event.target.matches?.(".card .open") && event.preventDefault());
  }

  key(event) {
    if (event.defaultPrevented || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey) return this.chord(event);
    if (event.altKey || event.target.closest?.(`${TYPING}, dialog, [popover]`)) return;
    const handled = this.lift.task ? this.carried(event) : this.plain(event);
    if (handled) event.preventDefault();
  }

  chord(event) {
    const key = event.key.toLowerCase();
    const inside = event.target.closest?.("dialog:not(.card-dialog), [popover]");
    if (key === "k" && !inside) this.does.palette();
    else if (event.target.closest?.(WRITING) || inside) return;
    else if (key === "z") (event.shiftKey ? this.does.redo : this.does.undo)();
    else if (key === "y") this.does.redo();
    else return;
    event.preventDefault();
  }

  carried(event) {
    const direction = ARROWS[letter(event)];
    if (direction) this.lift.carry(direction);
    else if (event.key === " " || event.key === "Enter") this.lift.drop();
    else if (event.key === "Escape") this.lift.cancel();
    else return event.key.length === 1;
    return true;
  }

  plain(event) {
    const task = this.board.focused;
    return this.arrow(event, task) || this.anywhere(event) || (task !== undefined && this.onCard(event, task));
  }

  arrow(event, task) {
    if (ENDS[event.key]) return task !== undefined && this.board.focus(this.board.neighbour(task, ENDS[event.key]));
    const direction = ARROWS[letter(event)];
    if (direction === undefined) return false;
    if (task === undefined) return this.enter(event, direction);
    if (event.shiftKey && event.key.startsWith("Arrow")) {
      if (!this.refuses()) this.step(task, direction);
      return true;
    }
    const next = this.board.neighbour(task, direction);
    if (next) this.board.focus(next);
    return true;
  }

  /** From nowhere, or from a column's head, an arrow leads to the first card; up from its foot to the last one. */
  enter(event, direction) {
    if (event.target !== document.body && !event.target.closest?.("#board")) return false;
    const column = event.target.closest?.(".column");
    const first = (column ?? document).querySelector(".card:not(.ghost) .open")?.closest(".card").dataset.task;
    const up = direction === "up" && event.target.closest?.(".column-foot");
    if (!first || (column && direction !== "down" && !up)) return false;
    return this.board.focus(up ? this.board.neighbour(first, "last") : first);
  }

  anywhere(event) {
    const { does } = this;
    switch (letter(event)) {
      case "n": this.refuses() || this.board.compose(event.target.closest?.(".column")?.dataset.column); return true;
      case "/": does.search(); return true;
      case "?": does.help(); return true;
      case "i": does.inbox(); return true;
      case "Escape": return does.escape();
      default: return false;
    }
  }

  onCard(event, task) {
    const { does, actions } = this;
    const key = letter(event);
    if (CHANGING.has(key) && this.refuses()) return true;
    switch (key) {
      case "c": this.toggle(task); return true;
      case "e": does.edit(task); return true;
      case "m": does.move(task); return true;
      case "a": does.assign(task); return true;
      case "x": this.selection.toggle(task); return true;
      case "[": this.step(task, "left"); return true;
      case "]": this.step(task, "right"); return true;
      case " ": this.lift.up(task); return true;
      case "Delete": case "Backspace": this.remove(task); return true;
      default: return false;
    }
  }

  // -- what is done to one of the selected cards is done to all of them

  chosen(task) {
    return this.selection.has(task) ? this.does.selected() : [task];
  }

  toggle(task) {
    const ids = this.chosen(task);
    if (ids.length === 1) this.actions.toggle(task);
    else this.actions.toggleAll(ids, !this.actions.task(task).completed);
  }

  step(task, direction) {
    const ids = this.chosen(task);
    const there = this.actions.columnBeside(this.actions.task(task).column, direction);
    if (ids.length === 1) this.actions.step(task, direction);
    else if (there) this.actions.moveAll(ids, there.id, null);
  }

  remove(task) {
    const ids = this.chosen(task);
    const next = this.board.neighbour(task, "down") ?? this.board.neighbour(task, "up");
    this.actions.removeAll(ids);
    this.selection.clear();
    if (next && !ids.includes(next)) this.board.focus(next);
  }
}
