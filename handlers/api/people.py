"""Who is on a board and who may come: members, invitations, the audit record; and all people, for admins."""

from functools import partial

from msgspec import structs

from handlers.api.answers import etag_of, etag_with, page_of, view_of
from handlers.api.asking import board_of, submit
from handlers.api.endpoint import Answer, Call, also_refused, note, row
from handlers.api.queries import ListQuery, PageQuery
from server.accounts.audit import DAY_MS
from server.errors import Conflict, LimitExceeded, NotFound
from server.model import account_http as a
from server.model import commands as c
from server.model.accounts import AuditEntry, Invitation
from server.model.fields import Role
from server.model.http import Page

# -- members


async def _member(call: Call, user: str, role: Role) -> a.MemberView:
    person = None if call.app.accounts is None else await call.app.accounts.people.get(user)
    return a.MemberView(user=user, name="" if person is None else person.name, role=role)


async def list_members(call: Call) -> Answer:
    live = await board_of(call)
    page = page_of(call, list(live.state.members.items()))
    shown = structs.replace(page, items=[await _member(call, user, role) for user, role in page.items])
    return Answer(body=shown, etag=etag_with(live, shown))


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
    etag = etag_of(live)
    return Answer(body=await _member(call, user, role), etag=etag)


async def remove_member(call: Call) -> Answer:
    live = await submit(call, call.path["board"], c.MemberRemove(user=call.path["user"]))
    return Answer(etag=etag_of(live))


# -- invitations


async def list_invitations(call: Call) -> Answer:
    kept = await call.accounts.invitations.of(call.path.get("board"), call.accounts.clock())
    return Answer(body=page_of(call, [view_of(a.InvitationView, one) for one in reversed(kept)]))


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
        token=call.identity.credential if call.identity.way == "token" else "",
    )
    text, made = await accounts.invitations.issue(wanted, now)
    await note(call, "invitation made", f"{role or 'an account'}, {body.uses} uses")
    # Behind the #: a browser keeps that to itself, no server and no log sees it.
    shown = view_of(a.InvitationView, made)
    return Answer(body=a.MadeInvitation(invitation=shown, path=f"/account/join#{text}"))


async def revoke_invitation(call: Call) -> Answer:
    if not await call.accounts.invitations.revoke(call.path["invitation"], call.path.get("board")):
        raise NotFound("invitation", call.path["invitation"])
    await note(call, "invitation revoked", call.path["invitation"])
    return Answer()


# -- the record, and all people


async def read_audit(call: Call) -> Answer:
    skip, limit = call.query.skip, call.query.limit
    found, total = await call.accounts.audit.read(call.path.get("board"), skip=skip, limit=limit)
    return Answer(body=Page(items=found, total=total, skip=skip, limit=limit))


async def list_people(call: Call) -> Answer:
    people = await call.accounts.people.all()
    return Answer(body=page_of(call, [view_of(a.PersonView, one) for one in people]))


_row = partial(row, "People", of_board=False)
_BOARD = "/api/boards/{board}"
_MEMBERS, _INVITATIONS, _SERVER = f"{_BOARD}/members", f"{_BOARD}/invitations", "/api/invitations"
ENDPOINTS = also_refused(
    Conflict,  # where there are no accounts, or by the log
    _row(
        "GET",
        _MEMBERS,
        list_members,
        "Members of a board",
        Page[a.MemberView],
        query=PageQuery,
        of_board=True,
    ),
    _row(
        "POST",
        _MEMBERS,
        add_member,
        "Make somebody with an account a member",
        a.MemberView,
        body=a.NewMember,
        refusals=(LimitExceeded,),
        of_board=True,
    ),
    _row(
        "PATCH",
        f"{_MEMBERS}/{{user}}",
        change_member,
        "Give a member another role",
        a.MemberView,
        body=a.RoleEdit,
        of_board=True,
    ),
    _row(
        "DELETE",
        f"{_MEMBERS}/{{user}}",
        remove_member,
        "Remove a member, or leave oneself; their open pages are told at once",
        of_board=True,
    ),
    _row(
        "GET",
        _INVITATIONS,
        list_invitations,
        "Open invitations to a board, newest first",
        Page[a.InvitationView],
        query=ListQuery,
    ),
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
        "Who was given which role on a board, and by whom, newest first",
        Page[AuditEntry],
        query=ListQuery,
    ),
    _row(
        "GET",
        _SERVER,
        list_invitations,
        "Open invitations to the server, newest first",
        Page[a.InvitationView],
        query=ListQuery,
        name="list_server_invitations",
    ),
    _row(
        "POST",
        _SERVER,
        invite,
        "Invite to the server; the link is shown once",
        a.MadeInvitation,
        body=a.NewInvitation,
        status=201,
        refusals=(LimitExceeded,),
        name="invite_to_server",
    ),
    _row(
        "DELETE",
        f"{_SERVER}/{{invitation}}",
        revoke_invitation,
        "Revoke an invitation to the server",
        name="revoke_server_invitation",
    ),
    _row(
        "GET",
        "/api/audit",
        read_audit,
        "Sign-ins, tokens and accounts, newest first",
        Page[AuditEntry],
        query=ListQuery,
        name="read_server_audit",
    ),
    _row(
        "GET",
        "/api/people",
        list_people,
        "All accounts, in order of creation",
        Page[a.PersonView],
        query=ListQuery,
    ),
)
