"""About how large a change is, without encoding it: only what can be large is looked at."""

from msgspec import UNSET

from server.model.records import Change, Patch


def weight_of(change: Change) -> int:
    """About the characters that a change holds."""
    also = 0 if change.also is UNSET else 500 * len(change.also)
    return 500 + also + _patch_weight(change.set) + _patch_weight(change.was)


def _patch_weight(patch: object) -> int:
    if not isinstance(patch, Patch):
        return 0
    size = len(patch.description) if patch.description is not UNSET else 0
    if patch.checklist is not UNSET:
        size += sum(len(item.text) + 100 for item in patch.checklist)
    if patch.comment is not UNSET and patch.comment.text is not UNSET:
        size += len(patch.comment.text)
    return size
