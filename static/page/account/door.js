// Before the board: who is here. Where there are accounts, whoever is not signed in is sent to do so, unless the
// board may be read by whoever has its address.
//
// Whose all that is that this browser keeps (store.js) is remembered, so that it is known without a link, too.

import { GUEST } from "../../client/connection.js";
import { askWho } from "./ask.js";

const DEADLINE_MS = 4000; // a link that is that slow is none: the board is shown as it is kept here
const OWNER = "boardcast.user";
const NAME = "boardcast.name";
const state = { signedIn: false, accounts: false, admin: false, owner: "" };

export const signedIn = () => state.signedIn;
export const hasAccounts = () => state.accounts;
/** Whoever may make a board, and whoever is an owner of every one. */
export const mayFound = () => state.signedIn || !state.accounts;
export const ownsAll = () => state.admin || !state.accounts;
export const signInAddress = () => `/account/sign-in?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`;

/** As `Session.open` wants it; "" where there are no accounts. */
export const owner = () => state.owner;

/** From now on it is them. Without a link nobody is to be asked for the name of their account. */
export function remember({ id, name = "" }) {
  state.owner = id;
  keep(OWNER, id);
  if (name) keep(NAME, name);
  return name;
}

/** Nobody is signed in any more, and nothing of theirs stays. */
export function forget() {
  keep(OWNER, "");
  keep(NAME, "");
}

function keep(key, value) {
  try {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch {
    // this browser keeps nothing
  }
}

function known() {
  try {
    return localStorage.getItem(OWNER) ?? "";
  } catch {
    return "";
  }
}

/** Calls `other()` when somebody else has signed in on this browser, `nobody()` when the owner has signed out. */
export function watchOwner({ other, nobody }) {
  const look = (now) => {
    if (state.owner.startsWith("u_") && now === "") nobody();
    else if (now !== state.owner && now.startsWith("u_")) other();
  };
  addEventListener("storage", ({ key, newValue }) => key === OWNER && look(newValue ?? ""));
  addEventListener("pageshow", ({ persisted }) => persisted && known() !== state.owner && other()); // they went back to it
}

/** Resolves to the name of the account; to "" where a name is to be asked for; never, when the page is left. */
export async function comeIn(board) {
  let entrance;
  state.owner = known();
  try {
    const answer = await fetch("/api/entrance", { cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
    if (!answer.ok) return "";
    entrance = await answer.json();
    if (entrance.mode === "open") return remember({ id: "" });
    state.accounts = true;
    const me = await askWho();
    state.signedIn = me !== null;
    state.admin = me?.admin === true;
    if (me !== null) return remember(me);
    if ((await fetch(`/api/boards/${encodeURIComponent(board)}`, { cache: "no-store" })).ok) return remember({ id: GUEST });
  } catch {
    return ""; // no link: what is kept here is shown, and the link says the rest when it is back
  }
  location.replace(signInAddress());
  return new Promise(() => {});
}
