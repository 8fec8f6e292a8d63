// Texts that are being written. Kept on this machine until they are sent or thrown away.

export class Drafts {
  /** `name`: of the store (store.js), so that everybody finds their own. */
  constructor(name, board, storage = localStorage) {
    this.prefix = `${name}.draft.${board}.`;
    this.storage = storage;
    this.known = new Map();
  }

  key(id) {
    return this.prefix + id;
  }

  get(id) {
    if (!this.known.has(id)) this.known.set(id, this.read(id));
    return this.known.get(id);
  }

  read(id) {
    try {
      return JSON.parse(this.storage.getItem(this.key(id)));
    } catch {
      return null;
    }
  }

  set(id, draft) {
    this.known.set(id, draft);
    try {
      this.storage.setItem(this.key(id), JSON.stringify(draft));
    } catch {
      // the storage is full or forbidden: the draft lives as long as the page
    }
  }

  drop(id) {
    this.known.set(id, null);
    this.storage.removeItem(this.key(id));
  }
}
