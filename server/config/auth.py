"""The settings of who may come in, and of outside identities."""

from typing import Annotated, Literal

from msgspec import Meta

from server.config.kinds import Section


class AuthSection(Section, frozen=True, kw_only=True):
    title = "Who may come in"

    mode: Annotated[
        Literal["open", "accounts"],
        Meta(
            description="`open`: each visitor picks a name and may do everything. `accounts`: people sign "
            "in, and each board has members with roles. The first start prints a one-time address for the "
            "first account.",
            extra={"allowed": "open or accounts"},
        ),
    ] = "open"
    open_to_network: Annotated[
        bool,
        Meta(
            description="Allows `open` on an address that is not loopback. Whoever reaches the port may "
            "then read and change every board.",
        ),
    ] = False
    address: Annotated[
        str,
        Meta(
            pattern=r"\A(https?://[^\s/]+)?\Z",
            description="The address under which people reach the server, as `https://board.example`; for "
            "the links that it prints. Empty: made from `server.host` and `server.port`.",
            extra={"allowed": "empty, or scheme://host[:port]"},
        ),
    ] = ""
    sign_up: Annotated[
        Literal["off", "invitation", "open"],
        Meta(
            description="Who may make an account: nobody (`user add` still does), whoever has an invitation, "
            "or whoever finds the page.",
            extra={"allowed": "off, invitation or open"},
        ),
    ] = "invitation"
    session_days: Annotated[
        int, Meta(ge=1, le=400, description="Days after which somebody has to sign in again.")
    ] = 30
    audit_days: Annotated[
        int,
        Meta(ge=1, le=3650, description="Days for which the record of sign-ins, tokens and roles is kept."),
    ] = 365


class IdentitySection(Section, frozen=True, kw_only=True):
    title = "Tokens of an OpenID provider, for programs that have one; with `auth.mode: accounts`"

    issuer: Annotated[
        str,
        Meta(
            description="The provider, as `iss` of its tokens names it. Empty: no such token is taken.",
            extra={"allowed": "text"},
        ),
    ] = ""
    audience: Annotated[
        str,
        Meta(
            description="What `aud` of a token must name: this installation, as the provider knows it.",
            extra={"allowed": "text"},
        ),
    ] = ""
    jwks: Annotated[
        str,
        Meta(
            description="The provider's keys (JWKS): an `https://` address, which is asked now and then, or "
            "the path of a file. `http://` is for this machine only.",
            extra={"allowed": "https://<address>, or the path of a file"},
        ),
    ] = ""
    create: Annotated[
        bool,
        Meta(
            description="Whoever the provider vouches for gets an account. Else `user link` joins a subject "
            "to an account.",
        ),
    ] = False
