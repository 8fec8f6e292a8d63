// Starts the page: its language and looks, the name of who is here, the session, the board in the address.

import { Session } from "../client.js";
import { OTHER } from "../client/connection.js";
import { comeIn, owner, remember, watchOwner } from "./account/door.js";
import { App, boardInAddress } from "./app.js";
import { chooseLanguage, t } from "./i18n.js";
import { loadMarkdown } from "./markdown.js";
import { askName, knownName } from "./shell/name-dialog.js";
import { applyTheme } from "./theme.js";
import { Updates } from "./updates.js";

async function start() {
  applyTheme();
  await chooseLanguage();
  const name = (await comeIn(boardInAddress())) || knownName() || (await askName());
  const url = new URL("/ws", location.href.replace(/^http/, "ws")).href;
  const session = await Session.open({ url, name, owner: owner() });
  leaveToOthers(session);
  const app = new App(session);
  await app.show(boardInAddress(), { push: false });
  const idle = window.requestIdleCallback ?? ((run) => setTimeout(run, 500));
  dispatchEvent(new Event("boardcast:started"));
  idle(() => {
    loadMarkdown(); // cards open as they should, also when the link is gone by then
    new Updates(session, () => app.toasts).start();
  });
}

/** What is shown and kept here is its owner's: for somebody else the page begins anew. */
function leaveToOthers(session) {
  watchOwner({ other: () => location.reload(), nobody: () => session.store.end() });
  session.addEventListener("status", () => {
    const { code, user } = session.status;
    if (code !== OTHER) return;
    remember(user);
    location.reload();
  });
}

start().catch((error) => {
  const banner = document.getElementById("banner");
  banner.dataset.tone = "bad";
  banner.textContent = t("failed", { reason: error.message });
  banner.hidden = false;
  throw error;
});
