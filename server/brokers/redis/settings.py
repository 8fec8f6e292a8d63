"""The deadlines and bounds of the Redis broker, in one place."""

from msgspec import Struct


class Deadlines(Struct, frozen=True, kw_only=True):
    """All in seconds. A stopped server is noticed at most `ping_s` + `silence_s` and a tick later; one we
    hear but that does not hear us after `ping_s` + `answer_s` and a tick.
    """

    connect_s: float = 2.0
    """Name look-up, TCP, TLS, AUTH and SELECT together."""
    ping_s: float = 0.5
    """A link that owed no answer for so long is asked for one."""
    silence_s: float = 1.0
    """A link that owes an answer and sends nothing for so long is dead."""
    answer_s: float = 3.5
    """A link that sends other things but not the answer is dead after so long."""
    first_pause_s: float = 0.1
    """Before a new attempt: a random part of this, doubled with each failure …"""
    longest_pause_s: float = 1.0
    """… up to this. A link that held for longer than this starts from the first pause again."""
    flush_s: float = 0.5
    """How long `close` lets what is queued go out."""
    probe_s: float = 2.0
    """How long a probe waits for its own message."""
