// Which client this tab is. The id names its outgoing queue and outlives reloads (sessionStorage), but two
// live tabs must never share one: a duplicated tab copies the sessionStorage of the first.
//
// Each live tab holds a Web Lock on its id. A tab whose id is held by another takes a new one. A new tab first
// takes over the id of a closed one that left unsent changes, so that they are sent after all.

import { randomId } from "./ids.js";
import { clientsWithUnsent } from "./queue.js";

const KEY = "boardcast.client";
const RELOAD_GRACE_MS = 1500; // on a reload the old page may still be letting go of its lock

/** Resolves to this tab's client id, held until the page goes away. */
export async function claimClientId() {
  const known = read();
  if (known && (await claim(known, RELOAD_GRACE_MS))) return known;
  for (const orphan of navigator.locks ? clientsWithUnsent(localStorage) : []) {
    if (await claim(orphan, 0)) return remember(orphan);
  }
  const fresh = randomId("c");
  await claim(fresh, 0);
  return remember(fresh);
}

function read() {
  const id = sessionStorage.getItem(KEY) ?? "";
  return /^[A-Za-z0-9_-]{8,64}$/.test(id) ? id : null;
}

function remember(id) {
  sessionStorage.setItem(KEY, id);
  return id;
}

function claim(id, graceMs) {
  return navigator.locks ? claimLock(`${KEY}.${id}`, graceMs) : claimByAsking(id);
}

function claimLock(name, graceMs) {
  return new Promise((resolve) => {
    const options = graceMs > 0 ? { signal: AbortSignal.timeout(graceMs) } : { ifAvailable: true };
    const held = (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise(() => {}); // kept as long as the page lives
    };
    navigator.locks.request(name, options, held).catch(() => resolve(false));
  });
}

// Without secure context (plain HTTP on a network) there are no locks: ask the other tabs instead.
function claimByAsking(id) {
  const channel = new BroadcastChannel(KEY);
  const me = randomId();
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), 200);
    channel.onmessage = ({ data }) => {
      if (data.id !== id || data.me === me) return;
      if (data.taken) {
        clearTimeout(timer);
        channel.close();
        resolve(false);
      } else channel.postMessage({ id, me, taken: true });
    };
    channel.postMessage({ id, me });
  });
}
