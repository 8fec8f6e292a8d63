// Days as people speak of them.

import { formatTime, t } from "./i18n.js";

const DAY_MS = 86_400_000;
const SOON_DAYS = 3;

/** "overdue", "today", "soon", "later", or "met" for what is completed. */
export function dueState(at, completed, now = Date.now()) {
  if (completed) return "met";
  if (at < now) return "overdue";
  const days = daysUntil(at, now);
  return days === 0 ? "today" : days < SOON_DAYS ? "soon" : "later";
}

/** Whole days between today and the day of `at`, by the calendar. */
export function daysUntil(at, now = Date.now()) {
  const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);
  return Math.round((midnight(at) - midnight(now)) / DAY_MS);
}

/** "Today", "Tomorrow", "4 Mar", with the year when it is another one. */
export function shortDay(at, now = Date.now()) {
  const days = daysUntil(at, now);
  if (days === 0) return t("today");
  if (days === 1) return t("tomorrow");
  if (days === -1) return t("yesterday");
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return formatTime(at, { day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }) });
}

/** What <input type="datetime-local"> takes, in the reader's own time. */
export function toInput(at) {
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
