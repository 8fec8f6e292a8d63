// Which cards are shown, and the address that says so. Pure.
//
// A filter: {text, labels: [ids | "none"], assignees: [user ids | "me" | "none"], due: null|"overdue"|"today"|"week"|"any"|
// "none", completed: null|true|false, priority: null|name}. Several labels: any of them; several assignees: any of them;
// all kinds together: each must fit. In the address: ?q= &label= &assignee= &due= &done=yes|no &priority=

export const EMPTY = Object.freeze({
  text: "", labels: Object.freeze([]), assignees: Object.freeze([]), due: null, completed: null, priority: null,
});

const DUES = ["overdue", "today", "week", "any", "none"];
const PRIORITIES = ["none", "low", "medium", "high", "urgent"];
const DONE = { yes: true, no: false };
const DAY_MS = 86_400_000;
const OURS = ["q", "label", "assignee", "due", "done", "priority"];

/** The filter of an address' query; what it does not know counts as not there. */
export function parse(search) {
  const query = new URLSearchParams(search);
  const one = (name, known) => (known.includes(query.get(name)) ? query.get(name) : null);
  return {
    text: query.get("q") ?? "",
    labels: [...new Set(query.getAll("label"))].filter(Boolean),
    assignees: [...new Set(query.getAll("assignee"))].filter(Boolean),
    due: one("due", DUES),
    completed: DONE[query.get("done")] ?? null,
    priority: one("priority", PRIORITIES),
  };
}

/** The query of a filter, with its "?", or "" for none. `search`: of the address now; what is not ours in it stays. */
export function format({ text, labels, assignees, due, completed, priority }, search = "") {
  const query = new URLSearchParams(search);
  for (const name of OURS) query.delete(name);
  if (text.trim() !== "") query.set("q", text);
  for (const label of labels) query.append("label", label);
  for (const assignee of assignees) query.append("assignee", assignee);
  if (due) query.set("due", due);
  if (completed !== null) query.set("done", completed ? "yes" : "no");
  if (priority) query.set("priority", priority);
  const made = query.toString();
  return made ? `?${made}` : "";
}

export function isEmpty(filter) {
  return format(filter) === "";
}

export function equal(one, other) {
  return format(one) === format(other);
}

/**
 * Does a task fit? `now`: ms; `isMe(user)`; `view`: a BoardState, for the names of labels; `nameOf(user)`: for the text.
 * Every word of the text must be in the title, the description, a checklist item, or the name of a label or assignee.
 */
export function matcher(filter, { now, isMe = () => false, view = null, nameOf = () => "" }) {
  const words = fold(filter.text).split(/\s+/).filter(Boolean);
  const label = (id) => view?.labels.get(id)?.name ?? "";
  const tests = [];
  if (words.length > 0) {
    tests.push((task) => {
      const text = textOf(task);
      const names = () => fold([...task.labels.map(label), ...task.assignees.map(nameOf)].join("\n"));
      return words.every((word) => text.includes(word) || names().includes(word));
    });
  }
  if (filter.labels.length > 0) tests.push((task) => anyOf(filter.labels, task.labels));
  if (filter.assignees.length > 0) tests.push((task) => anyOf(filter.assignees, task.assignees, isMe));
  if (filter.completed !== null) tests.push((task) => task.completed === filter.completed);
  if (filter.priority) tests.push((task) => task.priority === filter.priority);
  if (filter.due) tests.push(dueTest(filter.due, now));
  return (task) => tests.every((test) => test(task));
}

function anyOf(wanted, has, isMe = () => false) {
  if (wanted.includes("none") && has.length === 0) return true;
  return has.some((id) => wanted.includes(id) || (wanted.includes("me") && isMe(id)));
}

function dueTest(due, now) {
  const midnight = new Date(now).setHours(24, 0, 0, 0);
  const within = (until) => (task) => task.due_at !== null && !task.completed && task.due_at < until;
  switch (due) {
    case "none": return (task) => task.due_at === null;
    case "any": return (task) => task.due_at !== null;
    case "overdue": return within(now);
    case "today": return within(midnight);
    default: return within(midnight + 6 * DAY_MS);
  }
}

const texts = new WeakMap(); // records never change, so their folded text does not either

function textOf(task) {
  let text = texts.get(task);
  if (text === undefined) {
    text = fold([task.title, task.description, ...task.checklist.map((item) => item.text)].join("\n"));
    texts.set(task, text);
  }
  return text;
}

/** Without regard to case and accents. */
function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
