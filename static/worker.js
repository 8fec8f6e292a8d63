// The service worker: keeps one version of the page and of all its files, so that the page opens without a link.
//
// The server writes the version and the names into this file: another version is another worker. A version is kept
// whole or not at all; its files are named by it (/static/~<version>/…), so that none can be taken for another's.
//
// A new worker keeps its version while the old one is at work, and takes over when no page is open any more: taking over
// earlier, in the middle of a navigation, may leave that one without an answer. Until then the old one gives the new
// version as well: it shows whatever was kept last.

const { version, files } = {{release}};
const PREFIX = "boardcast-page-";
const CACHE = PREFIX + version;
const BASE = `/static/~${version}/`;
const SHELL = "/"; // the page, whatever board it shows: the board is read from the address
const PATIENCE_MS = 4000; // for the server's page, before the kept one is shown
const MOST = 4; // versions that are kept: pages of old ones may be open and ask for more of theirs
const SAMPLES = 6; // questions, whether all instances have another version

addEventListener("install", (event) => event.waitUntil(keep().then(() => forget(-MOST))));
addEventListener("activate", (event) => event.waitUntil(forget(-1).then(() => clients.claim())));
addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (pathname.startsWith("/static/~")) event.respondWith(file(request));
  else if (request.mode === "navigate" && /^\/(b\/[^/]+)?$/.test(pathname)) event.respondWith(page(request));
});

/** All files, then the page; rejects, and keeps nothing, when one cannot be had or the server is another version by now. */
async function keep() {
  const fresh = await fetch(SHELL, { cache: "no-store" });
  const mine = fresh.ok && !fresh.redirected && (await fresh.clone().text()).includes(BASE);
  if (!mine) throw new Error("the server has another version");
  await caches.delete(CACHE); // of an earlier time: what is kept last stands last
  const cache = await caches.open(CACHE);
  try {
    await cache.addAll(files.map((name) => BASE + name));
    await cache.put(SHELL, fresh);
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

/** The names of what is kept, of this page alone, the last one at the end. */
async function kept() {
  return (await caches.keys()).filter((name) => name.startsWith(PREFIX));
}

/** Leaves the last ones: `forget(-3)` three of them. */
async function forget(last) {
  await Promise.all((await kept()).slice(0, last).map((name) => caches.delete(name)));
}

/** The page that was kept last, whole: it is the last thing of its version that is written. */
async function shell() {
  for (const cacheName of (await kept()).reverse()) {
    const found = await caches.match(SHELL, { cacheName, ignoreVary: true });
    if (found !== undefined) return found;
  }
  return undefined;
}

async function file(request) {
  return (await caches.match(request.url, { ignoreVary: true })) ?? fetch(request);
}

/**
 * The server's own page, so that none is ever old. The kept one: when there is no server, or it is too slow, or it is
 * being replaced instance by instance, so that one would give the page and the next one would not know its files.
 */
async function page(request) {
  const answer = fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, null));
  const given = await Promise.race([answer, late]).catch(() => null);
  if (given !== null && given.status < 500 && (await complete(given))) return given;
  return (await shell()) ?? given ?? answer;
}

/** Whether the files of a page can be had: they are kept, or each of some questions, to whichever instance, says so. */
async function complete(given) {
  const [, theirs] = /\/static\/~(\w+)\//.exec(await given.clone().text()) ?? [];
  if (theirs === undefined || (await caches.match(SHELL, { cacheName: PREFIX + theirs, ignoreVary: true }))) return true;
  const ask = () => fetch(`/static/~${theirs}/page/main.js`, { method: "HEAD", cache: "no-store" });
  const answers = await Promise.all(Array.from({ length: SAMPLES }, ask)).catch(() => []);
  return answers.length > 0 && answers.every(({ ok }) => ok);
}
