"""Coming in and going out over HTTP, and one's own account: sessions, tokens, password."""

from functools import partial

from handlers.api.answers import page_of, view_of
from handlers.api.endpoint import Answer, Call, also_refused, row
from handlers.api.queries import ListQuery
from server.accounts.audit import DAY_MS
from server.errors import Conflict, LimitExceeded, NotFound
from server.model import account_http as a
from server.model.accounts import Person, Secret
from server.model.http import Page


async def entrance(call: Call) -> Answer:
    accounts = call.app.accounts
    if accounts is None:
        return Answer(body=a.Entrance(mode="open", setup=False, sign_up="off"))
    setup = not await accounts.people.any_admin()
    return Answer(body=a.Entrance(mode="accounts", setup=setup, sign_up=accounts.settings.sign_up))


async def sign_in(call: Call) -> Answer:
    body: a.SignIn = call.body
    text, identity = await call.accounts.sign_in(
        body.login,
        body.password,
        address=call.address,
        home=call.caller.home,
        agent=call.agent,
    )
    person = await call.accounts.people.need(identity.user.id)
    return Answer(body=_me(person, identity.way), session=text)


async def sign_out(call: Call) -> Answer:
    await call.accounts.sign_out(call.identity)
    return Answer(session="")


async def set_up(call: Call) -> Answer:
    body: a.FirstAccount = call.body
    wanted = Person(id="", login=body.login, name=body.name.strip(), created_at=0)
    person = await call.accounts.newcomers.set_up(body.code, wanted, body.password)
    await call.app.give_role(call.app.config.boards.default_board, person.id, "owner")
    return await _begun(call, person)


async def sign_up(call: Call) -> Answer:
    body: a.NewAccount = call.body
    wanted = Person(id="", login=body.login, name=body.name.strip(), created_at=0)
    person, used = await call.accounts.newcomers.sign_up(
        wanted, body.password, body.invitation, call.caller.home
    )
    if used is not None:
        await call.reception.seat_newcomer(used, person.id)
    return await _begun(call, person)


async def reset(call: Call) -> Answer:
    body: a.Reset = call.body
    person = await call.accounts.reset(body.code, body.password, call.address)
    return await _begun(call, person)


async def _begun(call: Call, person: Person) -> Answer:
    text, identity = await call.accounts.begin(person, address=call.address, agent=call.agent)
    return Answer(body=_me(person, identity.way), session=text)


async def welcome(call: Call) -> Answer:
    """What an invitation is to; it is not used by looking."""
    found = await call.accounts.newcomers.invited(call.body.invitation)
    return Answer(body=a.Welcomed(board=found.board, role=found.role))


async def accept(call: Call) -> Answer:
    used = await call.reception.accept(call.body.invitation, call.identity.user.id)
    return Answer(body=a.Welcomed(board=used.board, role=used.role))


# -- me


def _me(person: Person, way: str) -> a.Me:
    return view_of(a.Me, person, way=way)


async def me(call: Call) -> Answer:
    who = call.identity
    if call.app.accounts is None:
        return Answer(body=a.Me(id=who.user.id, name=who.user.name, login="", admin=True, way=who.way))
    return Answer(body=_me(await call.accounts.people.need(who.user.id), who.way))


async def rename(call: Call) -> Answer:
    person = await call.accounts.rename(call.identity, call.body.name.strip())
    return Answer(body=_me(person, call.identity.way))


async def change_password(call: Call) -> Answer:
    body: a.PasswordChange = call.body
    await call.accounts.change_password(
        call.identity,
        body.current,
        body.password,
        address=call.address,
        home=call.caller.home,
        end_tokens=body.end_tokens,
    )
    return Answer()


async def list_sessions(call: Call) -> Answer:
    mine = call.identity
    kept = await call.accounts.sessions.of(mine.user.id, call.accounts.clock())
    shown = [
        view_of(a.Session, one, agent=one.name, current=one.id == mine.credential) for one in reversed(kept)
    ]
    return Answer(body=page_of(call, shown))


async def end_session(call: Call) -> Answer:
    await call.accounts.end_session(call.identity, call.path["session"])
    return Answer()


async def list_tokens(call: Call) -> Answer:
    kept = await call.accounts.tokens.of(call.identity.user.id, call.accounts.clock())
    return Answer(body=page_of(call, [view_of(a.Token, one) for one in reversed(kept)]))


async def make_token(call: Call) -> Answer:
    body: a.NewToken = call.body
    now = call.accounts.clock()
    wanted = Secret(
        id="",
        user=call.identity.user.id,
        hash="",
        name=body.name.strip(),
        created_at=now,
        expires_at=now + body.days * DAY_MS,
        boards=body.boards,
        write=body.write,
    )
    text, made = await call.accounts.make_token(call.identity, wanted)
    return Answer(body=a.MadeToken(token=view_of(a.Token, made), text=text))


async def end_token(call: Call) -> Answer:
    await call.accounts.end_token(call.identity, call.path["token"])
    return Answer()


_row = partial(row, "Account", of_board=False)
ENDPOINTS = also_refused(
    Conflict,  # where there are no accounts
    _row("GET", "/api/entrance", entrance, "What somebody at the door can do", a.Entrance),
    _row("POST", "/api/session", sign_in, "Sign in; the answer sets a cookie", a.Me, body=a.SignIn),
    _row("DELETE", "/api/session", sign_out, "Sign out"),
    _row("POST", "/api/setup", set_up, "Make the first account", a.Me, body=a.FirstAccount, status=201),
    _row(
        "POST",
        "/api/sign-up",
        sign_up,
        "Make an account; the answer sets a cookie",
        a.Me,
        body=a.NewAccount,
        status=201,
        refusals=(NotFound, LimitExceeded),
    ),
    _row("POST", "/api/reset", reset, "Set a password by a one-time address", a.Me, body=a.Reset),
    _row(
        "POST",
        "/api/welcome",
        welcome,
        "What an invitation leads to",
        a.Welcomed,
        body=a.InvitationText,
        refusals=(NotFound, LimitExceeded),
    ),
    _row(
        "POST",
        "/api/invitations/accept",
        accept,
        "Come on to a board by an invitation",
        a.Welcomed,
        body=a.InvitationText,
        refusals=(NotFound, LimitExceeded),
    ),
    _row("GET", "/api/me", me, "Who asks", a.Me),
    _row("PATCH", "/api/me", rename, "Call oneself something else", a.Me, body=a.MeEdit),
    _row(
        "POST",
        "/api/me/password",
        change_password,
        "Change the password; all other sessions end",
        body=a.PasswordChange,
    ),
    _row(
        "GET",
        "/api/me/sessions",
        list_sessions,
        "Where one is signed in, newest first",
        Page[a.Session],
        query=ListQuery,
    ),
    _row("DELETE", "/api/me/sessions/{session}", end_session, "Sign out somewhere else"),
    _row(
        "GET", "/api/me/tokens", list_tokens, "One's API tokens, newest first", Page[a.Token], query=ListQuery
    ),
    _row(
        "POST",
        "/api/me/tokens",
        make_token,
        "Make an API token, which is shown once",
        a.MadeToken,
        body=a.NewToken,
        status=201,
        refusals=(LimitExceeded,),
    ),
    _row("DELETE", "/api/me/tokens/{token}", end_token, "Revoke an API token"),
)
