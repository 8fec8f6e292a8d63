import assert from "node:assert/strict";
import { test } from "node:test";

import { decode, encode, frames, sizeOf, wellFormed } from "../../static/client/codec.js";

test("one message is a map on the wire, several are a list, and both are read as a list", () => {
  assert.equal(encode([{ type: "ping" }]), '{"type":"ping"}');
  assert.deepEqual(decode(encode([{ type: "ping" }])), [{ type: "ping" }]);
  assert.deepEqual(decode(encode([{ id: 1 }, { id: 2 }])), [{ id: 1 }, { id: 2 }]);
});

test("a frame that is no JSON is an error", () => {
  assert.throws(() => decode("{"), SyntaxError);
});

test("sizes are in bytes, not in letters", () => {
  assert.equal(sizeOf("é"), 4);
  assert.equal(sizeOf("🙂"), 6);
});

test("messages are parted in order, within both bounds, and none is left out", () => {
  const messages = Array.from({ length: 500 }, (_, i) => ({ id: i, text: "x".repeat((i * 37) % 300) }));
  const parts = frames(messages, { bytes: 1000, most: 20 });
  assert.deepEqual(parts.flat(), messages);
  for (const part of parts) {
    assert.ok(part.length <= 20);
    assert.ok(sizeOf(part) <= 1000 + 2, `${sizeOf(part)}`);
  }
});

test("a message larger than a frame stands alone", () => {
  const parts = frames([{ a: 1 }, { b: "x".repeat(100) }, { c: 1 }], { bytes: 50, most: 9 });
  assert.deepEqual(parts.map((part) => part.length), [1, 1, 1]);
});

test("halves of surrogate pairs are replaced wherever they stand", () => {
  assert.deepEqual(wellFormed({ a: ["x\ud800", { b: "ok 🙂" }], c: null, d: 1 }), { a: ["x\ufffd", { b: "ok 🙂" }], c: null, d: 1 });
});
