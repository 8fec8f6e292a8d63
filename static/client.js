// Live boards for a page: see client/session.js and client/board-client.js.

export { BoardClient } from "./client/board-client.js";
export { Session } from "./client/session.js";
