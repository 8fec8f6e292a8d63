// What the palette offers: boards, cards of this board, and things to do.

import { hasAccounts, mayFound } from "../account/door.js";
import { t } from "../i18n.js";

const CARDS = 400; // that are looked through, of a large board

export function paletteSources(app, text) {
  const wanted = text.toLocaleLowerCase();
  return [
    { kind: "boards", items: boards(app) },
    { kind: "cards", items: wanted === "" ? [] : cards(app, wanted) },
    { kind: "commands", items: commands(app) },
    { kind: "new", items: text !== "" && app.client?.view && app.workspace?.mayEdit ? [newCard(app, text)] : [], always: true },
  ];
}

function boards(app) {
  const here = (item) => item.board === app.client?.board;
  return app.session.boards.items.filter((item) => !item.archived).sort((a, b) => here(a) - here(b)).map((item) => ({
    label: item.name, detail: here(item) ? t("palette.here") : item.starred ? "★" : "", icon: "board", words: item.description, run: () => app.show(item.board),
  }));
}

function cards(app, wanted) {
  const view = app.client?.view;
  const found = [];
  for (const task of view?.tasks.values() ?? []) {
    if (!task.title.toLocaleLowerCase().includes(wanted)) continue;
    found.push({ label: task.title, detail: view.columns.get(task.column)?.title, icon: "text", run: () => app.workspace.open(task.id) });
    if (found.length >= CARDS) break;
  }
  return found;
}

function commands(app) {
  const { workspace } = app;
  const item = (key, icon, run, hint) => ({ label: t(key), icon, run, key: hint });
  const may = (least, ...items) => (workspace?.may(least) ? items : []);
  return [
    ...(mayFound() ? [item("boards.create", "plus", () => app.create())] : []),
    item("boards.heading", "board", () => app.boards.show()),
    ...(workspace ? [
      ...may("editor",
        item("keys.new", "plus", () => workspace.board.compose(), "N"),
        item("column.add", "plus", () => workspace.board.composer.open()),
        item("labels.manage", "tag", () => workspace.showLabels())),
      item("filter.more", "filter", () => app.top.filter.toggle()),
      item("news.heading", "activity", () => workspace.news.show()),
      item("devices", "device", () => app.devices()),
      ...may("owner", item("boards.edit", "pencil", () => app.edit())),
      ...(hasAccounts() ? [] : [item("members.manage", "person", () => workspace.showMembers())]),
      item("share.board", "share", () => app.share()),
    ] : []),
    item("inbox.heading", "bell", () => app.inbox.show(), "I"),
    item("refused.heading", "flag", () => app.refusals.show()),
    item("keys.heading", "help", () => app.help.show(), "?"),
    item("name.change", "person", () => app.rename()),
  ];
}

function newCard(app, text) {
  const [column] = app.client.view.sortedColumns();
  return { label: t("palette.add", { title: text, column: column?.title ?? "" }), icon: "plus", deliberate: true, run: () => app.workspace.create(column.id, text.slice(0, 200)) };
}
