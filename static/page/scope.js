// What lives as long as one view: its listeners and elements go together.

export class Scope {
  constructor() {
    this.controller = new AbortController();
    this.endings = [];
  }

  /** As addEventListener, until the scope ends. */
  on(target, type, listener, options = {}) {
    target.addEventListener(type, listener, { ...options, signal: this.controller.signal });
  }

  /** Appends `element`; it is removed when the scope ends. */
  add(element, parent = document.body) {
    parent.append(element);
    this.endings.push(() => element.remove());
    return element;
  }

  /** `run()` when the scope ends. */
  ending(run) {
    this.endings.push(run);
  }

  end() {
    this.controller.abort();
    for (const run of this.endings.splice(0).reverse()) run();
  }
}
