"""The settings of TLS, where no proxy in front does it."""

from typing import Annotated

from msgspec import Meta

from server.config.kinds import Section


class TlsSection(Section, frozen=True, kw_only=True):
    title = "TLS by the server itself; with a proxy in front that does it, leave both files empty"

    certificate: Annotated[
        str,
        Meta(
            description="File with the certificate and those that lead to its authority, in PEM. Empty: "
            "plain HTTP. SIGHUP reads both files again.",
            extra={"allowed": "empty, or a file"},
        ),
    ] = ""
    key: Annotated[
        str,
        Meta(
            description="File with the private key of the certificate, in PEM, without a passphrase.",
            extra={"allowed": "empty, or a file"},
        ),
    ] = ""
    hsts_s: Annotated[
        int,
        Meta(
            ge=0,
            le=63_072_000,
            description="Seconds for which browsers that came by TLS are told to come by TLS only "
            "(Strict-Transport-Security). 0: they are not told.",
        ),
    ] = 31_536_000
