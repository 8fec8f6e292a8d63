// Questions to the HTTP API, with a deadline.

const DEADLINE_MS = 15_000;

/** The answer to a GET. Throws `{code, message, retry}`; `offline` when nothing answered. */
export function ask(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  const query = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
  return answerTo(`${path}${query}`, {});
}

/** The answer to a POST of `body`, if there is one. Throws as `ask`. */
export function post(path, body) {
  if (body === undefined) return answerTo(path, { method: "POST" });
  return answerTo(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

async function answerTo(address, request) {
  let answer;
  try {
    answer = await fetch(address, { ...request, signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch {
    throw { code: "offline", message: "the server cannot be reached", retry: true };
  }
  const body = await answer.json().catch(() => null);
  if (answer.ok && body !== null) return body;
  throw body?.error ?? { code: "internal", message: `the server answered ${answer.status}`, retry: true };
}

/** A page of a board's log: `{items: [change…], more}`; `since` oldest first, else newest first. */
export async function changesOf(board, { since, before, task, limit }) {
  const { items, total } = await ask(`/api/boards/${encodeURIComponent(board)}/changes`, { since, before, task, limit });
  return { items, more: items.length < total };
}
