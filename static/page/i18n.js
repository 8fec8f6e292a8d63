// The texts of the page in the language of its reader. Each language is one file in texts/, with the same keys. Pages
// with many texts of their own bring them along (`learn`).

import english from "./texts/en.js";

export const LANGUAGES = { en: "English", "zh-CN": "简体中文" };
const LOADERS = { en: async () => english, "zh-CN": async () => (await import("./texts/zh-CN.js")).default };
const KEY = "boardcast.language";
const parts = [LOADERS];

const current = { language: "en", texts: english, plural: new Intl.PluralRules("en"), formats: new Map() };

/** Loads the language chosen here before, else the first of the browser's that there is. */
export async function chooseLanguage(wanted = stored() ?? preferred()) {
  const language = wanted in LOADERS ? wanted : "en";
  const texts = Object.assign({}, ...(await Promise.all(parts.map((part) => part[language]()))));
  Object.assign(current, { language, texts, plural: new Intl.PluralRules(language), formats: new Map() });
  document.documentElement.lang = language;
  document.getElementById("board")?.setAttribute("aria-label", t("board"));
  document.getElementById("toasts")?.setAttribute("aria-label", t("messages"));
}

/** Further texts: language → a function that loads them. */
export async function learn(loaders) {
  if (parts.includes(loaders)) return;
  parts.push(loaders);
  await chooseLanguage(current.language);
}

/** Chooses a language for good; the page is to be drawn anew. */
export async function switchLanguage(language) {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // a browser that stores nothing asks the system again next time
  }
  await chooseLanguage(language);
}

export const language = () => current.language;

/** `t("column.count", { n: 3 })`: the text, with `{n}` filled in. A text with a plural is `{one, other}`, told by `n`. */
export function t(key, values = {}) {
  const found = current.texts[key] ?? english[key] ?? key;
  const text = typeof found === "string" ? found : (found[current.plural.select(values.n)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** A time in ms as text; `style` as Intl.DateTimeFormat's options. */
export function formatTime(ms, style = { dateStyle: "medium", timeStyle: "short" }) {
  return format(Intl.DateTimeFormat, style).format(ms);
}

const STEPS = [["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3600], ["minute", 60]];

/** "3 minutes ago", "in 2 days", "just now". */
export function formatAgo(ms, now = Date.now()) {
  const seconds = (ms - now) / 1000;
  const step = STEPS.find(([, size]) => Math.abs(seconds) >= size);
  if (step === undefined) return t("just_now");
  return format(Intl.RelativeTimeFormat, { numeric: "auto" }).format(Math.round(seconds / step[1]), step[0]);
}

/** "a, b and c" */
export function formatList(items) {
  return format(Intl.ListFormat, { type: "conjunction" }).format(items);
}

function format(Kind, style) {
  const key = Kind.name + JSON.stringify(style);
  if (!current.formats.has(key)) current.formats.set(key, new Kind(current.language, style));
  return current.formats.get(key);
}

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function preferred() {
  for (const tag of navigator.languages ?? [navigator.language]) {
    if (/^zh\b(?!-(hant|tw|hk|mo))/i.test(tag)) return "zh-CN";
    if (/^en\b/i.test(tag)) return "en";
  }
  return "en";
}
