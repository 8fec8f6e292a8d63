// The service worker: keeps one version of the page and of all its files, so that the page opens without a link.
//
// The server writes the version and the names into this file: another version is another worker. A version is kept
// whole or not at all; its files are named by it (/static/~<version>/…), so that none can be taken for another's.

const { version, files } = {{release}};
const PREFIX = "boardcast-page-";
const CACHE = PREFIX + version;
const BASE = `/static/~${version}/`;
const SHELL = "/"; // the page, whatever board it shows: the board is read from the address
const PATIENCE_MS = 4000; // for the server's page, before the kept one is shown
const SAMPLES = 6; // questions, whether all instances have another version

addEventListener("install", (event) => event.waitUntil(keep().then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(forget().then(() => clients.claim())));
addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (pathname.startsWith("/static/~")) event.respondWith(file(request));
  else if (request.mode === "navigate" && /^\/(b\/[^/]+)?$/.test(pathname)) event.respondWith(page(request));
});

/** All files, then the page; rejects, and keeps nothing, when one cannot be had or the server is another version by now. */
async function keep() {
  const shell = await fetch(SHELL, { cache: "no-store" });
  const mine = shell.ok && !shell.redirected && (await shell.clone().text()).includes(BASE);
  if (!mine) throw new Error("the server has another version");
  const cache = await caches.open(CACHE);
  try {
    await cache.addAll(files.map((name) => BASE + name));
    await cache.put(SHELL, shell);
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

/** The version before stays: pages of it may be open and ask for more of it. */
async function forget() {
  const others = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
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
  const kept = await caches.match(SHELL, { cacheName: CACHE, ignoreVary: true });
  return kept ?? given ?? answer;
}

/** Whether the files of a page can be had: they are ours, or each of some questions, to whichever instance, says so. */
async function complete(given) {
  const [, theirs] = /\/static\/~(\w+)\//.exec(await given.clone().text()) ?? [];
  if (theirs === undefined || theirs === version) return true;
  const ask = () => fetch(`/static/~${theirs}/page/main.js`, { method: "HEAD", cache: "no-store" });
  const answers = await Promise.all(Array.from({ length: SAMPLES }, ask)).catch(() => []);
  return answers.length > 0 && answers.every(({ ok }) => ok);
}
