// Node's `ws`: a loop of sends, without compression; tasks in a map. Keeps nothing.
//
// `node node_ws.js`: serves `/ws` (to everybody, the sender too), `/echo` and `/api/tasks` on a free port.
const http = require("http");
const { WebSocketServer } = require("ws");

const tasks = new Map();

function answer(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

function create(request, response) {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const task = JSON.parse(Buffer.concat(parts));
    task.id ??= String(tasks.size);
    tasks.set(task.id, task);
    answer(response, 201, JSON.stringify(task));
  });
}

const server = http.createServer((request, response) => {
  if (request.method === "POST" && request.url === "/api/tasks") return create(request, response);
  const task = tasks.get(request.url.split("/")[3]);
  return task ? answer(response, 200, JSON.stringify(task)) : answer(response, 404, "{}");
});

const room = new WebSocketServer({ noServer: true, perMessageDeflate: false });
room.on("connection", (socket) => {
  socket.on("message", (data) => {
    for (const member of room.clients) if (member.readyState === 1) member.send(data, { binary: false });
  });
});

const echo = new WebSocketServer({ noServer: true, perMessageDeflate: false });
echo.on("connection", (socket) => socket.on("message", (data) => socket.send(data, { binary: false })));

server.on("upgrade", (request, socket, head) => {
  const wanted = request.url === "/echo" ? echo : room;
  wanted.handleUpgrade(request, socket, head, (opened) => wanted.emit("connection", opened, request));
});

server.listen(0, "127.0.0.1", 1024, () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
