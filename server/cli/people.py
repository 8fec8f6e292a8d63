"""`user` and `token`: accounts, for whoever runs the server; also while it runs.

What is changed here reaches open pages within two seconds: the server reads it in its store.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from server.accounts.audit import DAY_MS
from server.accounts.desk import Accounts
from server.app import now_ms
from server.backends import accounts_of
from server.cli.group import CONFIGURATION, FAILED, data_options, fail, load
from server.config import Config
from server.errors import BoardcastError, in_words
from server.model.accounts import AuditEntry, Login, Person, Secret
from server.model.messages import User
from server.stores import Failed, Store, TooNew, Unusable

BY_HAND = User("system", "command line")
LINE = "{login:<24} {name:<30} {id}  {marks}"


def plain(text: str) -> str:
    """What people call things, fit for a terminal: without what would steer it, or begin another line."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _run(
    config: Path | None,
    flags: dict[str, object],
    work: Callable[[Accounts, Config], Awaitable[None]],
    *,
    fresh: bool = False,
) -> None:
    """Do `work` on the data; the command ends with one line when that fails. `fresh`: it may begin them."""
    loaded = load(config, flags)
    if loaded.auth.mode == "open":
        fail(CONFIGURATION, "configuration: auth.mode is open: there are no accounts; set it to accounts")
    if not (fresh or loaded.shares_store or loaded.sqlite_path.exists()):
        where = loaded.sqlite_path.parent
        fail(FAILED, f"there is no data in {where}; is --data right? `user add` and `serve` begin it")
    try:
        asyncio.run(_with_accounts(loaded, work))
    except TooNew as error:
        fail(CONFIGURATION, f"data: {error}")
    except BoardcastError as error:
        fail(FAILED, error.message)
    except Unusable as error:
        fail(CONFIGURATION, f"configuration: {error}")
    except (Failed, OSError) as error:
        fail(FAILED, f"cannot do that: {in_words(error)}")


async def _with_accounts(config: Config, work: Callable[[Accounts, Config], Awaitable[None]]) -> None:
    store = _store(config)
    await store.start()
    accounts = accounts_of(config, store, now_ms)
    assert accounts is not None
    try:
        await work(accounts, config)
    finally:
        accounts.close()
        await store.close()


def _store(config: Config) -> Store:
    if config.shares_store:
        from server.stores.mongo import MongoStore

        return MongoStore(config.store.url, deadline_s=config.store.deadline_s)
    from server.stores.sqlite import SqliteStore

    # A server may have the directory. SQLite lets both write in turn, and entries have versions of their own.
    return SqliteStore(config.sqlite_path, deadline_s=config.store.deadline_s, exclusive=False)


async def _need(accounts: Accounts, login: str) -> Person:
    person = await accounts.people.named(login.lower())
    if person is None:
        fail(FAILED, f"there is no account {login!r}; `user list` shows all")
    return person


async def _note(accounts: Accounts, what: str, about: str) -> None:
    await accounts.audit.write(AuditEntry(at=now_ms(), who=BY_HAND, what=what, about=about))


def note_by_hand(config: Config, what: Sequence[tuple[str, str, str]]) -> None:
    """Write into the audit record what was done to boards: (board, what, about). Raises `Failed`."""

    async def work(accounts: Accounts, _: Config) -> None:
        for board, done, about in what:
            entry = AuditEntry(at=now_ms(), who=BY_HAND, what=done, about=about, board=board)
            await accounts.audit.write(entry)

    asyncio.run(_with_accounts(config, work))


async def _print_reset(accounts: Accounts, config: Config, person: Person) -> None:
    code = await accounts.reset_code(person)
    click.echo(f"{person.login} sets a password here, once, within a day:")
    click.echo(f"{_address(config)}/account/reset#{code}")


def _address(config: Config) -> str:
    from handlers.listening import address_of

    server = config.server
    return config.auth.address or address_of(server.host, server.port, tls=bool(config.tls.certificate))


@click.group()
def user() -> None:
    """People's accounts."""


@user.command("list")
@data_options
def list_users(config: Path | None, **flags: object) -> None:
    """Show all accounts."""

    async def work(accounts: Accounts, _: Config) -> None:
        for person in await accounts.people.all():
            marks = [name for name in ("admin", "disabled") if getattr(person, name)]
            shown = LINE.format(
                login=person.login, name=plain(person.name), id=person.id, marks=" ".join(marks)
            )
            click.echo(shown.rstrip())

    _run(config, flags, work)


@user.command()
@data_options
@click.option("--name", help="What others see. [default: LOGIN]")
@click.option("--admin", is_flag=True, help="May see and change every board and account.")
@click.argument("login")
def add(login: str, name: str | None, admin: bool, config: Path | None, **flags: object) -> None:
    """Make an account LOGIN, and print the one-time address where its password is set."""
    try:
        login = msgspec.convert(login.lower(), Login)
    except msgspec.ValidationError:
        fail(2, "LOGIN is 1-64 of a-z 0-9 . _ @ + - and begins with a letter or digit")

    async def work(accounts: Accounts, loaded: Config) -> None:
        wanted = Person(id="", login=login, name=name or login, created_at=now_ms(), admin=admin)
        person = await accounts.people.add(wanted)
        await _note(accounts, "account", login)
        await _print_reset(accounts, loaded, person)

    _run(config, flags, work, fresh=True)


@user.command()
@data_options
@click.argument("login")
def reset(login: str, config: Path | None, **flags: object) -> None:
    """Print a one-time address where LOGIN sets a new password. It is used by whoever opens it first."""

    async def work(accounts: Accounts, loaded: Config) -> None:
        person = await _need(accounts, login)
        await _note(accounts, "reset address", person.login)
        await _print_reset(accounts, loaded, person)

    _run(config, flags, work)


def _change(name: str, help: str, said: str, **fields: bool) -> None:
    """A command that changes what an account may."""

    @user.command(name, help=help)
    @data_options
    @click.argument("login")
    def command(login: str, config: Path | None, **flags: object) -> None:
        async def work(accounts: Accounts, _: Config) -> None:
            person = await _need(accounts, login)
            await accounts.change_person(person.login, **fields)
            await _note(accounts, said, person.login)
            click.echo(f"{person.login}: {said}")

        _run(config, flags, work)


_change("disable", "End all that LOGIN has open, and let nobody in as them.", "disabled", disabled=True)
_change("enable", "Let LOGIN in again.", "enabled", disabled=False)
_change("promote", "Make LOGIN an administrator.", "administrator", admin=True)
_change("demote", "Make LOGIN an administrator no longer.", "no administrator", admin=False)


@user.command()
@data_options
@click.argument("login")
@click.argument("subject")
def link(login: str, subject: str, config: Path | None, **flags: object) -> None:
    """Let tokens of the identity provider about SUBJECT (their `sub`) be LOGIN."""

    async def work(accounts: Accounts, _: Config) -> None:
        person = await _need(accounts, login)
        if accounts.subjects is None:
            fail(CONFIGURATION, "configuration: identity.issuer is empty: no provider is known")
        await accounts.subjects.link(person.id, subject)
        await _note(accounts, "linked", f"{person.login}: {subject}")
        click.echo(f"{person.login}: linked to {subject}")

    _run(config, flags, work)


@click.group()
def token() -> None:
    """API tokens of people, for programs."""


@token.command("make")
@data_options
@click.option("--name", default="made on the command line", help="What it is for.")
@click.option("--board", "boards", multiple=True, metavar="ID", help="Only this board. May be repeated.")
@click.option("--write", is_flag=True, help="Let it change boards; else it reads.")
@click.option("--days", default=90, type=click.IntRange(1, 400), help="Until it ends. [default: 90]")
@click.argument("login")
def make_token(
    login: str,
    name: str,
    boards: tuple[str, ...],
    write: bool,
    days: int,
    config: Path | None,
    **flags: object,
) -> None:
    """Make a token for LOGIN and print it, this once."""

    async def work(accounts: Accounts, _: Config) -> None:
        person = await _need(accounts, login)
        now = now_ms()
        wanted = Secret(
            id="",
            user=person.id,
            hash="",
            name=name,
            created_at=now,
            expires_at=now + days * DAY_MS,
            boards=boards or None,
            write=write,
        )
        text, _made = await accounts.tokens.issue(wanted)
        await _note(accounts, "token made", f"{person.login}: {name}")
        click.echo(text)

    _run(config, flags, work)


@token.command("list")
@data_options
@click.argument("login")
def list_tokens(login: str, config: Path | None, **flags: object) -> None:
    """Show the tokens of LOGIN, without their texts."""

    async def work(accounts: Accounts, _: Config) -> None:
        for one in await accounts.tokens.of((await _need(accounts, login)).id, now_ms()):
            scope = "writes" if one.write else "reads"
            where = "every board" if one.boards is None else ", ".join(one.boards)
            until = datetime.fromtimestamp(one.expires_at / 1000, UTC).date()
            click.echo(f"{one.id}  {scope} {where}, until {until}: {plain(one.name)}")

    _run(config, flags, work)


@token.command("revoke")
@data_options
@click.argument("login")
@click.argument("id")
def revoke_token(login: str, id: str, config: Path | None, **flags: object) -> None:
    """End the token ID of LOGIN."""

    async def work(accounts: Accounts, _: Config) -> None:
        person = await _need(accounts, login)
        if not await accounts.tokens.revoke(person.id, id):
            fail(FAILED, f"{login} has no token {id!r}")
        await _note(accounts, "token revoked", f"{person.login}: {id}")
        await accounts.tell(person.id)
        click.echo(f"revoked {id}")

    _run(config, flags, work)
