// Which cards each column shows, in order: those that the filter lets pass, with a lifted card where it hovers.

import { EMPTY, isEmpty } from "../../client/filter.js";

export class Shown {
  constructor() {
    this.filter = EMPTY;
    this.match = null; // (task) → boolean; null shows all
    this.lifted = null; // {task, column, after}: drawn there, not moved yet; `after`: ids of the cards above, the nearest first
    this.kept = new Map(); // column → {source, match, list}
  }

  filterBy(filter, match) {
    this.filter = filter;
    this.match = isEmpty(filter) ? null : match;
  }

  /** The tasks of `column` as they are shown. The same array while nothing in it has changed. */
  in(view, column) {
    const list = this.passed(view, column);
    if (this.lifted === null) return list;
    const rest = list.filter((task) => task.id !== this.lifted.task);
    const task = view.tasks.get(this.lifted.task);
    if (this.lifted.column === column && task) rest.splice(this.hovering(rest), 0, task);
    return rest;
  }

  /** Where among `others` the lifted card hovers: below the nearest of those that it was below, whatever came or went. */
  hovering(others) {
    for (const id of this.lifted.after) {
      const index = others.findIndex((task) => task.id === id);
      if (index >= 0) return index + 1;
    }
    return 0;
  }

  passed(view, column) {
    const source = view.tasksIn(column);
    if (this.match === null) return source;
    const known = this.kept.get(column);
    if (known?.source === source && known.match === this.match) return known.list;
    const list = source.filter(this.match);
    this.kept.set(column, { source, match: this.match, list });
    return list;
  }
}
