"""Tokens of an identity provider, signed here with keys of the tests' own."""

import asyncio
import json
import time
import warnings
from http.client import BadStatusLine
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwk, jws, jwt
from joserfc.errors import SecurityWarning

from server.accounts.outside import (
    AGAIN_S,
    FRESH_S,
    STALE_S,
    Keys,
    Outside,
    OutsideSettings,
    fetch_from,
    parse_keys,
)
from server.errors import Unauthenticated, Unavailable
from tests.accounts.town import Visitor, instance
from tests.support import on_loop

ISSUER, AUDIENCE = "https://id.example", "boardcast"
NOW = 1_800_000_000
RSA = jwk.RSAKey.generate_key(2048, {"kid": "r1"})
EC = jwk.ECKey.generate_key("P-256", {"kid": "e1"})
ED = jwk.OKPKey.generate_key("Ed25519", {"kid": "d1"})
OTHER = jwk.RSAKey.generate_key(2048, {"kid": "r1"})
SECRET = jwk.OctKey.generate_key(256, {"kid": "s1"})


def key_set(*keys: Any, **more: Any) -> bytes:
    return json.dumps({"keys": [{**key.as_dict(private=False), **more} for key in keys]}).encode()


JWKS = key_set(RSA, EC, ED)


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = None, **claims: Any) -> str:
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada-1", "exp": NOW + 600, "iat": NOW, "name": "Ada"}
    body = {name: value for name, value in (usual | claims).items() if value is not None}
    header = {"alg": algorithm, "kid": key.kid if kid is None else kid}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # EdDSA has a new name that few use yet
        return str(jwt.encode(header, body, key, algorithms=[algorithm]))


def outside(data: bytes = JWKS) -> Outside:
    async def fetch() -> bytes:
        return data

    settings = OutsideSettings(issuer=ISSUER, audience=AUDIENCE, jwks="")
    return Outside(settings, Keys(fetch), lambda: NOW * 1000)


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")], ids=["RSA", "EC", "Ed25519"]
)
def test_a_token_that_is_right_in_everything_is_somebody(key: Any, algorithm: str) -> None:
    subject = asyncio.run(outside().judge(token(key, algorithm, aud=["other", AUDIENCE])))
    assert (subject.issuer, subject.subject, subject.name) == (ISSUER, "ada-1", "Ada")
    assert subject.expires_at == (NOW + 600) * 1000


WRONG = {
    "another issuer": token(iss="https://evil.example"),
    "another audience": token(aud="somebody else"),
    "an issuer that only begins alike": token(iss=ISSUER + ".evil.example"),
    "no issuer": token(iss=None),
    "no audience": token(aud=None),
    "no subject": token(sub=None),
    "no end": token(exp=None),
    "expired": token(exp=NOW - 60),
    "not yet": token(nbf=NOW + 600),
    "from the future": token(iat=NOW + 600),
    "another key under the same name": token(OTHER),
    "a key that is not listed": token(kid="r9"),
    "another algorithm with the right key": token(RSA, "RS512"),
    "no key of the set's name": token(EC, "ES256", kid="r1"),
    "nonsense": "a.b.c",
    "an empty signature": token().rpartition(".")[0] + ".",
    "no signature at all": "eyJhbGciOiJub25lIiwia2lkIjoicjEifQ." + token().split(".")[1] + ".",
    "the public key as a shared secret": str(
        jwt.encode(
            {"alg": "HS256", "kid": "r1"},
            {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada-1", "exp": NOW + 600},
            jwk.OctKey.import_key(json.dumps(RSA.as_dict(private=False))),
            algorithms=["HS256"],
        )
    ),
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_whatever_else_is_nobody(text: str) -> None:
    with pytest.raises(Unauthenticated):
        asyncio.run(outside().judge(text))


def test_a_key_is_used_with_the_algorithm_that_the_set_names_for_it_alone() -> None:
    named = outside(key_set(RSA, alg="PS256"))
    asyncio.run(named.judge(token(RSA, "PS256")))
    with pytest.raises(Unauthenticated):
        asyncio.run(named.judge(token(RSA, "RS256")))
    assert parse_keys(key_set(SECRET)) == {}, "a shared secret is no key here"
    assert parse_keys(key_set(RSA, use="enc")) == {}, "nor is one for encryption"


class Provider:
    """Counts how often it is asked; `now`: seconds."""

    def __init__(self, data: bytes) -> None:
        self.data, self.asked, self.now = data, 0, 0.0
        self.wrong: Exception | None = None

    async def fetch(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        if self.wrong is not None:
            raise self.wrong
        if not self.data:
            raise OSError("away")
        return self.data

    def keys(self) -> Keys:
        return Keys(self.fetch, lambda: self.now)


@on_loop
async def test_keys_are_fetched_now_and_then_and_once_for_all_who_wait() -> None:
    provider = Provider(key_set(RSA))
    keys = provider.keys()
    await asyncio.gather(*(keys.get("r1") for _ in range(10)))
    assert provider.asked == 1
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await keys.get("e1")
    assert provider.asked == 1, "unknown names do not make it be asked again and again"
    provider.data, provider.now = key_set(EC), AGAIN_S + 1
    await keys.get("e1")
    assert provider.asked == 2, "a new key is found"
    with pytest.raises(Unauthenticated):
        await keys.get("r1")


@on_loop
async def test_a_provider_that_is_away_leaves_its_keys_in_force_for_a_day() -> None:
    provider = Provider(b"")
    keys = provider.keys()
    with pytest.raises(Unavailable):
        await keys.get("r1")
    provider.data, provider.now = JWKS, AGAIN_S + 1
    await keys.get("r1")
    provider.data, provider.now = b"", provider.now + FRESH_S + 1
    await keys.get("r1")
    provider.data, provider.now = b"[1]", provider.now + AGAIN_S + 1
    await keys.get("r1")
    provider.wrong, provider.now = BadStatusLine("nonsense"), provider.now + AGAIN_S + 1
    await keys.get("r1")
    provider.now += STALE_S
    with pytest.raises(Unavailable):
        await keys.get("r1")


@on_loop
async def test_keys_come_from_a_file_or_by_http_and_follow_no_redirect(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(JWKS)
    assert await fetch_from(str(path))() == JWKS

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        moved = b"/moved" in head.split(b"\r\n")[0]
        status = b"302 Found\r\nLocation: http://127.0.0.1:1/" if moved else b"200 OK"
        writer.write(b"HTTP/1.0 " + status + b"\r\n\r\n" + JWKS)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await fetch_from(f"{base}/keys")() == JWKS
        with pytest.raises(OSError, match="302"):
            await fetch_from(f"{base}/moved")()


@on_loop
async def test_a_subject_is_joined_to_an_account_or_gets_one(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_bytes(JWKS)
    settings = {
        "IDENTITY__ISSUER": ISSUER,
        "IDENTITY__AUDIENCE": AUDIENCE,
        "IDENTITY__JWKS": str(keys),
        "IDENTITY__CREATE": "true",
    }
    fresh = {"exp": int(time.time()) + 600, "iat": int(time.time())}
    async with instance(tmp_path / "data", **settings) as town:
        program = Visitor(town.url, token(**fresh, sub="s-1", preferred_username="ada", name="Other Ada"))
        me = await program.ok("GET", "/api/me")
        assert me["way"] == "outside" and me["name"] == "Other Ada"
        assert me["login"].startswith("ada-") and me["id"] != town.ada.id, "a name alone joins nobody"
        assert (await program.ok("GET", "/api/me"))["id"] == me["id"]
        assert (await program.get("/api/me/sessions")).status == 403
        accounts = town.app.accounts
        assert accounts is not None and accounts.subjects is not None
        await accounts.subjects.link(town.ada.id, "s-2")
        linked = Visitor(town.url, token(**fresh, sub="s-2"))
        assert (await linked.ok("GET", "/api/me"))["id"] == town.ada.id
        socket = await linked.joined("demo")
        await accounts.change_person("ada", disabled=True)
        assert (await socket.closed()).code == 4501
        assert (await linked.get("/api/me")).status == 401
    async with instance(tmp_path / "strict", **settings | {"IDENTITY__CREATE": "false"}) as town:
        refused = await Visitor(town.url, token(**fresh, sub="s-1")).get("/api/me")
        assert refused.status == 401 and "user link" in refused.body["error"]["message"]


@on_loop
async def test_a_key_that_is_known_waits_for_no_provider() -> None:
    now, asked, hangs = [0.0], asyncio.Event(), asyncio.Event()

    async def fetch() -> bytes:
        if now[0] > 0:
            asked.set()
            await hangs.wait()
        return JWKS

    keys = Keys(fetch, lambda: now[0])
    await keys.get("r1")
    now[0] = FRESH_S + 1
    await keys.get("r1")
    await asked.wait()
    await keys.get("e1")
    hangs.set()


@pytest.mark.parametrize("sub", ["\ud800", "a\x00b", 7])
@on_loop
async def test_a_subject_that_is_no_text_is_nobody(sub: Any) -> None:
    with pytest.raises(Unauthenticated):
        await outside().judge(signed(sub=sub))
    assert (await outside().judge(signed(sub="ada-1", name="\ud800"))).name == "ada-1"


def signed(**claims: Any) -> str:
    """As `token`, of claims that joserfc would not write."""
    body = json.dumps({"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 600} | claims).encode()
    return str(jws.serialize_compact({"alg": "RS256", "kid": RSA.kid}, body, RSA))
