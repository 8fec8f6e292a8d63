// Which client this tab is. The id names its outgoing queues and outlives reloads (sessionStorage), but two
// live tabs must never share one: a duplicated tab copies the sessionStorage of the first.
//
// Each live tab holds a Web Lock on its id. A tab whose id is held by another takes a new one. A new tab first
// takes over the id of a closed one that left unsent changes, so that they are shown and sent here; those of further
// closed tabs are sent by couriers (courier.js).

import { randomId } from "./ids.js";
import { unsentIn } from "./queue.js";

const RELOAD_GRACE_MS = 1500; // on a reload the old page may still be letting go of its lock
const ASK_MS = 200;

/** Resolves to this tab's client id, held until the page goes away. */
export async function claimClientId(store) {
  const known = read(store);
  if (known && (await claim(store, known, RELOAD_GRACE_MS))) return known;
  for (const orphan of (await unsentIn(store)).keys()) if (await claim(store, orphan)) return remember(store, orphan);
  const fresh = randomId("c");
  await claim(store, fresh);
  return remember(store, fresh);
}

/** Resolves to a function that lets go of `id` again, or to null when another tab holds it. */
export function claim(store, id, graceMs = 0) {
  return navigator.locks ? claimLock(`${keyOf(store)}.${id}`, graceMs) : claimByAsking(keyOf(store), id);
}

const keyOf = ({ name }) => `${name}.client`;

function read(store) {
  try {
    const id = sessionStorage.getItem(keyOf(store)) ?? "";
    return /^[A-Za-z0-9_-]{8,64}$/.test(id) ? id : null;
  } catch {
    return null; // forbidden: this tab is a new client after each reload
  }
}

function remember(store, id) {
  try {
    sessionStorage.setItem(keyOf(store), id);
  } catch {
    // forbidden
  }
  return id;
}

function claimLock(name, graceMs) {
  return new Promise((resolve) => {
    const options = graceMs > 0 ? { signal: AbortSignal.timeout(graceMs) } : { ifAvailable: true };
    const held = (lock) => {
      if (lock === null) return resolve(null);
      return new Promise((release) => resolve(release)); // kept until then, or as long as the page lives
    };
    navigator.locks.request(name, options, held).catch(() => resolve(null));
  });
}

// Without secure context (plain HTTP on a network) there are no locks: ask the other tabs instead. Of two that ask
// at once the lower number wins.
function claimByAsking(key, id) {
  const channel = new BroadcastChannel(key);
  const me = randomId();
  let mine = false;
  return new Promise((resolve) => {
    const lose = () => {
      clearTimeout(timer);
      channel.close();
      resolve(null);
    };
    const timer = setTimeout(() => {
      mine = true;
      resolve(() => channel.close());
    }, ASK_MS);
    channel.onmessage = ({ data }) => {
      if (data.id !== id || data.me === me) return;
      if (data.taken) {
        if (!mine) lose();
      } else if (mine || me < data.me) channel.postMessage({ id, me, taken: true });
      else lose();
    };
    channel.postMessage({ id, me });
  });
}
