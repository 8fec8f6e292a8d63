// Random names. `crypto.getRandomValues` works in insecure contexts too, `randomUUID` does not.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv";

/** A random name of 18 letters and digits (about 105 bits), with a prefix that makes logs readable. */
export function randomId(prefix = "") {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  let id = prefix;
  for (const byte of bytes) id += DIGITS[byte % DIGITS.length];
  return id;
}
