// Parts of the page that few need: fetched with their first use.

import { t } from "./i18n.js";

const PAUSE_MS = 3000; // between two tries
const failed = new Map(); // path → {times, at}: a browser never asks again for an address that it could not have

/** The module at `path`, from here; undefined, and said in `toasts` (or null), when it cannot be had just now. */
export async function part(path, toasts) {
  const { times, at } = failed.get(path) ?? { times: 0, at: -PAUSE_MS };
  try {
    if (performance.now() - at < PAUSE_MS) throw new Error("a moment ago it could not be had");
    return await import(times > 0 ? `${path}?again=${times}` : path);
  } catch {
    if (performance.now() - at >= PAUSE_MS) failed.set(path, { times: times + 1, at: performance.now() });
    toasts?.show(t("part.away"));
    return undefined;
  }
}
