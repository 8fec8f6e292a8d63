// What the server refused for good: kept with its reason and its texts until the person has seen to it. All tabs of
// this browser show the same list. Events: `change`, `arrived` {detail: {refusal}}.
//
// A refusal: {mutation, board, at, op, args, base?, error: {code, message, details?}, title, texts: [{field, text}…]}.

import { Channel } from "./facts.js";

const MOST = 500;
const TEXTS = ["title", "description", "text", "name"];

export class Refusals extends EventTarget {
  static async open(store) {
    const refusals = new Refusals(store);
    refusals.known = await store.all("refusals").catch(() => []);
    return refusals;
  }

  constructor(store) {
    super();
    this.store = store;
    this.known = [];
    this.channel = new Channel(store, "refusals", (told) => this.told(told));
  }

  /** The latest first. */
  get items() {
    return [...this.known].sort((a, b) => b.at - a.at);
  }

  /** An entry of the queue (queue.js) and the error that it got. */
  add(board, { mutation, op, args, base, title }, { code, message, details }) {
    const error = { code, message, details };
    const refusal = { mutation, board, at: Date.now(), op, args, base, error, title, texts: textsOf(args) };
    this.take(refusal);
    this.channel.say({ refusal });
    const steps = [["refusals", "put", refusal], ...this.overflow().map((name) => ["refusals", "delete", name])];
    this.store.write(steps).catch(() => {}); // then it is shown as long as the page lives
    this.dispatchEvent(new CustomEvent("arrived", { detail: { refusal } }));
  }

  dismiss(mutation) {
    this.told({ gone: [mutation] });
    this.channel.say({ gone: [mutation] });
    this.store.write([["refusals", "delete", mutation]]).catch(() => {});
  }

  dismissAll() {
    const gone = this.known.map(({ mutation }) => mutation);
    this.told({ gone });
    this.channel.say({ gone });
    this.store.write(gone.map((mutation) => ["refusals", "delete", mutation])).catch(() => {});
  }

  told({ refusal, gone = [] }) {
    this.known = this.known.filter(({ mutation }) => !gone.includes(mutation));
    if (refusal) this.take(refusal);
    else this.dispatchEvent(new CustomEvent("change"));
  }

  take(refusal) {
    this.known = [...this.known.filter(({ mutation }) => mutation !== refusal.mutation), refusal];
    this.dispatchEvent(new CustomEvent("change"));
  }

  overflow() {
    const old = this.items.slice(MOST).map(({ mutation }) => mutation);
    this.known = this.known.filter(({ mutation }) => !old.includes(mutation));
    return old;
  }
}

/** What somebody wrote in a mutation's args: `[{field, text}…]`. */
export function textsOf(args) {
  const own = TEXTS.filter((field) => args[field]).map((field) => ({ field, text: args[field] }));
  return [...own, ...(args.checklist ?? []).map(({ text }) => ({ field: "checklist", text }))];
}
