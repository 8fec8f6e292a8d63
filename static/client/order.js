// Order keys: the scheme of the server (fractional indexing, base 62), so that what is guessed here is a key that
// the server would take, too. Compared by code point.

import { generateKeyBetween } from "../vendor/fractional-indexing.js";

/** -1, 0 or 1: by position, by code point; ties by id. */
export function byPosition(a, b) {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** A key above `low` and below `high`; null is no neighbour. A `high` that is not above `low` is ignored. */
export function keyBetween(low, high) {
  if (low !== null && high !== null && high <= low) high = null;
  try {
    return generateKeyBetween(low, high);
  } catch {
    return `${low ?? "a0"}V`; // a neighbour whose key is none: behind it, near enough
  }
}

/**
 * The key behind the thing `after` among `sorted` (things with id and position, in order).
 * As in the protocol: null is the top; undefined or an id that is not there is the end. `moving` is left out.
 * Returns null when `moving` stands there already.
 */
export function placeAfter(sorted, after, moving = null) {
  const rest = sorted.filter((thing) => thing.id !== moving);
  const found = after === undefined || after === null ? -1 : rest.findIndex((thing) => thing.id === after);
  let index = after === null ? 0 : found < 0 ? rest.length : found + 1;
  const low = index > 0 ? rest[index - 1].position : null;
  const now = sorted.findIndex((thing) => thing.id === moving);
  if (now >= 0 && (sorted[now - 1]?.id ?? null) === (rest[index - 1]?.id ?? null)) return null;
  while (index < rest.length && low !== null && rest[index].position <= low) index += 1; // a tie
  return keyBetween(low, rest[index]?.position ?? null);
}

/** Where `thing` is, or would be, in `sorted`. */
export function indexIn(sorted, thing) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byPosition(sorted[middle], thing) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
