// Lets cards slide to their new places instead of jumping there.

const MOST = 300; // on larger boards measuring costs more than sliding is worth
const STYLE = { duration: 220, easing: "cubic-bezier(.2, .8, .2, 1)" };

export class Slide {
  constructor() {
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.places = null;
  }

  before(cards) {
    this.places = null;
    if (this.calm.matches || cards.size > MOST || document.hidden) return;
    this.places = new Map([...cards].map(([id, card]) => [id, card.getBoundingClientRect()]));
  }

  after(cards) {
    if (this.places === null) return;
    const moves = [...cards].map(([id, card]) => [card, this.places.get(id), card.getBoundingClientRect()]);
    for (const [card, old, now] of moves) {
      if (old === undefined || old.width === 0 || now.width === 0) continue;
      const [x, y] = [old.left - now.left, old.top - now.top];
      if (Math.abs(x) + Math.abs(y) < 2 || Math.abs(y) > 2 * innerHeight) continue;
      card.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], STYLE);
    }
  }
}
