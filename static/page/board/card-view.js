// One card. It is made once and brought up to date; only what differs is touched.

import { h, icon, setText } from "../dom.js";
import { formatTime, t } from "../i18n.js";
import { excerpt } from "../inline.js";
import { chip } from "../labels.js";
import { avatar, names } from "../people.js";
import { dueState, shortDay } from "../days.js";
import { devicePrint, deviceParts } from "../readings/badge.js";

export function makeCard(id) {
  const check = h("button", { class: "check", type: "button", tabindex: "-1", "data-do": "toggle", role: "checkbox" }, icon("check"));
  const open = h("button", { class: "open", type: "button", tabindex: "-1", "data-do": "open", "aria-haspopup": "dialog" });
  const more = h("button", {
    class: "more quiet", type: "button", tabindex: "-1", "data-do": "menu", "aria-label": t("card.menu"), "aria-haspopup": "menu",
  }, icon("more"));
  const labels = h("div", { class: "labels" });
  const body = h("div", { class: "card-body" }, labels, open, h("p", { class: "excerpt" }), h("div", { class: "meta" }));
  return h("li", { class: "card", "data-task": id }, check, body, more);
}

/** `extra`: {pending, draft, people, selected, lifted, mayEdit, name(id)}: what the card shows beside the task itself. */
export function updateCard(card, task, view, extra) {
  const print = fingerprint(view, task, extra);
  if (card.task === task && card.print === print) return;
  card.task = task;
  card.print = print;
  card.classList.toggle("completed", task.completed);
  card.classList.toggle("pending", extra.pending);
  card.classList.toggle("selected", extra.selected);
  card.classList.toggle("lifted", extra.lifted);
  const check = card.querySelector(".check");
  check.disabled = !extra.mayEdit;
  check.setAttribute("aria-checked", String(task.completed));
  check.setAttribute("aria-label", t(task.completed ? "card.completed_named" : "card.complete_named", { title: task.title }));
  const open = card.querySelector(".open");
  setText(open, task.title);
  if (extra.selected) open.setAttribute("aria-description", t("card.selected"));
  else open.removeAttribute("aria-description");
  const text = card.querySelector(".excerpt");
  if (text.shown !== task.description) text.replaceChildren(...excerpt(task.description));
  text.shown = task.description;
  text.hidden = task.description === "";
  fill(card.querySelector(".labels"), task.labels.filter((id) => view.labels.has(id)).map((id) => chip(view.labels.get(id))));
  fill(card.querySelector(".meta"), details(task, view, extra));
}

function fill(row, parts) {
  row.replaceChildren(...parts);
  row.hidden = parts.length === 0;
}

function fingerprint(view, task, { pending, draft, people, selected, lifted, mayEdit, name }) {
  const who = people.map((person) => person.session + person.user.name + (person.typing ?? "")).join();
  const labels = task.labels.map((id) => JSON.stringify(view.labels.get(id))).join();
  const due = task.due_at === null ? "" : dueState(task.due_at, task.completed) + shortDay(task.due_at);
  return `${pending}${draft}${selected}${lifted}${mayEdit}${due}|${who}|${labels}|${task.assignees.map(name).join()}|${devicePrint(task, view)}`;
}

function details(task, view, { pending, draft, people, name }) {
  const parts = deviceParts(task, view);
  if (task.priority !== "none") {
    parts.push(h("span", { class: `priority ${task.priority}` }, icon("flag"), t(`priority.${task.priority}`)));
  }
  if (task.due_at !== null) parts.push(dueBadge(task));
  if (task.checklist.length > 0) parts.push(progress(task.checklist));
  if (task.comments > 0) {
    parts.push(h("span", { title: t("card.comments", { n: task.comments }) }, icon("comment"), String(task.comments)));
  }
  if (draft) parts.push(h("span", { class: "draft" }, icon("pencil"), t("draft")));
  if (pending) parts.push(h("span", { class: "unsent", title: t("unsent_hint") }, icon("clock"), t("unsent")));
  if (people.length > 0) parts.push(company(people));
  if (task.assignees.length > 0) parts.push(assignees(task.assignees.map(name)));
  return parts;
}

function dueBadge(task) {
  const state = dueState(task.due_at, task.completed);
  const word = state === "overdue" ? t("due.overdue", { day: shortDay(task.due_at) }) : shortDay(task.due_at);
  return h("span", { class: `due ${state}`, title: formatTime(task.due_at) }, icon("clock"), word);
}

function progress(checklist) {
  const done = checklist.filter((item) => item.done).length;
  const text = `${done}/${checklist.length}`;
  const state = done === checklist.length ? "all" : "some";
  return h("span", { class: `progress ${state}`, title: t("card.checklist", { done, n: checklist.length }) }, icon("list"), text);
}

function assignees(all) {
  const unique = [...new Set(all)];
  const row = h("span", { class: "assignees", title: t("card.assigned", { names: unique.join(", ") }) });
  row.append(...unique.slice(0, 3).map((name) => avatar({ name })));
  if (unique.length > 3) row.append(`+${unique.length - 3}`);
  row.append(h("span", { class: "unseen" }, t("card.assigned", { names: unique.join(", ") })));
  return row;
}

function company(people) {
  const typing = people.filter((person) => person.typing);
  const text = typing.length > 0 ? t("people.typing", { names: names(typing), n: typing.length }) : "";
  const row = h("span", { class: "company", title: t("people.looking", { names: names(people), n: people.length }) }, text);
  row.append(...people.slice(0, 3).map((person) => avatar(person.user)));
  return row;
}
