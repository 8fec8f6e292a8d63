"""The `websockets` library with its own `broadcast`, without compression. Keeps nothing; speaks no HTTP.

`python websockets_server.py`: serves `/ws` (to everybody, the sender too) and `/echo` on a free port.
"""

import asyncio

from websockets.asyncio.server import ServerConnection, broadcast, serve

members: set[ServerConnection] = set()


async def handle(connection: ServerConnection) -> None:
    if connection.request is not None and connection.request.path == "/echo":
        async for message in connection:
            await connection.send(message)
        return
    members.add(connection)
    try:
        async for message in connection:
            broadcast(members, message)
    finally:
        members.discard(connection)


async def main() -> None:
    async with serve(handle, "127.0.0.1", 0, compression=None, backlog=1024) as server:
        print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
