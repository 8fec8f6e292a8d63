"""Tokens of an OpenID provider: whose they are. Signature, issuer, audience and time must all be right.

A key is used with one algorithm: the one that the key set names for it, else the usual one of its type. What
the token says about its algorithm chooses nothing. Shared secrets are no keys here.
"""

import asyncio
import base64
import binascii
import json
import logging
import time
import urllib.request
import warnings
from collections.abc import Awaitable, Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeGuard

import msgspec
from joserfc import jwk, jwt
from joserfc.errors import JoseError, SecurityWarning
from msgspec import Struct

from server.errors import Unauthenticated, Unavailable

log = logging.getLogger(__name__)
Fetch = Callable[[], Awaitable[bytes]]
"""Brings the key set. Raises OSError."""

FRESH_S = 600.0
"""A key set is used for so long before it is fetched again."""
AGAIN_S = 30.0
"""An unknown key, or a provider that does not answer, makes it be fetched again no sooner."""
STALE_S = 86_400.0
"""For so long the keys of a provider that does not answer are used."""
LEEWAY_S = 30
MOST_BYTES = 1 << 20
FETCH_S = 5.0
_USUAL = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("EC", "P-384"): "ES384",
    ("OKP", "Ed25519"): "EdDSA",
}
_ALLOWED = {
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
}


class OutsideSettings(Struct, frozen=True, kw_only=True):
    """See `identity` in config.yaml. `jwks`: the path of a file, or an address."""

    issuer: str
    audience: str
    jwks: str


class Subject(Struct, frozen=True, kw_only=True):
    """Whom a token is about, in the provider's words. `expires_at`: ms."""

    issuer: str
    subject: str
    name: str
    login: str
    expires_at: int


class _Header(Struct, frozen=True):
    alg: str
    kid: str | None = None


class _Key(Struct, frozen=True):
    key: Any
    algorithm: str


class Keys:
    """A provider's keys, by their `kid`; None: of a key without."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[str | None, _Key] = {}
        self._fetched = self._tried = -STALE_S
        self._fetching: asyncio.Task[None] | None = None

    async def get(self, kid: str | None) -> _Key:
        """Raises `Unauthenticated` for a key that there is not, `Unavailable` when none can be had."""
        age = self._clock() - self._fetched
        if kid not in self._keys or age > STALE_S:
            await self._renew()
        elif age > FRESH_S:
            self._begin()  # nobody waits for it: the key is known
        if not self._keys or self._clock() - self._fetched > STALE_S:
            raise Unavailable("the keys of the identity provider cannot be had")
        if kid not in self._keys:
            raise Unauthenticated("the token is signed with a key that is not the provider's")
        return self._keys[kid]

    async def _renew(self) -> None:
        """One fetch for all who ask meanwhile."""
        if (fetching := self._begin()) is not None:
            await asyncio.shield(fetching)

    def _begin(self) -> asyncio.Task[None] | None:
        """None: it was tried only just now."""
        if self._fetching is None and self._clock() - self._tried >= AGAIN_S:
            self._tried = self._clock()
            self._fetching = asyncio.create_task(self._take(), name="fetch keys")
        return self._fetching

    async def _take(self) -> None:
        try:
            async with asyncio.timeout(FETCH_S):
                found = parse_keys(await self._fetch())
            self._keys, self._fetched = found, self._clock()
        except (OSError, ValueError, HTTPException) as error:
            log.warning("the keys of the identity provider could not be read: %s", error)
        finally:
            self._fetching = None


def parse_keys(data: bytes) -> Mapping[str | None, _Key]:
    """The keys of a JWKS that can be used, each with its algorithm. Raises ValueError."""
    try:
        listed = json.loads(data)["keys"]
        return {entry.get("kid"): key for entry in listed if (key := _usable(entry)) is not None}
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"it is no key set: {error!r}") from error


def _usable(entry: Mapping[str, Any]) -> _Key | None:
    usual = _USUAL.get((entry.get("kty", ""), entry.get("crv")))
    algorithm = entry.get("alg", usual)
    if entry.get("use", "sig") != "sig" or algorithm not in _ALLOWED or entry.get("kty") == "oct":
        return None
    try:
        return _Key(jwk.import_key(dict(entry)), algorithm)
    except (JoseError, ValueError) as error:
        log.warning("a key of the identity provider cannot be used: %s", error)
        return None


class Outside:
    """Judges tokens of one issuer for one audience. `clock`: milliseconds since 1970."""

    def __init__(self, settings: OutsideSettings, keys: Keys, clock: Callable[[], int]) -> None:
        self.issuer = settings.issuer
        self._settings = settings
        self._keys = keys
        self._clock = clock

    async def judge(self, token: str) -> Subject:
        """Raises `Unauthenticated` with a reason that helps an honest program, `Unavailable`."""
        key = await self._keys.get(_header(token).kid)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SecurityWarning)  # EdDSA has a new name that few use yet
                claims = jwt.decode(token, key.key, algorithms=[key.algorithm]).claims
            self._registry().validate(claims)
        except (JoseError, ValueError) as error:
            raise Unauthenticated(f"the token is not accepted: {error}") from None
        if not _whole(claims["sub"]):
            raise Unauthenticated("the token is not accepted: its sub is no text")
        return Subject(
            issuer=claims["iss"],
            subject=claims["sub"],
            name=_text(claims, "name") or _text(claims, "preferred_username") or claims["sub"],
            login=_text(claims, "preferred_username") or _text(claims, "email"),
            expires_at=int(claims["exp"] * 1000),
        )

    def _registry(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=self._clock() // 1000,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.audience},
            sub={"essential": True},
            exp={"essential": True},
        )


def _text(claims: Mapping[str, Any], name: str) -> str:
    found = claims.get(name)
    return found.strip()[:100] if _whole(found) else ""


def _whole(claim: object) -> TypeGuard[str]:
    """A text of characters that can be seen: half of one (a lone surrogate) is none, either."""
    return isinstance(claim, str) and claim.isprintable()


def _header(token: str) -> _Header:
    part = token.partition(".")[0]
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), type=_Header)
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise Unauthenticated("the token cannot be read") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def fetch_from(place: str) -> Fetch:
    """Reads a file, or asks an address without going where it may be sent."""

    def read() -> bytes:
        if not place.startswith(("https://", "http://")):
            return Path(place).read_bytes()
        opener, end, data = urllib.request.build_opener(_NoRedirect), time.monotonic() + FETCH_S, bytearray()
        with opener.open(place, timeout=FETCH_S) as answer:
            while len(data) < MOST_BYTES and (piece := answer.read1(MOST_BYTES - len(data))):
                data += piece
                if time.monotonic() > end:
                    raise TimeoutError("the provider sends its keys too slowly")
        return bytes(data)

    async def fetch() -> bytes:
        return await asyncio.to_thread(read)

    return fetch
