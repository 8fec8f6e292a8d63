// The page: what stays while boards come and go. Builds the head, the panels and the palette; shows one board.

import { format } from "../client/filter.js";
import { hasAccounts, signInAddress, signedIn } from "./account/door.js";
import { keepAbove } from "./above.js";
import { Announcer } from "./announcer.js";
import { LANGUAGES, language, switchLanguage, t } from "./i18n.js";
import { Menu } from "./menu.js";
import { part } from "./part.js";
import { Scope } from "./scope.js";
import { Banner } from "./shell/banner.js";
import { BoardsPanel, askNewBoard, editBoard } from "./shell/boards-panel.js";
import { copy } from "./shell/collisions.js";
import { InboxPanel } from "./shell/inbox-panel.js";
import { askName } from "./shell/name-dialog.js";
import { Palette } from "./shell/palette.js";
import { paletteSources } from "./shell/sources.js";
import { TopBar } from "./shell/top-bar.js";
import { THEMES, setTheme, theme } from "./theme.js";
import { Toasts } from "./toasts.js";
import { Workspace } from "./workspace.js";

const byId = (id) => document.getElementById(id);

export class App {
  constructor(session) {
    this.session = session;
    this.workspace = null;
    this.build();
    keepAbove(byId("toasts"), byId("live"));
    addEventListener("popstate", () => this.show(boardInAddress(), { push: false }));
    addEventListener("hashchange", () => this.workspace?.readAddress());
    session.addEventListener("status", () => this.banner.render());
  }

  build() {
    this.scope = new Scope();
    const { scope, session } = this;
    this.toasts = new Toasts(byId("toasts"));
    this.announcer = new Announcer(byId("live"), (n) => t("remote.many", { n }));
    this.banner = new Banner(byId("banner"));
    this.menu = new Menu(scope);
    const go = (board, task) => this.show(board, { task });
    session.directory.unknown = t("somebody");
    const name = (id) => session.directory.name(id);
    this.help = { show: () => this.showHelp(scope) };
    this.inbox = new InboxPanel({ scope, inbox: session.inbox, go, name });
    this.refusals = { show: () => this.showRefusals(scope, go) };
    this.boards = new BoardsPanel({ scope, boards: session.boards, menu: this.menu, go, create: () => this.create() });
    this.palette = new Palette(scope, (text) => paletteSources(this, text));
    this.top = new TopBar(byId("top"), scope, {
      does: {
        boards: () => this.boards.show(), devices: () => this.devices(), inbox: () => this.inbox.show(), refusals: () => this.refusals.show(),
        share: () => this.share(), more: (anchor) => this.more(anchor),
      },
      filter: {
        apply: (filter) => this.filter(filter),
        people: () => (this.client ? session.directory.people(this.client) : []),
        labels: () => [...(this.client?.view?.labels.values() ?? [])],
      },
    });
    byId("filter-status").replaceChildren(this.top.filter.status);
    for (const source of [session.inbox, session.refusals]) scope.on(source, "change", () => this.drawn());
    scope.on(session.boards, "change", () => this.palette.refresh());
  }

  get client() {
    return this.workspace?.client ?? null;
  }

  // -- boards

  /** Shows a board; `task`: with that card open. */
  async show(board, { push = true, task = null } = {}) {
    const before = this.client?.board;
    if (before === board) return task === null ? this.workspace.readAddress() : this.workspace.open(task);
    if (push) history.pushState(null, "", address(board, { task }));
    this.wanted = board;
    this.leave();
    byId("board").setAttribute("aria-busy", "true");
    const client = await this.session.enter(board);
    if (this.wanted !== board) return this.session.leave(board); // they went on meanwhile
    this.workspace = new Workspace(this, client, byId("board"));
    this.workspace.scope.on(client, "status", () => this.banner.render());
    this.banner.watch(client);
    this.workspace.readAddress();
    return this.drawn();
  }

  leave() {
    const { client } = this;
    this.workspace?.end();
    this.workspace = null;
    if (client) this.session.leave(client.board);
  }

  async create() {
    const wanted = await askNewBoard();
    if (wanted === null) return;
    const columns = ["todo", "doing", "done"].map((id) => ({ id, title: t(`column.${id}`), done: id === "done" }));
    const board = await this.session.create({ name: wanted.name, columns, ...(wanted.description ? { description: wanted.description } : {}) });
    this.boards.panel.close();
    await this.show(board);
    this.workspace?.board.draw();
    this.workspace?.board.compose();
  }

  edit() {
    const { view, board } = this.client ?? {};
    if (view) editBoard({ board, name: view.info.name, description: view.info.description }, this.session.boards);
  }

  /** Also of a board that is not kept here; undefined when nobody here has heard of it. */
  get boardName() {
    const { client } = this;
    return client?.view?.info.name ?? this.session.boards.known.get(client?.board)?.name;
  }

  /** After each drawing of the board, and when one of the counts has changed. */
  drawn() {
    const name = this.boardName || t("app");
    this.top.render({ name, absent: !this.client?.view, role: this.client?.role, unread: this.session.inbox.unread, refused: this.session.refusals.items.length });
    const unread = this.session.inbox.unread;
    const title = `${unread > 0 ? `(${unread}) ` : ""}${name === t("app") ? name : `${name} · ${t("app")}`}`;
    if (document.title !== title) document.title = title;
  }

  async showRefusals(scope, go) {
    const module = await part("./shell/refusals-panel.js", this.toasts);
    if (module === undefined) return;
    this.refused ??= new module.RefusalsPanel({ scope, refusals: this.session.refusals, go: (...where) => { this.refused.panel.close(); go(...where); } });
    this.refused.show();
  }

  async showHelp(scope) {
    const module = await part("./shell/help.js", this.toasts);
    if (module) (this.helping ??= new module.Help(scope)).show();
  }

  async devices() {
    const views = await this.workspace?.devices();
    views?.list();
  }

  // -- the address

  filter(filter) {
    history.replaceState(history.state, "", location.pathname + format(filter, location.search) + location.hash);
    this.workspace?.setFilter(filter);
  }

  /** The card that is open stands behind the #; "back" closes it. The entry of one that was closed is used again. */
  address({ task }) {
    const place = location.pathname + location.search + (task ? `#${task}` : "");
    if (task && location.hash !== `#${task}` && !history.state?.card) history.pushState({ card: true }, "", place);
    else history.replaceState(history.state, "", place);
  }

  async share(task = null) {
    await copy(new URL(address(this.client.board, { task }), location.href).href);
    const copied = t(task ? "share.card_copied" : "share.copied");
    const { info: { visibility = "private" } } = this.client.view;
    const members = hasAccounts() && visibility === "private";
    const text = members ? `${copied} ${t("share.members_only")}` : copied;
    const invite = members && this.workspace.mayManage ? [[t("share.invite"), () => this.invite()]] : [];
    this.announcer.say(text);
    this.toasts.show(text, { actions: invite });
  }

  // -- the person, the language, the looks

  async rename() {
    if (signedIn()) return location.assign("/account/me");
    const name = await askName();
    if (name !== this.session.name) this.session.rename(name);
    return this.workspace?.people.render();
  }

  async language(tag) {
    await switchLanguage(tag);
    const board = this.client?.board;
    this.leave();
    this.scope.end();
    this.build();
    if (board) await this.show(board, { push: false });
  }

  invite() {
    location.assign(`/account/people?board=${encodeURIComponent(this.client?.board ?? "")}`);
  }

  async leaveForGood() {
    const { board, view } = this.client;
    const { leaveBoard } = await import("./account/leave.js");
    await leaveBoard({ board, name: view.info.name, me: this.session.user.id }).catch((error) => this.toasts.show(error.message));
  }

  /** What there is only where there are accounts. */
  account() {
    if (!hasAccounts()) return [];
    if (!signedIn()) return [{ label: t("account.sign_in"), icon: "person", run: () => location.assign(signInAddress()) }];
    const leaves = this.client?.view?.members.has(this.session.user?.id);
    return [
      { label: t("account.people"), icon: "person", run: () => this.invite() },
      ...(leaves ? [{ label: t("account.leave_board"), icon: "close", run: () => this.leaveForGood() }] : []),
      { label: t("account.mine"), icon: "person", run: () => location.assign("/account/me") },
    ];
  }

  more(anchor) {
    const { workspace } = this;
    const { undo } = this.client ?? {};
    const may = (least, ...items) => (workspace?.may(least) ? items : []);
    this.menu.show(anchor, t("menu"), [
      { label: t("palette.label"), icon: "search", key: "Ctrl K", run: () => this.palette.show() },
      { label: t("news.heading"), icon: "activity", run: () => workspace?.news.show() },
      ...may("commenter",
        ...(undo?.canUndo ? [{ label: t("undo"), icon: "undo", key: "Ctrl Z", run: () => workspace.undoer.undo() }] : []),
        ...(undo?.canRedo ? [{ label: t("redo"), icon: "redo", run: () => workspace.undoer.redo() }] : [])),
      null,
      ...may("owner", { label: t("boards.edit"), icon: "pencil", run: () => this.edit() }),
      ...may("editor", { label: t("labels.manage"), icon: "tag", run: () => workspace.showLabels() }),
      ...(hasAccounts() ? [] : [{ label: t("members.manage"), icon: "person", run: () => workspace?.showMembers() }]),
      { label: t("share.board"), icon: "share", run: () => this.share() },
      { label: t("keys.heading"), icon: "help", key: "?", run: () => this.help.show() },
      ...this.account(),
      null,
      ...THEMES.map((name) => ({ label: t(`theme.${name}`), checked: theme() === name, run: () => setTheme(name) })),
      null,
      ...Object.entries(LANGUAGES).map(([tag, label]) => ({ label, checked: language() === tag, run: () => this.language(tag) })),
    ]);
  }
}

function address(board, { task }) {
  return `/b/${encodeURIComponent(board)}${task ? `#${task}` : ""}`;
}

/** `/b/<board>`, else the board that the server named in the page. */
export function boardInAddress() {
  const [, board] = /^\/b\/([^/]+)/.exec(location.pathname) ?? [];
  return board ? decodeURIComponent(board) : document.querySelector('meta[name="boardcast-board"]').content;
}

