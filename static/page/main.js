// The page: puts the parts together and lets them know of each other.

import { BoardClient } from "../client.js";
import { claimClientId } from "../client/identity.js";
import { Actions } from "./actions.js";
import { Banner } from "./banner.js";
import { BoardView } from "./board-view.js";
import { CardDialog } from "./card-dialog.js";
import { ConflictDialog } from "./conflict-dialog.js";
import { setText } from "./dom.js";
import { Drafts } from "./drafts.js";
import { Drag } from "./drag.js";
import { Keyboard } from "./keyboard.js";
import { Menu } from "./menu.js";
import { askName, knownName } from "./name-dialog.js";
import { PeopleView } from "./people.js";
import { Refusals } from "./refusals.js";
import { Toasts } from "./toasts.js";

const byId = (id) => document.getElementById(id);

async function start() {
  const [id, name] = await Promise.all([claimClientId(), knownName() || askName()]);
  const client = new BoardClient({
    url: new URL("/ws", location.href.replace(/^http/, "ws")).href,
    board: document.querySelector('meta[name="boardcast-board"]').content,
    client: id,
    name,
    storage: localStorage,
  });
  build(client);
  client.start();
}

function build(client) {
  const root = byId("board");
  const drafts = new Drafts(client.board);
  const toasts = new Toasts(byId("toasts"));
  const actions = new Actions(client, toasts);
  const redraw = () => board.schedule();
  const conflicts = new ConflictDialog();
  const refusals = new Refusals({ client, drafts, toasts, conflicts, redraw });
  const compare = (task, field) => refusals.compare(task, field);
  const focus = (task) => board.focus(task);
  const dialog = new CardDialog({ client, drafts, actions, compare, onDraft: redraw, onClosed: focus });
  const open = (task) => dialog.open(task);
  const menu = new Menu({ client, actions, open, focus });
  const drag = new Drag(root, {
    onStart: (task) => client.look({ task }),
    onDrop: (task, column, after) => {
      client.look({});
      actions.move(task, column, after);
    },
  });
  const onDrawn = () => {
    drag.refresh();
    dialog.render();
  };
  const board = new BoardView(root, { client, drafts, actions, onDrawn });
  new Keyboard({ board, actions, menu, open });
  root.addEventListener("click", (event) => clicked(event, { actions, menu, open }));
  listen(client, { redraw, refusals });
}

function clicked(event, { actions, menu, open }) {
  const card = event.target.closest(".card");
  if (card === null) return;
  const { task } = card.dataset;
  const what = event.target.closest("[data-do]")?.dataset.do ?? "open";
  if (what === "toggle") actions.toggle(task);
  else if (what === "menu") menu.show(task, card.querySelector(".more"));
  else open(task);
}

function listen(client, { redraw, refusals }) {
  const banner = new Banner(byId("banner"), client);
  const people = new PeopleView(byId("people"), client, async () => {
    const name = await askName();
    if (name !== client.name) client.rename(name);
    people.render();
  });
  client.addEventListener("change", redraw);
  client.addEventListener("change", () => title(client.view));
  client.addEventListener("presence", () => {
    people.render();
    redraw();
  });
  client.addEventListener("status", () => banner.render());
  client.addEventListener("refused", (event) => refusals.take(event.detail));
  people.render();
}

function title(view) {
  if (view === null) return;
  setText(byId("board-name"), view.info.name);
  document.title = `${view.info.name} · Boardcast`;
}

start();
