// Sends what closed tabs left behind: each tab's queue goes out under that tab's own name, so that the server knows
// which of it has arrived before. Somebody else's queue is never touched: its name must be free (identity.js).

import { Connection } from "./connection.js";
import { Channel } from "./facts.js";
import { claim } from "./identity.js";
import { Queue, unsentIn } from "./queue.js";
import { Sender } from "./sender.js";

const AGAIN_MS = 10_000;
const GONE_MS = 1000; // a tab that goes away lets go of its name soon after it has said so

/** From now on. `home`: the Session. */
export function deliverForOthers(home) {
  const round = () => home.connection.ready && deliverForClosedTabs(home);
  const tabs = new Channel(home.store, "tabs", () => setTimeout(round, GONE_MS));
  addEventListener("pagehide", () => home.status.unsent > 0 && tabs.say("leaving"));
  setInterval(() => document.visibilityState === "visible" && round(), AGAIN_MS); // a crash says nothing
}

/** One round: every queue in the store that no living tab owns. `home`: the Session. */
export async function deliverForClosedTabs(home) {
  const queues = await unsentIn(home.store);
  queues.delete(home.client);
  for (const [client, boards] of queues) {
    if (home.couriers.has(client)) continue;
    const release = await claim(home.store, client);
    if (release) home.couriers.set(client, new Courier(home, client, boards, release));
  }
}

class Courier {
  constructor(home, client, boards, release) {
    Object.assign(this, { home, client, release });
    this.senders = [];
    const { url, name, owner } = home;
    this.connection = new Connection({
      url,
      owner,
      hello: () => ({ client, name: name || undefined }),
      onReady: () => this.senders.forEach((sender) => sender.begin()),
      onMessage: () => {},
      onStatus: ({ state }) => this.link(state),
    });
    this.start(boards);
  }

  async start(boards) {
    const { home, client } = this;
    const queues = boards.map((board) => new Queue({ store: home.store, client, board }).load());
    for (const queue of await Promise.all(queues)) this.senders.push(this.sender(queue));
    this.connection.start();
  }

  sender(queue) {
    return new Sender({
      connection: this.connection,
      queue,
      board: queue.board,
      onAck: (ack, entry) => this.acknowledged(ack, entry, queue),
      onRefused: (entry, error) => this.settle(() => this.home.refusals.add(queue.board, entry, error)),
      onStall: () => {},
    });
  }

  acknowledged({ mutation, seq }, entry, queue) {
    this.settle(() => queue.acknowledge(mutation, seq, Infinity));
    if (entry.op.startsWith("board.")) this.home.boards.settled(queue.board, entry);
  }

  settle(what) {
    what();
    if (this.senders.every(({ queue }) => queue.unanswered.length === 0)) this.end();
  }

  link(state) {
    if (state === "waiting") for (const sender of this.senders) sender.end();
    if (state === "stopped") this.end();
  }

  end() {
    if (this.home.couriers.get(this.client) !== this) return;
    for (const { queue } of this.senders) queue.save();
    for (const sender of this.senders) sender.end();
    this.home.couriers.delete(this.client);
    this.connection.stop();
    this.release();
  }
}
