// Small things that all tabs of this browser agree on: kept in the store, told to the other tabs at once.
//
//   facts.get("star:demo") · facts.set("star:demo", true) · facts.drop("star:demo")
// Event: `change` {detail: {key, value}} (value undefined: dropped), here and in the other tabs.

export class Facts extends EventTarget {
  /** Reads all of them. */
  static async open(store) {
    const facts = new Facts(store);
    for (const { key, value } of await store.all("facts").catch(() => [])) facts.known.set(key, value);
    return facts;
  }

  constructor(store) {
    super();
    this.store = store;
    this.known = new Map();
    this.channel = new Channel(store, "facts", ({ key, value }) => this.take(key, value));
  }

  get(key) {
    return this.known.get(key);
  }

  /** `[key, value]` of the keys that begin so. */
  under(prefix) {
    return [...this.known].filter(([key]) => key.startsWith(prefix));
  }

  set(key, value) {
    this.take(key, value);
    this.channel.say({ key, value });
    this.store.write([["facts", "put", { key, value }]]).catch(() => {}); // then it is known as long as the tabs live
  }

  drop(key) {
    this.take(key, undefined);
    this.channel.say({ key, value: undefined });
    this.store.write([["facts", "delete", key]]).catch(() => {});
  }

  take(key, value) {
    if (value === undefined) this.known.delete(key);
    else this.known.set(key, value);
    this.dispatchEvent(new CustomEvent("change", { detail: { key, value } }));
  }
}

/** Says things to the same topic in the other tabs of this browser that have the same store. */
export class Channel {
  constructor(store, topic, heard) {
    this.topic = topic;
    this.line = globalThis.BroadcastChannel ? new BroadcastChannel(store.name) : null;
    if (this.line) this.line.onmessage = ({ data }) => data.topic === topic && heard(data.what);
  }

  say(what) {
    this.line?.postMessage({ topic: this.topic, what });
  }

  close() {
    this.line?.close();
  }
}
