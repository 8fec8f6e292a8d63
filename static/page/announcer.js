// Says what happened to those who do not see it. What others do is gathered and said at most every few seconds.

const GATHER_MS = 1500;
const MOST = 3; // single sentences; more than this are counted

export class Announcer {
  /** `many(n)`: the sentence for n changes at once. */
  constructor(region, many) {
    Object.assign(this, { region, many });
    this.heard = [];
    this.timer = null;
  }

  /** At once: an answer to what the person did. */
  say(text) {
    this.region.replaceChildren(text);
  }

  /** Soon, together with what else happens. */
  mention(text) {
    this.heard.push(text);
    this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  flush() {
    const heard = this.heard.splice(0);
    this.timer = null;
    this.say(heard.length > MOST ? this.many(heard.length) : heard.join(" "));
  }
}
