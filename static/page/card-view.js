// One card. It is made once and brought up to date; only what differs is touched.

import { h, icon, setText } from "./dom.js";
import { inline } from "./inline.js";
import { avatar, names } from "./people.js";

const PRIORITIES = { low: "Low", medium: "Medium", high: "High", urgent: "Urgent" };

export function makeCard(id) {
  const check = h("button", { class: "check", type: "button", "data-do": "toggle" }, icon("check"));
  const open = h("button", { class: "open", type: "button", "data-do": "open", "aria-haspopup": "dialog" });
  const more = h("button", {
    class: "more quiet", type: "button", "data-do": "menu", "aria-label": "Card menu", "aria-haspopup": "menu",
  }, icon("more"));
  const body = h("div", { class: "card-body" }, open, h("p", { class: "excerpt" }), h("div", { class: "meta" }));
  return h("li", { class: "card", "data-task": id }, check, body, more);
}

/** `extra`: {pending, draft, people}: what the card shows beside the task itself. */
export function updateCard(card, task, view, extra) {
  const print = fingerprint(view, task, extra);
  if (card.task === task && card.print === print) return;
  card.task = task;
  card.print = print;
  card.classList.toggle("completed", task.completed);
  card.classList.toggle("pending", extra.pending);
  const check = card.querySelector(".check");
  check.setAttribute("role", "checkbox");
  check.setAttribute("aria-checked", String(task.completed));
  check.setAttribute("aria-label", `${task.completed ? "Completed" : "Complete"}: ${task.title}`);
  setText(card.querySelector(".open"), task.title);
  const excerpt = card.querySelector(".excerpt");
  if (excerpt.shown !== task.description) excerpt.replaceChildren(...inline(task.description.slice(0, 200)));
  excerpt.shown = task.description;
  excerpt.hidden = task.description === "";
  const meta = card.querySelector(".meta");
  meta.replaceChildren(...details(task, view, extra));
  meta.hidden = meta.childElementCount === 0;
}

function fingerprint(view, task, { pending, draft, people }) {
  const who = people.map((person) => person.session + person.user.name + (person.typing ?? "")).join();
  const labels = task.labels.map((label) => JSON.stringify(view.labels.get(label))).join();
  return `${pending}${draft}${who}${labels}`;
}

function details(task, view, { pending, draft, people }) {
  const parts = [];
  for (const id of task.labels) if (view.labels.has(id)) parts.push(label(view.labels.get(id)));
  if (task.priority !== "none") {
    parts.push(h("span", { class: `priority ${task.priority}` }, icon("flag"), PRIORITIES[task.priority]));
  }
  if (task.due_at !== null) parts.push(h("span", {}, icon("clock"), due(task.due_at)));
  if (task.checklist.length > 0) {
    const done = task.checklist.filter((item) => item.done).length;
    parts.push(h("span", {}, icon("list"), `${done}/${task.checklist.length}`));
  }
  if (task.comments > 0) parts.push(h("span", {}, icon("comment"), String(task.comments)));
  if (draft) parts.push(h("span", { class: "draft" }, icon("pencil"), "Draft"));
  if (pending) parts.push(h("span", { class: "unsent", title: "Not on the server yet" }, icon("clock"), "Unsent"));
  if (people.length > 0) parts.push(company(people));
  return parts;
}

function label({ name, color }) {
  const chip = h("span", { class: "label" }, name);
  chip.style.setProperty("--label", color);
  return chip;
}

function due(at) {
  const sameYear = new Date(at).getFullYear() === new Date().getFullYear();
  const style = { day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }) };
  return new Intl.DateTimeFormat(undefined, style).format(at);
}

function company(people) {
  const typing = people.filter((person) => person.typing);
  const text = typing.length > 0 ? `${names(typing)} ${typing.length > 1 ? "are" : "is"} typing…` : "";
  const row = h("span", { class: "company", title: `${names(people)} here` }, text);
  row.append(...people.slice(0, 3).map((person) => avatar(person.user)));
  return row;
}
