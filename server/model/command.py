"""The base of the operations."""

from msgspec import Struct


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An intent, as its author states it; `document.apply` turns it into a change."""
