// Before the board: who is here. Where there are accounts, whoever is not signed in is sent to do so, unless the
// board may be read by whoever has its address.

import { askWho } from "./ask.js";

const DEADLINE_MS = 4000; // a link that is that slow is none: the board is shown as it is kept here
const state = { signedIn: false, accounts: false, admin: false };

export const signedIn = () => state.signedIn;
export const hasAccounts = () => state.accounts;
/** Whoever may make a board, and whoever is an owner of every one. */
export const mayFound = () => state.signedIn || !state.accounts;
export const ownsAll = () => state.admin || !state.accounts;
export const signInAddress = () => `/account/sign-in?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`;

/** Without a link nobody is to be asked for the name of their account. */
function remember(name) {
  try {
    localStorage.setItem("boardcast.name", name);
  } catch {
    // this browser keeps nothing
  }
  return name;
}

/** Resolves to the name of the account; to "" where a name is to be asked for; never, when the page is left. */
export async function comeIn(board) {
  let entrance;
  try {
    const answer = await fetch("/api/entrance", { cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
    if (!answer.ok) return "";
    entrance = await answer.json();
    if (entrance.mode === "open") return "";
    state.accounts = true;
    const me = await askWho();
    state.signedIn = me !== null;
    state.admin = me?.admin === true;
    if (me !== null) return remember(me.name);
    if ((await fetch(`/api/boards/${encodeURIComponent(board)}`, { cache: "no-store" })).ok) return "";
  } catch {
    return ""; // no link: what is kept here is shown, and the link says the rest when it is back
  }
  location.replace(signInAddress());
  return new Promise(() => {});
}
