"""About how large a change is, without encoding it: only what can be large is looked at."""

from msgspec import UNSET

from server.model.records import Change


def weight_of(change: Change) -> int:
    """About the characters that a change holds."""
    size = 500 if change.also is UNSET else 500 + 500 * len(change.also)
    for patch in (change.set, change.was):
        if patch is UNSET:
            continue
        if patch.description is not UNSET:
            size += len(patch.description)
        if patch.checklist is not UNSET:
            size += sum(len(item.text) + 100 for item in patch.checklist)
        if patch.comment is not UNSET and patch.comment.text is not UNSET:
            size += len(patch.comment.text)
    return size
