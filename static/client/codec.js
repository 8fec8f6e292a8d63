// Messages and frames. Pure. JSON: the browser parses it faster than any library parses anything else.

const encoder = new TextEncoder();

/** One frame of one message or several. */
export function encode(messages) {
  return JSON.stringify(messages.length === 1 ? messages[0] : messages);
}

/** The messages of a frame, in order. Raises SyntaxError when it is no JSON. */
export function decode(frame) {
  const told = JSON.parse(frame);
  return Array.isArray(told) ? told : [told];
}

/** How many bytes a message is on the wire. */
export const sizeOf = (message) => encoder.encode(JSON.stringify(message)).length;

/** Parts `messages`, in order, into lists of at most `bytes` and `most` each; one that is larger stands alone. */
export function frames(messages, { bytes, most }, size = sizeOf) {
  const parts = [];
  let room = 0;
  for (const message of messages) {
    const need = size(message) + 1;
    const last = parts.at(-1);
    if (last && need <= room && last.length < most) last.push(message);
    else {
      parts.push([message]);
      room = bytes;
    }
    room -= need;
  }
  return parts;
}

const HALVES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Replaces halves of surrogate pairs, which no JSON text may hold; everything else as it is. */
export function wellFormed(value) {
  if (typeof value === "string") return value.replace(HALVES, "\ufffd");
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, wellFormed(inner)]));
}
