"""Who is on a board and who may come: members, invitations, the audit record; and all people, for admins."""

from collections.abc import Awaitable, Callable
from typing import Any

from handlers.api.endpoint import Answer, Call, Endpoint, board_of, etag_of, page_of, submit
from handlers.api.queries import AuditQuery, BaseQuery, PeopleQuery, Query, SeqQuery
from server.accounts.audit import DAY_MS
from server.boards.live import LiveBoard
from server.errors import BoardcastError, Conflict, LimitExceeded, NotFound
from server.model import account_http as a
from server.model import commands as c
from server.model import http as h
from server.model.accounts import AuditEntry, Invitation
from server.model.fields import Role

TAG = "People"


# -- members


async def _members(call: Call, live: LiveBoard) -> a.Members:
    people = call.app.accounts.people if call.app.accounts is not None else None
    items = []
    for user, role in live.state.members.items():
        person = None if people is None else await people.get(user)
        items.append(a.MemberView(user=user, name="" if person is None else person.name, role=role))
    return a.Members(items=items)


async def list_members(call: Call) -> Answer:
    live = await board_of(call)
    etag = etag_of(live)
    return Answer(body=await _members(call, live), etag=etag)


async def add_member(call: Call) -> Answer:
    body: a.NewMember = call.body
    person = await call.accounts.people.named(body.login)
    if person is None or person.disabled:
        raise NotFound("login", body.login)
    return await _set_role(call, person.id, body.role)


async def change_member(call: Call) -> Answer:
    if call.path["user"] not in (await board_of(call)).state.members:
        raise NotFound("user", call.path["user"])
    return await _set_role(call, call.path["user"], call.body.role)


async def _set_role(call: Call, user: str, role: Role) -> Answer:
    live = await submit(call, call.path["board"], c.MemberSet(user=user, role=role))
    return Answer(body=await _members(call, live), etag=etag_of(live))


async def remove_member(call: Call) -> Answer:
    live = await submit(call, call.path["board"], c.MemberRemove(user=call.path["user"]))
    return Answer(etag=etag_of(live))


# -- invitations


def _view(one: Invitation) -> a.InvitationView:
    return a.InvitationView(
        id=one.id,
        board=one.board,
        role=one.role,
        created_by=one.created_by,
        created_at=one.created_at,
        expires_at=one.expires_at,
        uses=one.uses,
    )


async def list_invitations(call: Call) -> Answer:
    kept = await call.accounts.invitations.of(call.path.get("board"), call.accounts.clock())
    return Answer(body=a.InvitationList(items=[_view(one) for one in reversed(kept)]))


async def invite(call: Call) -> Answer:
    body: a.NewInvitation = call.body
    accounts, now, board = call.accounts, call.accounts.clock(), call.path.get("board")
    role = body.role if isinstance(body, a.BoardInvitation) else None
    wanted = Invitation(
        id="",
        created_by=call.identity.user.id,
        created_at=now,
        expires_at=now + body.days * DAY_MS,
        uses=body.uses,
        board=board,
        role=role,
    )
    text, made = await accounts.invitations.issue(wanted, now)
    await _note(call, "invitation made", f"{role or 'an account'}, {body.uses} uses")
    # Behind the #: a browser keeps that to itself, no server and no log sees it.
    return Answer(body=a.MadeInvitation(invitation=_view(made), path=f"/account/join#{text}"))


async def revoke_invitation(call: Call) -> Answer:
    if not await call.accounts.invitations.revoke(call.path["invitation"], call.path.get("board")):
        raise NotFound("invitation", call.path["invitation"])
    await _note(call, "invitation revoked", call.path["invitation"])
    return Answer()


async def _note(call: Call, what: str, about: str) -> None:
    board = call.path.get("board")
    at = call.accounts.clock()
    entry = AuditEntry(
        at=at, who=call.identity.user, what=what, about=about, board=board, address=call.address
    )
    await call.accounts.audit.write(entry)


async def list_server_invitations(call: Call) -> Answer:
    return await list_invitations(call)


async def invite_to_server(call: Call) -> Answer:
    return await invite(call)


async def revoke_server_invitation(call: Call) -> Answer:
    return await revoke_invitation(call)


# -- the record, and all people


async def read_audit(call: Call) -> Answer:
    query: AuditQuery = call.query
    found, before = await call.accounts.audit.read(
        call.path.get("board"), before=query.before or "", limit=query.limit
    )
    return Answer(body=a.AuditPage(items=found, before=before))


async def read_server_audit(call: Call) -> Answer:
    return await read_audit(call)


async def list_people(call: Call) -> Answer:
    people = [
        a.PersonView(
            id=one.id,
            login=one.login,
            name=one.name,
            admin=one.admin,
            disabled=one.disabled,
            created_at=one.created_at,
        )
        for one in await call.accounts.people.all()
    ]
    return Answer(body=page_of(people, call.query.skip, call.query.limit))


def _row(
    method: str,
    path: str,
    call: Callable[[Call], Awaitable[Answer]],
    summary: str,
    answer: Any = None,
    *,
    body: Any = None,
    status: int = 0,
    query: type[Query] = Query,
    refusals: tuple[type[BoardcastError], ...] = (),
    of_board: bool = False,
) -> Endpoint:
    """Those `of_board` are about its state, and have its `ETag`; writes of them take an `Idempotency-Key`."""
    about_a_board = (NotFound,) if "{board}" in path else ()
    return Endpoint(
        method=method,
        path=path,
        call=call,
        answer=answer,
        summary=summary,
        tag=TAG,
        query=query,
        body=body,
        status=status or (204 if answer is None else 200),
        refusals=(Conflict, *about_a_board, *refusals),
        of_board=of_board,
        keyed=of_board,
    )


_BOARD = "/api/boards/{board}"
_MEMBERS, _INVITATIONS = f"{_BOARD}/members", f"{_BOARD}/invitations"
ENDPOINTS: tuple[Endpoint, ...] = (
    _row("GET", _MEMBERS, list_members, "Members of a board", a.Members, query=SeqQuery, of_board=True),
    _row(
        "POST",
        _MEMBERS,
        add_member,
        "Make somebody with an account a member",
        a.Members,
        body=a.NewMember,
        query=BaseQuery,
        refusals=(LimitExceeded,),
        of_board=True,
    ),
    _row(
        "PATCH",
        f"{_MEMBERS}/{{user}}",
        change_member,
        "Give a member another role",
        a.Members,
        body=a.RoleEdit,
        query=BaseQuery,
        of_board=True,
    ),
    _row(
        "DELETE",
        f"{_MEMBERS}/{{user}}",
        remove_member,
        "Remove a member; their open pages are told at once",
        query=BaseQuery,
        of_board=True,
    ),
    _row("GET", _INVITATIONS, list_invitations, "Open invitations to a board", a.InvitationList),
    _row(
        "POST",
        _INVITATIONS,
        invite,
        "Invite to a board; the link is shown once",
        a.MadeInvitation,
        body=a.BoardInvitation,
        status=201,
        refusals=(LimitExceeded,),
    ),
    _row("DELETE", f"{_INVITATIONS}/{{invitation}}", revoke_invitation, "Revoke an invitation to a board"),
    _row(
        "GET",
        f"{_BOARD}/audit",
        read_audit,
        "Who was given which role on a board, and by whom",
        a.AuditPage,
        query=AuditQuery,
    ),
    _row(
        "GET", "/api/invitations", list_server_invitations, "Open invitations to the server", a.InvitationList
    ),
    _row(
        "POST",
        "/api/invitations",
        invite_to_server,
        "Invite to the server; the link is shown once",
        a.MadeInvitation,
        body=a.NewInvitation,
        status=201,
        refusals=(LimitExceeded,),
    ),
    _row(
        "DELETE",
        "/api/invitations/{invitation}",
        revoke_server_invitation,
        "Revoke an invitation to the server",
        refusals=(NotFound,),
    ),
    _row(
        "GET",
        "/api/audit",
        read_server_audit,
        "Sign-ins, tokens and accounts, newest first",
        a.AuditPage,
        query=AuditQuery,
    ),
    _row(
        "GET",
        "/api/people",
        list_people,
        "All accounts, in order of creation",
        h.Page[a.PersonView],
        query=PeopleQuery,
    ),
)
