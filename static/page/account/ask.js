// One request to the API and its answer, or a `Refusal` that says what to do.

import { t } from "../i18n.js";
import { reason } from "../reasons.js";

export class Refusal extends Error {
  constructor({ code, message, details = {} }) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** The body of the answer; null when there is none. Throws `Refusal`. */
export async function ask(method, path, body) {
  const given = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, { method, ...given, cache: "no-store" });
  } catch {
    throw new Refusal({ code: "unavailable", message: t("account.away") });
  }
  const text = await answer.text();
  const read = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new Refusal(read?.error ?? { code: "internal", message: answer.statusText });
  return read;
}

/** All of a list, page by page. */
export async function askAll(path) {
  const found = [];
  for (;;) {
    const { items, total } = await ask("GET", `${path}?skip=${found.length}&limit=500`);
    found.push(...items);
    if (items.length === 0 || found.length >= total) return found;
  }
}

/** The answer, or null when nobody is signed in. */
export async function askWho() {
  try {
    return await ask("GET", "/api/me");
  } catch (error) {
    if (error.code === "unauthenticated") return null;
    throw error;
  }
}

/** In the reader's language where it is known what to say; `told`: the sentences of this page, by code. */
export function explain(error, told = {}) {
  if (error.code in told) return told[error.code];
  if (error.code === "rate_limited") return t("account.slow", { s: Math.ceil((error.details.retry_after_ms ?? 1000) / 1000) });
  if (error.code === "unavailable") return t("account.away");
  return reason(error);
}
