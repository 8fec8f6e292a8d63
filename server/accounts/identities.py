"""Who asks: whose a session, a token of ours or one of an identity provider is, and what it lets them do."""

import hashlib
import time
from collections.abc import Callable, Mapping

from server.accounts.credentials import SESSION, TOKEN, Credentials, Parsed, parse
from server.accounts.outside import Outside
from server.accounts.people import People
from server.accounts.subjects import Subjects
from server.errors import Unauthenticated
from server.model.accounts import Grant, Identity, Person, Secret, Way
from server.model.messages import User

TRUSTED_S = 1.0
"""How long an answer about a credential holds. What is revoked here ends here at once."""
MOST_TRUSTED = 4096


class Identities:
    """`shelves`: sessions and tokens, by prefix. `clock`: milliseconds since 1970.

    Methods raise `Unavailable` when the store does not answer.
    """

    def __init__(
        self,
        people: People,
        shelves: Mapping[str, Credentials],
        clock: Callable[[], int],
        outside: Outside | None,
        subjects: Subjects | None,
    ) -> None:
        self._people = people
        self._shelves = shelves
        self._clock = clock
        self._outside = outside
        self._subjects = subjects
        self._trusted: dict[bytes, tuple[Identity, float]] = {}

    async def identify(self, text: str) -> Identity:
        """Whose session or token it is. Raises `Unauthenticated`, saying what to do."""
        digest, now = hashlib.sha256(text.encode()).digest(), time.monotonic()
        known = self._trusted.get(digest)
        if known is not None and now - known[1] < TRUSTED_S and not self._ended(known[0]):
            return known[0]
        found = await self._identify(text)
        if len(self._trusted) >= MOST_TRUSTED:
            self._trusted.clear()
        self._trusted[digest] = (found, now)
        return found

    async def _identify(self, text: str) -> Identity:
        parsed = parse(text)
        if parsed is None:
            if self._outside is None or self._subjects is None or text.count(".") != 2:
                raise Unauthenticated("the token is not known here; make one on the page of your account")
            subject = await self._outside.judge(text)
            person = await self._subjects.person(subject, self._clock())
            return identity_of(person, "outside", "", subject.expires_at)
        return await self._by_secret(parsed)

    async def _by_secret(self, parsed: Parsed) -> Identity:
        signed_in = parsed.prefix == SESSION
        secret = await self._shelves[parsed.prefix].find(parsed, self._clock())
        person = None if secret is None else await self._people.get(parsed.user)
        if secret is None or person is None or not _holds(person, secret):
            again = "sign in again" if signed_in else "make another one on the page of your account"
            raise Unauthenticated(f"the {'session' if signed_in else 'token'} has ended; {again}")
        return identity_of(person, "session" if signed_in else "token", secret.id, secret.expires_at, secret)

    async def confirm(self, identity: Identity) -> Identity | None:
        """What `identity` is by now; None: it has ended. For whoever stays connected."""
        person = await self._people.get(identity.user.id)
        if person is None or person.disabled or self._ended(identity):
            return None
        if identity.way == "outside":
            return identity_of(person, "outside", "", identity.expires_at)
        shelf = self._shelves[SESSION if identity.way == "session" else TOKEN]
        found = [one for one in await shelf.of(person.id, self._clock()) if one.id == identity.credential]
        if not found or not _holds(person, found[0]):
            return None
        return identity_of(person, identity.way, found[0].id, found[0].expires_at, found[0])

    def _ended(self, identity: Identity) -> bool:
        return identity.expires_at is not None and identity.expires_at <= self._clock()

    def forget(self, user: str) -> None:
        """What was believed of a user is asked anew."""
        self._trusted = {key: known for key, known in self._trusted.items() if known[0].user.id != user}


def user_of(person: Person) -> User:
    """Whom others see."""
    return User(person.id, person.name)


def _holds(person: Person, secret: Secret) -> bool:
    return not person.disabled and secret.created_at >= person.since


def identity_of(
    person: Person,
    way: Way,
    credential: str,
    expires_at: int | None,
    secret: Secret | None = None,
) -> Identity:
    """What somebody may who came in that way. Raises `Unauthenticated` for a disabled account."""
    scope = None if secret is None or secret.boards is None else frozenset(secret.boards)
    grant = Grant(
        account=True,
        admin=person.admin,
        boards=scope,
        write=secret is None or secret.write,
        own=way == "session",
    )
    if person.disabled:
        raise Unauthenticated("the account is disabled; ask whoever runs this server")
    return Identity(user=user_of(person), way=way, grant=grant, credential=credential, expires_at=expires_at)
