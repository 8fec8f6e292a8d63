// Keys on the board. Letters work while no text is being typed and no dialog is open.

const ARROWS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };

export class Keyboard {
  constructor({ board, actions, menu, open }) {
    Object.assign(this, { board, actions, menu, open });
    addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const { target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (target.closest("textarea, input, select, dialog, [popover]")) return;
    const card = target.closest(".card");
    const handled = this.arrow(event, card) || this.letter(event, card);
    if (handled) event.preventDefault();
  }

  arrow(event, card) {
    const direction = ARROWS[event.key];
    if (direction === undefined || card === null) return false;
    if (event.shiftKey) this.actions.step(card.dataset.task, direction);
    else this.neighbour(card, direction)?.querySelector(".open").focus();
    return true;
  }

  neighbour(card, direction) {
    if (direction === "up") return card.previousElementSibling;
    if (direction === "down") return card.nextElementSibling;
    const side = direction === "left" ? "previousElementSibling" : "nextElementSibling";
    const index = [...card.parentElement.children].indexOf(card);
    for (let column = card.closest(".column")[side]; column; column = column[side]) {
      const cards = column.querySelectorAll(".card");
      if (cards.length > 0) return cards[Math.min(index, cards.length - 1)];
    }
    return null;
  }

  letter(event, card) {
    const key = event.key.toLowerCase();
    if (key === "n") this.board.compose(event.target.closest(".column")?.dataset.column);
    else if (card === null) return false;
    else if (key === "x") this.actions.toggle(card.dataset.task);
    else if (key === "e") this.open(card.dataset.task);
    else if (key === "m") this.menu.show(card.dataset.task, card, true);
    else if (key === "delete" || key === "backspace") this.remove(card);
    else return false;
    return true;
  }

  remove(card) {
    const next = card.nextElementSibling ?? card.previousElementSibling;
    this.actions.remove(card.dataset.task);
    next?.querySelector(".open")?.focus();
  }
}
