"""TLS without a proxy: one context for the server's life, whose certificate can be changed under way."""

import ssl
from pathlib import Path

import structlog

from server.config import Config

log = structlog.stdlib.get_logger("tls")
RENEGOTIATION_OFF = ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION


class Certificate:
    """The certificate and key that the configuration names, and the `context` that presents them."""

    def __init__(self, certificate: str, key: str) -> None:
        """Raises OSError that names the file and the setting."""
        self._files = certificate, key
        self.context = _context(certificate, key)

    @classmethod
    def of(cls, config: Config) -> "Certificate | None":
        """None: plain HTTP."""
        return cls(config.tls.certificate, config.tls.key) if config.tls.certificate else None

    def reload(self) -> bool:
        """Read both files again, for connections to come. What cannot be used changes nothing."""
        try:
            _context(*self._files)  # half of a pair must not get into the context that is in use
            self.context.load_cert_chain(*self._files)
        except OSError as error:
            log.error("the certificate was not changed", reason=str(error))
            return False
        log.info("the certificate was read again", certificate=self._files[0])
        return True


def _context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= RENEGOTIATION_OFF
    for setting, path in (("tls.certificate", certificate), ("tls.key", key)):
        try:
            with Path(path).open("rb"):
                pass
        except OSError as error:
            raise OSError(f"{path} cannot be read: {error.strerror}; see {setting}") from error
    try:
        # Never ask on a terminal: nobody sits there.
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        problem = f"{certificate} and {key} are no certificate and its key: {reason}"
        raise OSError(f"{problem}; see tls.certificate and tls.key") from error
    return context


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")
