// What this browser keeps for Boardcast: IndexedDB, or, where it is forbidden or broken, memory for as long as the
// page lives (`kept` is false then, and people are told).
//
// Where there are accounts everybody has a store of their own: what one did not send, and was shown, is not for whoever
// signs in next, and is there when they come back. `name` tells them apart; locks and channels are named after it, too.
//
// Shelves and the key of what lies on them:
//   queue     [client, board, n]   unsent changes, one queue for each tab and board (queue.js)
//   states    board                the last known state of a board, as JSON (saver.js)
//   refusals  mutation             what the server refused (refusals.js)
//   inbox     id                   what concerns this person (inbox.js)
//   facts     key                  small things: "visit:<board>", "star:<board>", "follow:<board>/<task>", "names" …

const NAME = "boardcast";
export const nameOf = (owner) => (owner ? `${NAME}.${owner}` : NAME);
const VERSION = 1;
const SHELVES = { queue: ["client", "board", "n"], states: "board", refusals: "mutation", inbox: "id", facts: "key" };
const OPEN_MS = 4000; // a broken profile may never answer

/** Opens the store of an owner; "": of all who come. Never fails: without IndexedDB it is one in memory. */
export async function openStore(owner = "", indexed = globalThis.indexedDB) {
  const name = nameOf(owner);
  try {
    return new Store(name, await openDatabase(name, indexed));
  } catch (error) {
    return new MemoryStore(error, name);
  }
}

function openDatabase(name, indexed = globalThis.indexedDB) {
  return new Promise((resolve, reject) => {
    const request = indexed.open(name, VERSION);
    const timer = setTimeout(() => reject(new Error("IndexedDB does not answer")), OPEN_MS);
    request.onupgradeneeded = () => {
      for (const [shelf, keyPath] of Object.entries(SHELVES)) request.result.createObjectStore(shelf, { keyPath });
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
}

class Store {
  constructor(name, database) {
    this.name = name;
    this.kept = true;
    this.over = false;
    this.take(database);
  }

  take(database) {
    this.database = database;
    database.onversionchange = () => database.close(); // a newer page wants it; this one goes on until it is reloaded
  }

  /** Its owner has signed out: what they kept was taken away, and nothing may come after it. */
  end() {
    this.over = true;
    this.database.close();
  }

  /** Everything on a shelf; `prefix`: only keys that begin with these parts. */
  all(shelf, prefix) {
    return this.ask(shelf, (store) => store.getAll(range(shelf, prefix)));
  }

  keys(shelf, prefix) {
    return this.ask(shelf, (store) => store.getAllKeys(range(shelf, prefix)));
  }

  /** One thing, or undefined. */
  get(shelf, key) {
    return this.ask(shelf, (store) => store.get(key));
  }

  async ask(shelf, question) {
    const request = question((await this.begin([shelf], "readonly")).objectStore(shelf));
    return new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  /** `[[shelf, "put", thing] | [shelf, "delete", key] …]`: all or nothing. Rejects with `QuotaExceededError` and others. */
  async write(steps) {
    if (steps.length === 0) return;
    const transaction = this.started([...new Set(steps.map(([shelf]) => shelf))]);
    await this.carryOut(transaction instanceof Promise ? await transaction : transaction, steps);
  }

  carryOut(transaction, steps) {
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("the browser gave up writing"));
      try {
        for (const [shelf, verb, what] of steps) transaction.objectStore(shelf)[verb](what);
      } catch (error) {
        transaction.abort();
        reject(error);
        return;
      }
      transaction.commit?.(); // not waiting for the answers: it is kept even when the page goes away now
    });
  }

  /** A transaction at once, where the database is open: a page that goes away has no time for more. */
  started(shelves) {
    try {
      return this.database.transaction(shelves, "readwrite");
    } catch {
      return this.begin(shelves, "readwrite");
    }
  }

  async begin(shelves, mode) {
    try {
      return this.database.transaction(shelves, mode);
    } catch {
      if (this.over) throw new Error("signed out");
      this.take(await openDatabase(this.name)); // the browser closed it: its data were cleared
      return this.database.transaction(shelves, mode);
    }
  }
}

/** The same in memory. */
export class MemoryStore {
  /** `reason`: why nothing is kept. */
  constructor(reason = null, name = NAME) {
    Object.assign(this, { kept: false, reason, name });
    this.shelves = Object.fromEntries(Object.keys(SHELVES).map((shelf) => [shelf, new Map()]));
  }

  async all(shelf, prefix) {
    return this.sorted(shelf, prefix).map(([, thing]) => structuredClone(thing));
  }

  async keys(shelf, prefix) {
    return this.sorted(shelf, prefix).map(([name]) => JSON.parse(name));
  }

  end() {
    for (const shelf of Object.values(this.shelves)) shelf.clear();
  }

  async get(shelf, key) {
    return structuredClone(this.shelves[shelf].get(JSON.stringify(key)));
  }

  async write(steps) {
    for (const [shelf, verb, what] of steps) {
      if (verb === "delete") this.shelves[shelf].delete(JSON.stringify(what));
      else this.shelves[shelf].set(JSON.stringify(keyOf(shelf, what)), structuredClone(what));
    }
  }

  sorted(shelf, prefix = []) {
    const fits = (key) => (Array.isArray(prefix) ? prefix.every((part, i) => key[i] === part) : key.startsWith(prefix));
    const order = (a, b) => {
      const at = a.findIndex((part, i) => part !== b[i]);
      return at < 0 ? 0 : a[at] < b[at] ? -1 : 1;
    };
    return [...this.shelves[shelf]]
      .filter(([name]) => fits(JSON.parse(name)))
      .sort(([a], [b]) => order([JSON.parse(a)].flat(), [JSON.parse(b)].flat()));
  }
}

function keyOf(shelf, thing) {
  const path = SHELVES[shelf];
  return Array.isArray(path) ? path.map((name) => thing[name]) : thing[path];
}

/** `prefix`: the first parts of a key that is a list, or how a key that is a text begins. */
function range(shelf, prefix) {
  if (prefix === undefined) return undefined;
  if (Array.isArray(prefix)) return IDBKeyRange.bound(prefix, [...prefix, []]);
  return IDBKeyRange.bound(prefix, `${prefix}\uffff`);
}
