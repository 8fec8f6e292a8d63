// What a person can do to a card, from wherever they do it.

export class Actions {
  constructor(client, toasts) {
    Object.assign(this, { client, toasts });
  }

  get view() {
    return this.client.view;
  }

  create(column, title) {
    this.client.mutate("task.create", { task: this.client.newId("t"), title, column });
  }

  toggle(id) {
    const task = this.view.tasks.get(id);
    if (task) this.client.mutate("task.update", { task: id, completed: !task.completed });
  }

  /** Puts a card behind `after` (null: on top, undefined: at the end) unless it is there already. */
  move(id, column, after) {
    const task = this.view.tasks.get(id);
    if (task === undefined) return;
    const list = this.view.tasksIn(column);
    const others = list.filter((other) => other.id !== id);
    const wanted = after === undefined ? (others.at(-1)?.id ?? null) : after;
    const index = list.findIndex((other) => other.id === id);
    const now = task.column === column ? (list[index - 1]?.id ?? null) : undefined;
    if (now === wanted) return;
    const args = { task: id, column };
    if (after !== undefined) args.after = after;
    this.client.mutate("task.move", args);
  }

  /** One step: "up" or "down" in its column, "left" or "right" to the top of the next one. */
  step(id, direction) {
    const task = this.view.tasks.get(id);
    if (task === undefined) return;
    const list = this.view.tasksIn(task.column);
    const index = list.findIndex((other) => other.id === id);
    if (direction === "up" && index > 0) this.move(id, task.column, list[index - 2]?.id ?? null);
    if (direction === "down" && index < list.length - 1) this.move(id, task.column, list[index + 1].id);
    const columns = this.view.sortedColumns();
    const here = columns.findIndex((column) => column.id === task.column);
    const there = columns[here + { left: -1, right: 1 }[direction]];
    if (there) this.move(id, there.id, null);
  }

  remove(id) {
    const task = this.view.tasks.get(id);
    if (task === undefined) return;
    this.client.mutate("task.delete", { task: id });
    const undo = () => this.client.mutate("task.restore", { task: id });
    this.toasts.show(`Deleted “${short(task.title)}”`, { actions: [["Undo", undo]] });
  }
}

export function short(text, length = 60) {
  const letters = [...text];
  return letters.length > length ? `${letters.slice(0, length - 1).join("")}…` : text;
}
