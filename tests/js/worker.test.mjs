// The service worker, with a browser around it that is made here: no cache and no network but these.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const TEXT = readFileSync(new URL("../../static/worker.js", import.meta.url), "utf8");
const MINE = "0123456789abcdef";
const page = (version) => `<script src="/static/~${version}/page/main.js">`;

/** A worker of version MINE. `net(path, method)` → {status, body} or null for no answer. */
function worker(net) {
  const kept = new Map(); // name of a cache → Map(path → Response)
  const heard = {};
  const asked = [];
  const fetching = async (what, { method = "GET" } = {}) => {
    const path = new URL(what.url ?? what, "http://x").pathname;
    asked.push(`${method} ${path}`);
    const answer = net(path, method);
    if (answer === null) throw new TypeError("no network");
    return new Response(answer.body, { status: answer.status });
  };
  const cache = (name) => ({
    addAll: async (paths) => {
      const answers = await Promise.all(paths.map((path) => fetching(path)));
      if (answers.some(({ ok }) => !ok)) throw new TypeError("not ok");
      paths.forEach((path, index) => kept.get(name).set(path, answers[index]));
    },
    put: async (path, answer) => kept.get(name).set(path, answer),
  });
  const context = {
    addEventListener: (type, run) => { heard[type] = run; },
    location: { origin: "http://x" }, fetch: fetching, URL, Promise, Error, Array, setTimeout: (run) => setTimeout(run, 20),
    clients: { claim: async () => {} },
    caches: {
      open: async (name) => { if (!kept.has(name)) kept.set(name, new Map()); return cache(name); },
      delete: async (name) => kept.delete(name),
      keys: async () => [...kept.keys()],
      match: async (what, { cacheName } = {}) => {
        const path = new URL(what, "http://x").pathname;
        const found = [...kept].filter(([name]) => cacheName === undefined || name === cacheName).map(([, all]) => all.get(path));
        return found.find(Boolean)?.clone();
      },
    },
  };
  vm.runInNewContext(TEXT.replace("{{release}}", JSON.stringify({ version: MINE, files: ["a.js", "b.css"] })), context);
  const happens = async (type) => {
    let done;
    heard[type]({ waitUntil: (promise) => { done = promise; } });
    await done;
  };
  const ask = async (path, mode = "no-cors", method = "GET") => {
    let answer;
    heard.fetch({ request: { url: `http://x${path}`, mode, method }, respondWith: (given) => { answer = given; } });
    return answer && (await answer).text();
  };
  return { kept, asked, install: () => happens("install"), activate: () => happens("activate"), ask };
}

const whole = (path) => ({ status: 200, body: path === "/" ? page(MINE) : `file ${path}` });
const kept = async (net) => {
  const state = { net: whole };
  const one = worker((...what) => state.net(...what));
  await one.install();
  state.net = net;
  return one;
};

test("all files and the page are kept, and given without a network", async () => {
  const one = await kept(() => null);
  assert.equal(await one.ask("/b/some-board", "navigate"), page(MINE));
  assert.equal(await one.ask(`/static/~${MINE}/a.js`), `file /static/~${MINE}/a.js`);
});

test("nothing is kept when one file is missing, or the page is of another version", async () => {
  const missing = worker((path) => (path.endsWith("b.css") ? { status: 404, body: "" } : whole(path)));
  await assert.rejects(missing.install());
  assert.deepEqual([...missing.kept.keys()], []);
  const other = worker((path) => (path === "/" ? { status: 200, body: page("f".repeat(16)) } : whole(path)));
  await assert.rejects(other.install());
  assert.deepEqual([...other.kept.keys()], []);
});

test("the server's page is given while there is a server, also one that says no", async () => {
  const fresh = await kept(() => ({ status: 200, body: `${page(MINE)} fresh` }));
  assert.equal(await fresh.ask("/", "navigate"), `${page(MINE)} fresh`);
  const refused = await kept(() => ({ status: 403, body: "refused" }));
  assert.equal(await refused.ask("/", "navigate"), "refused");
});

test("a server that is broken, or silent, does not hide the kept page", async () => {
  const broken = await kept(() => ({ status: 502, body: "bad gateway" }));
  assert.equal(await broken.ask("/", "navigate"), page(MINE));
});

test("a new version is given when its files can be had everywhere, and not before", async () => {
  const next = "f".repeat(16);
  const done = await kept((path) => ({ status: 200, body: path === "/" ? page(next) : "new" }));
  assert.equal(await done.ask("/", "navigate"), page(next));
  let n = 0;
  const halfway = await kept((path) => (path === "/" ? { status: 200, body: page(next) } : { status: n++ % 2 ? 200 : 404, body: "" }));
  assert.equal(await halfway.ask("/", "navigate"), page(MINE));
});

test("a file of another version comes from its own cache or the server, never from ours", async () => {
  const one = await kept((path) => ({ status: 200, body: `server ${path}` }));
  assert.equal(await one.ask("/static/~ffff/a.js"), "server /static/~ffff/a.js");
});

test("a few versions stay for the pages that are open; with no page open any more the last one does", async () => {
  const one = await kept(() => null);
  const others = ["boardcast-page-1", "boardcast-page-2", "something-else", "boardcast-page-3", "boardcast-page-4"];
  const before = new Map([...others.map((name) => [name, new Map()]), ...one.kept]);
  one.kept.clear();
  for (const [name, all] of before) one.kept.set(name, all);
  await one.activate();
  assert.deepEqual([...one.kept.keys()], ["something-else", `boardcast-page-${MINE}`]);
});

test("what a newer worker has kept, and no more than that, is shown by the one at work", async () => {
  const one = await kept(() => null);
  one.kept.set("boardcast-page-new", new Map([["/", new Response("new page")]]));
  one.kept.set("boardcast-page-half", new Map());
  assert.equal(await one.ask("/", "navigate"), "new page");
});

test("what is not the page or its files is none of its business", async () => {
  const one = await kept(() => null);
  for (const path of ["/api/boards", "/healthz", "/static/docs/main.js"]) assert.equal(await one.ask(path), undefined);
  assert.equal(await one.ask("/docs", "navigate"), undefined);
  assert.equal(await one.ask("/", "navigate", "POST"), undefined);
});
