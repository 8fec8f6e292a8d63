"""The moments at which a connection becomes somebody's, and a member of a board."""

from msgspec import UNSET

from server.accounts import guest, open_user
from server.boards.live import LiveBoard
from server.hub import Connection, Hub
from server.model.accounts import EVERYTHING, Grant, Identity
from server.model.fields import Role
from server.model.messages import Hello, Join
from server.views import welcome_to


def visitor(hello: Hello, *, open_mode: bool) -> Identity:
    """Who somebody is that shows nothing. Where there are accounts: a guest, who sees boards with a link."""
    name = "Guest" if hello.name is UNSET else hello.name.strip()
    if open_mode:
        return Identity(user=open_user(hello.client, name), way="open", grant=EVERYTHING)
    return Identity(user=guest(hello.client, f"{name[:90]} (guest)"), way="guest", grant=Grant())


def let_in(hub: Hub, connection: Connection, live: LiveBoard, join: Join, role: Role) -> tuple[str, int]:
    """Everything at one moment: what the client gets now and the first change after it leave no gap.

    How it was brought up to date, `changes` or `snapshot`, and the bytes that it took.
    """
    outbox, codec, traffic = connection.outbox, connection.codec, connection.traffic
    hub.join(connection, live.board, role)
    welcome = welcome_to(live, join, role, hub.presence_of(live.board), codec)
    first = connection.frame(welcome.joined)
    if welcome.joined.mode == "changes":
        outbox.offer_resumed(live.board, first)
    else:
        outbox.offer_snapshot(live.board, [first, *welcome.parts])
    size = len(first) + sum(map(len, welcome.parts))
    for part in welcome.parts:
        traffic.sends(len(part))
    if welcome.after is not None:
        outbox.offer_log(live.board, welcome.after)
        traffic.sends(len(welcome.after))
    hub.touch(connection)
    return welcome.joined.mode, size
