// Tells the others which card and field this person is in. Quiet when nothing is typed for a while.

const AGAIN_MS = 3000; // the server forgets "typing" after some seconds, so it is said again
const IDLE_MS = 4000;

export class Typing {
  constructor(client) {
    this.client = client;
    this.here = {};
    this.said = 0;
    this.timer = null;
  }

  /** `{task, field}` of where the person is, or `{}`. `quietly`: not worth saying when it is the same as before. */
  at(here, quietly = false) {
    if (quietly && here.task === this.here.task && here.field === this.here.field) return;
    clearTimeout(this.timer);
    this.said = 0;
    this.here = here;
    this.client.look(here);
  }

  /** A key was struck. */
  stroke() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.at(this.here), IDLE_MS);
    if (performance.now() - this.said < AGAIN_MS && this.said > 0) return;
    this.said = performance.now();
    this.client.look({ ...this.here, typing: true });
  }
}
