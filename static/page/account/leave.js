// Leaving a board by oneself: asked twice, done over HTTP, and off to another board.

import { h } from "../dom.js";
import { learn, t } from "../i18n.js";
import { ask as askPerson } from "../shell/ask.js";
import { ask, explain } from "./ask.js";
import { TEXTS } from "./texts.js";

/** `board`: its id, `name`: what it is called, `me`: the id of who leaves. Throws a text to be shown. */
export async function leaveBoard({ board, name, me }) {
  await learn(TEXTS);
  const sure = await askPerson({
    heading: t("account.leave_which", { board: name }),
    content: [h("p", {}, t("account.leave_sure"))],
    choices: [["leave", t("account.leave"), "danger"]],
  });
  if (sure !== "leave") return;
  try {
    await ask("DELETE", `/api/boards/${encodeURIComponent(board)}/members/${me}`);
  } catch (error) {
    throw new Error(explain(error, { conflict: t("account.last_owner") }));
  }
  // The list may count the board that was left for a moment still, and then does not show it.
  const { items } = await ask("GET", "/api/boards?limit=2").catch(() => ({ items: [] }));
  const other = items.find((one) => one.board !== board);
  location.assign(other ? `/b/${other.board}` : "/account/me");
}
