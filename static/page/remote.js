// What others did, in a sentence for the live region.

import { describe } from "../client/describe.js";
import { t } from "./i18n.js";
import { sentence } from "./sentences.js";

/** Only what changes the board as it is seen: not every tick of a list. */
export function sayRemote(change, { app, client, name }) {
  const { view } = client;
  const [line] = describe(change, { view });
  const said = line ? sentence(line, { name, view }) : "";
  if (said === "") return;
  const title = (view?.tasks.get(change.task) ?? view?.deleted.get(change.task))?.title ?? change.was?.title ?? change.set?.title;
  const values = { who: change.actor.name, what: said, title: title ?? "" };
  app.announcer.mention(t(title ? "remote.card" : "remote.board", values));
}
