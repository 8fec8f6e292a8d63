// Order keys for what the server has not numbered yet. The server's keys replace these when they arrive,
// so any string that sorts between its neighbours (by code point) will do.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** -1, 0 or 1: by position, by code point; ties by id. */
export function byPosition(a, b) {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** A key above `low` and below `high`; null is no neighbour. A `high` that is not above `low` is ignored. */
export function keyBetween(low, high) {
  if (low !== null && high !== null && high <= low) high = null;
  if (high === null) return `${low ?? "a"}V`;
  return between(low ?? "", high);
}

function between(low, high) {
  let key = "";
  let bounded = true; // `key` is still a prefix of `high`
  for (let i = 0; ; i += 1) {
    const from = i < low.length ? DIGITS.indexOf(low[i]) : -1;
    const to = bounded && i < high.length ? DIGITS.indexOf(high[i]) : DIGITS.length;
    if (to - from > 1) return key + DIGITS[(from + to) >> 1];
    const digit = Math.max(from, 0);
    if (bounded && digit < to) bounded = false;
    key += DIGITS[digit];
    if (key.length > low.length + high.length + 1) return `${low}V`; // no room: behind `low`, near enough
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
