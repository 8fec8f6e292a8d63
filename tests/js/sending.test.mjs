import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { Facts } from "../../static/client/facts.js";
import { Queue, unsentIn } from "../../static/client/queue.js";
import { Refusals, textsOf } from "../../static/client/refusals.js";
import { Sender } from "../../static/client/sender.js";
import { MemoryStore } from "../../static/client/store.js";

/** A store that keeps what it is given, as IndexedDB does. */
const disk = () => Object.assign(new MemoryStore(), { kept: true });

const lines = []; // to other tabs: they would keep this process alive
after(() => lines.forEach((line) => line.close()));
const opened = async (kind, store) => {
  const thing = await kind.open(store);
  lines.push(thing.channel);
  return thing;
};
const open = (store, client = "c1") => new Queue({ store, client, board: "b" }).load();

/** In place of the timers, until the test is over. */
class Clock {
  constructor(t) {
    this.now = 0;
    this.timers = new Map();
    const { setTimeout, clearTimeout } = globalThis;
    globalThis.setTimeout = (run, delay = 0) => {
      const timer = Symbol("timer");
      this.timers.set(timer, { run, at: this.now + delay });
      return timer;
    };
    globalThis.clearTimeout = (timer) => this.timers.delete(timer);
    t.after(() => Object.assign(globalThis, { setTimeout, clearTimeout }));
  }

  tick(ms) {
    this.now += ms;
    for (const [timer, { run, at }] of this.timers) {
      if (at > this.now) continue;
      this.timers.delete(timer);
      run();
    }
  }
}

class Link {
  constructor() {
    this.frames = [];
    this.restarts = 0;
  }

  requests(pairs) {
    this.frames.push(pairs);
    return true;
  }

  restart() {
    this.restarts += 1;
  }

  get sent() {
    return this.frames.flat().map(([message]) => message.args.n);
  }

  answer(index, reply) {
    const [message, onReply] = this.frames.flat()[index];
    onReply({ mutation: message.mutation, ...reply });
  }
}

function desk(queue) {
  const told = { acks: [], refused: [], stalls: [] };
  const link = new Link();
  const sender = new Sender({
    connection: link,
    queue,
    board: "b",
    onAck: (ack) => {
      told.acks.push(ack.seq);
      queue.acknowledge(ack.mutation, ack.seq, Infinity);
    },
    onRefused: (entry, error) => told.refused.push([entry.args.n, error.code]),
    onStall: (error) => told.stalls.push(error?.code ?? null),
  });
  return { link, sender, told };
}

test("what was queued is there after a reload, in order, and nobody else's is", async () => {
  const store = disk();
  const queue = await open(store);
  for (let n = 0; n < 12; n += 1) queue.add("x", { n });
  (await open(store, "c2")).add("x", { n: 99 });
  await turn();
  const again = await open(store);
  assert.deepEqual(again.entries.map(({ args }) => args.n), [...Array(12).keys()]);
  assert.deepEqual(again.entries.map(({ mutation }) => mutation), queue.entries.map(({ mutation }) => mutation));
  again.add("x", { n: 12 });
  assert.equal(again.entries.at(-1).n, 12);
  assert.deepEqual([...(await unsentIn(store))], [["c1", ["b"]], ["c2", ["b"]]]);
});

test("what is settled is not kept", async () => {
  const store = disk();
  const queue = await open(store);
  const entries = [1, 2, 3].map((n) => queue.add("x", { n }));
  queue.acknowledge(entries[0].mutation, 7, 6);
  assert.equal(queue.pending.length, 3); // shown until the state has come to 7
  queue.applied(entries[1].mutation);
  queue.remove(entries[2]);
  queue.save();
  await turn();
  const again = await open(store);
  assert.deepEqual(again.entries.map(({ args, applied }) => [args.n, applied]), [[2, true]]);
  queue.reached(7);
  assert.deepEqual(queue.entries.map(({ args }) => args.n), [2]);
});

test("a new epoch settles what was acknowledged in the old one", async () => {
  const queue = await open(disk());
  queue.acknowledge(queue.add("x", {}).mutation, 50, 3);
  queue.reached(2, true);
  assert.equal(queue.entries.length, 0);
});

test("a store that refuses is told of, and tried again", async () => {
  const store = disk();
  let full = true;
  const write = store.write.bind(store);
  store.write = (steps) => (full ? Promise.reject(new Error("QuotaExceededError")) : write(steps));
  let troubles = 0;
  const queue = await new Queue({ store, client: "c1", board: "b", onTrouble: () => (troubles += 1) }).load();
  queue.add("x", { n: 1 });
  await turn();
  assert.deepEqual([queue.stored, troubles], [false, 1]);
  full = false;
  await queue.keepAgain();
  assert.equal(queue.stored, true);
  assert.equal((await open(store)).entries.length, 1);
});

test("in memory nothing counts as stored", async () => {
  const queue = await open(new MemoryStore());
  assert.equal(queue.stored, true); // there is nothing to lose
  queue.add("x", {});
  assert.equal(queue.stored, false);
});

test("at most so many are on the way, in order, each once", async () => {
  const queue = await open(disk());
  for (let n = 0; n < 450; n += 1) queue.add("x", { n });
  const { link, sender, told } = desk(queue);
  sender.begin();
  assert.deepEqual(link.sent, [...Array(200).keys()]);
  for (let i = 0; i < 450; i += 1) link.answer(i, { type: "ack", seq: i + 1 });
  assert.deepEqual(link.sent, [...Array(450).keys()]);
  assert.equal(told.acks.length, 450);
  assert.equal(queue.entries.length, 0);
  sender.end();
});

test("frames stay below the server's bound", async () => {
  const queue = await open(disk());
  for (let n = 0; n < 60; n += 1) queue.add("x", { n, text: "é".repeat(5000) });
  const { link, sender } = desk(queue);
  sender.begin();
  for (const pairs of link.frames) assert.ok(Buffer.byteLength(JSON.stringify(pairs.map(([message]) => message))) < 65_536);
  assert.equal(link.sent.length, 60);
  sender.end();
});

test("after a retryable error nothing new goes out, then all again from the first one", async (t) => {
  const clock = new Clock(t);
  const queue = new Queue({ store: disk(), client: "c1", board: "b" });
  for (let n = 0; n < 3; n += 1) queue.add("x", { n });
  const { link, sender, told } = desk(queue);
  sender.begin();
  link.answer(0, { type: "error", code: "unavailable", retry: true, details: { retry_after_ms: 900 } });
  queue.add("x", { n: 3 });
  sender.pump();
  assert.equal(link.sent.length, 3);
  clock.tick(2000);
  assert.equal(link.sent.length, 3); // two replies are still on the way
  for (const i of [1, 2]) link.answer(i, { type: "error", code: "unavailable", retry: true });
  assert.deepEqual(link.sent.slice(3), [0, 1, 2, 3]);
  const names = link.frames.flat().map(([message]) => message.mutation);
  assert.deepEqual(names.slice(3, 6), names.slice(0, 3));
  link.answer(3, { type: "ack", seq: 1 });
  assert.deepEqual(told.stalls.at(-1), null);
  sender.end();
});

test("what is refused for good leaves the queue, and the rest goes on", async () => {
  const queue = await open(disk());
  for (let n = 0; n < 2; n += 1) queue.add("x", { n });
  const { link, sender, told } = desk(queue);
  sender.begin();
  link.answer(0, { type: "error", code: "conflict", retry: false });
  link.answer(1, { type: "ack", seq: 1 });
  assert.deepEqual([told.refused, told.acks, queue.entries.length], [[[0, "conflict"]], [1], 0]);
  sender.end();
});

test("a link that breaks sends everything unanswered again under its old names", async () => {
  const queue = await open(disk());
  for (let n = 0; n < 2; n += 1) queue.add("x", { n });
  const { link, sender } = desk(queue);
  sender.begin();
  link.answer(0, { type: "ack", seq: 1 });
  sender.end();
  sender.begin();
  assert.deepEqual(link.sent, [0, 1, 1]);
  sender.end();
});

test("an answer that never comes makes the link doubtful", (t) => {
  const clock = new Clock(t);
  const queue = new Queue({ store: disk(), client: "c1", board: "b" });
  queue.add("x", { n: 0 });
  const { link, sender } = desk(queue);
  sender.begin();
  clock.tick(31_000);
  assert.equal(link.restarts, 1);
  sender.end();
});

test("refusals give their texts back and outlive a reload", async () => {
  const store = disk();
  const refusals = await opened(Refusals, store);
  const entry = { mutation: "m1", op: "task.update", args: { task: "a", title: "T", description: "long" }, base: 3, title: "A" };
  refusals.add("b", entry, { code: "conflict", message: "changed", details: { field: "title" } });
  await turn();
  const again = await opened(Refusals, store);
  assert.deepEqual(again.items[0].texts, [{ field: "title", text: "T" }, { field: "description", text: "long" }]);
  assert.deepEqual([again.items[0].error.code, again.items[0].title], ["conflict", "A"]);
  again.dismiss("m1");
  await turn();
  assert.deepEqual((await opened(Refusals, store)).items, []);
});

test("every text of a mutation is among its texts", () => {
  assert.deepEqual(textsOf({ title: "t", checklist: [{ id: "i", text: "one" }] }).map(({ text }) => text), ["t", "one"]);
  assert.deepEqual(textsOf({ comment: "c", text: "said" }), [{ field: "text", text: "said" }]);
});

test("refusals are bounded, the oldest go", async () => {
  const refusals = await opened(Refusals, disk());
  for (let i = 0; i < 510; i += 1) {
    refusals.add("b", { mutation: `m${i}`, op: "x", args: {} }, { code: "c", message: "" });
    refusals.known.at(-1).at = i;
  }
  assert.equal(refusals.items.length, 500);
  assert.equal(refusals.items[0].mutation, "m509");
});

test("facts are kept and dropped", async () => {
  const store = disk();
  const facts = await opened(Facts, store);
  facts.set("star:b", true);
  facts.set("star:c", true);
  facts.drop("star:c");
  await turn();
  const again = await opened(Facts, store);
  assert.deepEqual(again.under("star:"), [["star:b", true]]);
});

test("what a wish was about is known by name after a reload, too", async () => {
  const store = disk();
  (await open(store)).add("task.move", { task: "t" }, undefined, "Buy milk");
  await turn();
  const { link, sender } = desk(await open(store));
  const refused = [];
  sender.onRefused = (entry) => refused.push(entry.title);
  sender.begin();
  link.answer(0, { type: "error", code: "not_found", retry: false });
  assert.deepEqual(refused, ["Buy milk"]);
});
