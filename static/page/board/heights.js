// How high cards are, as the browser tells it after it has laid them out: to ask would make it do so in the middle
// of a drawing, once for each column.

export class Heights {
  constructor() {
    this.known = new Map(); // task id → px
    this.sum = 0;
    this.observer = new ResizeObserver((sizes) => sizes.forEach(({ target, borderBoxSize: [{ blockSize }] }) => this.learn(target, blockSize)));
  }

  /** Of a card that was never drawn: as the others are, or `guess`. */
  usual(guess) {
    return this.known.size > 0 ? this.sum / this.known.size : guess;
  }

  of(task) {
    return this.known.get(task);
  }

  watch(card) {
    this.observer.observe(card, { box: "border-box" });
  }

  /** The element is not used any more; how high it was is still known. */
  unwatch(card) {
    this.observer.unobserve(card);
  }

  /** Forgets tasks that are not there any more, once they are many. */
  tidy(tasks) {
    if (this.known.size <= 2 * tasks.size + 200) return;
    for (const id of [...this.known.keys()]) if (!tasks.has(id)) this.known.delete(id);
    this.sum = [...this.known.values()].reduce((sum, height) => sum + height, 0);
  }

  learn(card, height) {
    if (height === 0 || card.classList.contains("away")) return; // not in the page, or not as a card
    const id = card.dataset.task;
    this.sum += height - (this.known.get(id) ?? 0);
    this.known.set(id, height);
  }

  end() {
    this.observer.disconnect();
  }
}
