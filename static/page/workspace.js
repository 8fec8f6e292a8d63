// Everything that belongs to the board that is shown: made when it is entered, gone when it is left.

import { ask, changesOf } from "../client/api.js";
import { mentioned } from "../client/concerns.js";
import { EMPTY, matcher, parse } from "../client/filter.js";
import { Telemetry } from "../client/telemetry.js";
import { hasAccounts, signedIn } from "./account/door.js";
import { drawAbsent } from "./board/absent.js";
import { Actions, short } from "./board/actions.js";
import { BoardView } from "./board/board-view.js";
import { ColumnDrag } from "./board/column-drag.js";
import { ColumnMenu } from "./board/column-menu.js";
import { Drag } from "./board/drag.js";
import { Keyboard } from "./board/keyboard.js";
import { Lift } from "./board/lift.js";
import { Selection, SelectionBar } from "./board/selection.js";
import { Shown } from "./board/shown.js";
import { CardDialog } from "./card/card-dialog.js";
import { completing } from "./card/completion.js";
import { Drafts } from "./card/drafts.js";
import { Typing } from "./card/typing.js";
import { refreshBadges } from "./readings/badge.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { part } from "./part.js";
import { sayRemote } from "./remote.js";
import { Scope } from "./scope.js";
import { closedBecause } from "./shell/banner.js";
import { Collisions, copy } from "./shell/collisions.js";
import { moveTo } from "./shell/move-dialog.js";
import { NewsPanel } from "./shell/news-panel.js";
import { PeopleView } from "./shell/people-view.js";
import { Undoer } from "./shell/undoer.js";

const MINUTE_MS = 60_000;
const LOOK_BACK = 300; // changes that are looked through for names

export class Workspace {
  /** `app`: the page (app.js). `client`: the BoardClient to show in `root`. */
  constructor(app, client, root) {
    this.scope = new Scope();
    const { session, toasts, announcer } = app;
    Object.assign(this, { app, client, root, toasts, session });
    this.directory = session.directory;
    this.follows = session.follows;
    this.name = (id) => this.directory.name(id);
    this.say = (text) => announcer.say(text);
    this.mention = (text) => this.mentions(text);
    this.complete = (field) => completing(field, () => this.named().filter(({ me }) => !me));
    this.filter = EMPTY;
    this.drafts = new Drafts(session.store.name, client.board);
    this.typing = new Typing(client);
    this.shown = new Shown();
    this.selection = new Selection();
    this.actions = new Actions({ client, toasts, say: this.say });
    this.telemetry = new Telemetry(client);
    this.opening = null; // the views of devices, once somebody has asked for them
    this.ended = false;
    this.build();
    this.listen();
  }

  /** Whether this person may do what takes the role `least`. An archived board is only looked at. */
  may(least) {
    return this.client.may(least) && !this.client.view?.info.archived;
  }

  get mayComment() {
    return this.may("commenter");
  }

  get mayEdit() {
    return this.may("editor");
  }

  get mayManage() {
    return this.may("owner");
  }

  /** What must not be done is not shown (style.css), or said to whoever tries it by a key. */
  refuses(least) {
    if (this.may(least)) return false;
    const { role, view, closed } = this.client;
    const archived = view?.info.archived ? t("banner.archived") : null;
    this.toasts.show(closed ? closedBecause(closed) : (archived ?? t("may.not", { role: t(`role.${role}`) })));
    return true;
  }

  build() {
    const { app, client, scope, actions, root, name, toasts, say } = this;
    this.columnMenu = new ColumnMenu({ client, actions, menu: app.menu, newColumn: () => this.board.composer.open() });
    this.board = new BoardView(root, this, { onDrawn: () => this.drawn(), pinned: () => [this.drag.task, this.shown.lifted?.task] });
    const mayDrag = () => this.mayEdit;
    this.drag = new Drag(root, scope, {
      mayDrag,
      onStart: (task) => client.look({ task }),
      onDrop: (task, column, before) => this.dropped(task, column, before),
      count: (task) => (this.selection.has(task) ? this.selection.size : 1),
    });
    this.columnDrag = new ColumnDrag(root, scope, { mayDrag, onDrop: (column, after) => actions.placeColumn(column, after) });
    this.lift = new Lift({ client, shown: this.shown, actions, say, redraw: () => this.board.draw(), focus: (task) => this.board.focus(task) });
    this.undoer = new Undoer({ client, toasts, say, name });
    this.bar = new SelectionBar({ scope, selection: this.selection, actions, client, moveTo: (ids) => this.moveTo(ids), assign: (ids) => this.assign(ids) });
    const redraw = () => this.redraw();
    this.dialog = new CardDialog(this, {
      onDraft: redraw,
      onOpened: (task) => app.address({ task }),
      onClosed: (task) => this.cardClosed(task),
      compare: (task, field) => this.collisions.compare(task, field),
      copyLink: (task) => app.share(task),
      moveTo: (task) => this.moveTo([task]),
    });
    this.collisions = new Collisions({
      client, drafts: this.drafts, toasts, redraw,
      showConflict: (what) => this.showConflict(what), listAll: () => app.refusals.show(), settled: (mutation) => this.session.refusals.dismiss(mutation),
    });
    this.news = new NewsPanel({ scope, visits: this.session.visits, client, toasts, name, open: (task) => this.open(task) });
    this.people = new PeopleView(app.top.people, { client, rename: () => app.rename(), open: (task) => this.open(task) });
    scope.ending(() => app.top.people.replaceChildren());
    new Keyboard({ scope, board: this.board, actions, lift: this.lift, selection: this.selection, does: this.does(), refuses: () => this.refuses("editor") });
  }

  does() {
    const { app } = this;
    return {
      palette: () => app.palette.show(),
      help: () => app.help.show(),
      inbox: () => app.inbox.show(),
      search: () => app.top.filter.focus(),
      undo: () => this.refuses("commenter") || this.undoer.undo(),
      redo: () => this.refuses("commenter") || this.undoer.redo(),
      edit: (task) => this.open(task, { edit: true }),
      move: (task) => this.moveTo(this.selection.has(task) ? this.chosen() : [task]),
      assign: (task) => this.assign(this.selection.has(task) ? this.chosen() : [task]),
      selected: () => this.chosen(),
      escape: () => this.escape(),
    };
  }

  listen() {
    const { client, scope, root } = this;
    scope.on(client, "change", () => this.redraw());
    scope.on(client, "presence", () => {
      this.people.render();
      this.redraw();
    });
    scope.on(client, "joined", () => this.joined());
    scope.on(client, "refused", ({ detail }) => this.collisions.take(detail));
    scope.on(client, "remote", ({ detail }) => sayRemote(detail.change, this));
    scope.on(this.telemetry, "change", ({ detail }) => this.badges(detail));
    scope.on(this.selection, "change", () => this.redraw());
    scope.on(this.directory, "change", () => {
      this.fitted = null;
      this.redraw();
    });
    const minutes = setInterval(() => this.redraw(), MINUTE_MS / 2); // what is due, and which day it is
    scope.ending(() => clearInterval(minutes));
    scope.on(root, "click", (event) => this.clicked(event));
    scope.on(client, "status", () => {
      this.absent();
      this.redraw(); // what may be done has changed, perhaps
    });
    if (client.joined) this.joined();
    this.people.render();
    this.redraw();
    this.absent();
  }

  /** Of a board that cannot be shown. */
  absent() {
    const { app, client, root } = this;
    const mine = signedIn() ? [[t("account.mine"), () => location.assign("/account/me")]] : [];
    drawAbsent(root, client, app.boardName ?? t("board"), [[t("boards.heading"), () => app.boards.show()], ...mine]);
  }

  joined() {
    this.news.arrive();
    this.learnNames().catch(() => {}); // they are "somebody" for now
  }

  /** Of members and assignees who were not seen here yet: from the list of members, where there is one, and from the log. */
  async learnNames() {
    const { client, directory } = this;
    const { members, tasks } = client.view;
    const ids = [...members.keys(), ...[...tasks.values()].flatMap(({ assignees }) => assignees)];
    const allKnown = () => ids.every((id) => directory.names.has(id));
    if (allKnown()) return;
    if (hasAccounts()) {
      const { items } = await ask(`/api/boards/${encodeURIComponent(client.board)}/members`);
      for (const { user, name } of items) directory.learn({ id: user, name });
    }
    if (!allKnown()) await this.learnFrom({ limit: LOOK_BACK });
  }

  /** The names in a part of the log (client/api.js). */
  async learnFrom(part) {
    const { items } = await changesOf(this.client.board, part);
    for (const { actor } of items.reverse()) this.directory.learn(actor); // the newest first: so the last name counts
  }

  /** Who made a card stands in its first change. */
  learnAuthor({ id, created_by: author }) {
    if (author && !this.directory.names.has(author)) this.learnFrom({ task: id, since: 0, limit: 1 }).catch(() => {});
  }

  redraw() {
    if (this.shown.match !== null && this.fitted !== this.surroundings) this.fit();
    this.board.schedule();
  }

  drawn() {
    const { view } = this.client;
    this.drag.refresh();
    this.lift.check();
    if (this.mayEdit) this.selection.keepOnly(view);
    else this.selection.clear();
    document.documentElement.dataset.may = ["commenter", "editor", "owner"].filter((least) => this.may(least)).join(" ");
    this.dialog.render();
    this.badges();
    this.app.drawn();
    const found = view.sortedColumns().reduce((sum, { id }) => sum + this.shown.in(view, id).length, 0);
    this.app.top.filter.render(this.filter, found);
    if (this.wanted && view.tasks.has(this.wanted)) this.open(this.wanted);
  }

  /** The newest values on the cards that are shown. */
  badges(devices = null) {
    const { view } = this.client;
    if (view) refreshBadges(this.root, { view, telemetry: this.telemetry }, devices);
  }

  /** The views of devices (devices/index.js), fetched with the first use; null when the board was left meanwhile, or they cannot be had, which `toasts` says. */
  devices(toasts = this.toasts) {
    this.opening ??= part("./devices/index.js", toasts).then((module) => {
      if (module === undefined) this.opening = null; // the next time, perhaps
      return module === undefined || this.ended ? null : module.openDevices(this);
    });
    return this.opening;
  }

  // -- panels that few need: fetched with the first use, too

  async showLabels() {
    const module = await part("./shell/labels-panel.js", this.toasts);
    if (module && !this.ended) (this.labels ??= new module.LabelsPanel(this)).show();
  }

  /** Two texts that collide: see card/conflict-dialog.js. */
  async showConflict(what) {
    const module = await part("./card/conflict-dialog.js", this.toasts);
    if (module && !this.ended) (this.conflicts ??= new module.ConflictDialog(this.scope)).show(what);
  }

  async showMembers() {
    const module = await part("./shell/members-panel.js", this.toasts);
    if (module && !this.ended) (this.members ??= new module.MembersPanel(this)).show();
  }

  // -- what the person does

  clicked(event) {
    const card = event.target.closest(".card");
    if (card === null) return;
    const { task } = card.dataset;
    const what = event.target.closest("[data-do]")?.dataset.do ?? "open";
    if (this.mayEdit && (event.ctrlKey || event.metaKey || event.shiftKey)) this.selection.toggle(task);
    else if (what === "toggle") this.actions.toggle(task);
    else if (what === "menu") this.menu(task, card.querySelector(".more"));
    else this.open(task);
  }

  /** A new card, and its id; where the filter hides it, that is said. */
  create(column, title) {
    const id = this.actions.create(column, title);
    const task = this.actions.task(id);
    if (!task || !this.shown.match || this.shown.match(task)) return id;
    this.toasts.show(t("filter.hides", { title: short(title) }), { actions: [[t("filter.clear"), () => this.app.top.filter.clear()]] });
    return id;
  }

  menu(id, anchor) {
    const { actions } = this;
    const task = actions.task(id);
    if (task === undefined) return;
    const columns = actions.view.sortedColumns().filter((column) => column.id !== task.column);
    const edits = (...items) => (this.mayEdit ? items : []);
    this.app.menu.show(anchor, t("card.menu"), [
      { label: t("open"), run: () => this.open(id), key: "Enter" },
      ...edits(
        { label: t(task.completed ? "reopen" : "complete"), run: () => actions.toggle(id), key: "C" },
        { label: t("select"), run: () => this.selection.toggle(id), key: "X" },
        null,
        ...columns.slice(0, 6).map((column) => ({ label: t("move.to", { title: column.title }), run: () => actions.move(id, column.id, null) })),
        { label: t("move_to"), run: () => this.moveTo([id]), key: "M" },
        null),
      { label: t("card.copy_link"), run: () => this.app.share(id) },
      ...edits({ label: t("delete"), run: () => actions.remove(id), key: "Del", danger: true }),
    ], () => this.board.focus(id));
  }

  /** A card that is not there yet (the board is still coming) opens when it is. */
  open(task, options) {
    this.wanted = null;
    if (this.client.view?.tasks.has(task)) this.dialog.open(task, options);
    else if (this.client.status.loaded !== "live") this.wanted = task;
    else this.toasts.show(t("card.not_here"));
  }

  cardClosed(task) {
    this.app.address({ task: null });
    if (!this.board.focus(task)) this.root.querySelector('.open[tabindex="0"]')?.focus({ preventScroll: true });
  }

  dropped(task, column, before) {
    this.client.look({});
    const ids = this.selection.has(task) ? this.chosen() : [task];
    const list = this.shown.in(this.client.view, column).filter((other) => !ids.includes(other.id));
    const index = before === null ? list.length : list.findIndex((other) => other.id === before);
    this.actions.moveAll(ids, column, list[(index < 0 ? list.length : index) - 1]?.id ?? null);
  }

  async moveTo(ids) {
    if ((await moveTo(ids, { actions: this.actions })) && ids.length > 1) this.selection.clear();
    else this.board.focus(ids[0]);
  }

  /** To me; for a single card that I have, off me again. */
  assign(ids) {
    const me = this.session.user?.id;
    if (!me) return;
    const mine = ids.length === 1 ? (this.actions.task(ids[0])?.assignees ?? []).filter((id) => this.directory.isMe(id)) : [];
    this.actions.updateAll(ids, mine.length > 0 ? { assignees_remove: mine } : { assignees_add: [me] });
    this.say(t(mine.length > 0 ? "said.unassigned" : "said.assigned", { n: ids.length }));
  }

  chosen() {
    return this.selection.inOrder(this.client.view);
  }

  /** One thing at a time: the selection, then the filter. */
  escape() {
    if (this.selection.size > 0) this.selection.clear();
    else if (this.shown.match !== null) this.app.top.filter.clear();
    else return false;
    return true;
  }

  setFilter(filter) {
    const other = JSON.stringify(filter) !== JSON.stringify(this.filter);
    this.filter = filter;
    this.fit();
    if (other) this.board.toTop();
    this.redraw();
  }

  /** Makes what decides which cards fit, for the names and the minute there are now. */
  fit() {
    const { directory, client, filter } = this;
    this.fitted = this.surroundings;
    const isMe = (id) => directory.isMe(id);
    this.shown.filterBy(filter, matcher(filter, { now: Date.now(), isMe, view: client.view, nameOf: this.name }));
  }

  /** What a filter goes by beside the cards, and the people. */
  get surroundings() {
    const labels = [...(this.client.view?.labels.values() ?? [])].map(({ id, name }) => id + name);
    return JSON.stringify([Math.floor(Date.now() / MINUTE_MS), labels]);
  }

  readAddress() {
    this.setFilter(parse(location.search));
    const task = decodeURIComponent(location.hash.slice(1));
    if (task) this.open(task);
    else this.dialog.dialog.close();
  }

  /** The people whose names are known. */
  named() {
    return this.directory.people(this.client).filter(({ name }) => name !== this.directory.unknown);
  }

  /** Where a text names somebody: `[{from, to, node}…]`. */
  mentions(text) {
    if (!text.includes("@")) return [];
    const people = this.named();
    return mentioned(text, people.map(({ name }) => name)).map(({ from, to, name }) => {
      const me = people.some((person) => person.me && person.name === name);
      return { from, to, node: h("span", { class: `mention ${me ? "me" : ""}` }, text.slice(from, to)) };
    });
  }

  copyText(text) {
    return copy(text);
  }

  end() {
    this.ended = true;
    this.typing.at({});
    this.telemetry.end();
    this.scope.end();
  }
}
