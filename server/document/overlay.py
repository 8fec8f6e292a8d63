"""A dict that reads through to another one and keeps its own entries to itself."""

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")
_ABSENT: Any = object()


class Overlay(dict[K, V]):
    """Own entries hide those of `base`. Nothing is ever deleted: what goes is replaced by a tombstone."""

    __slots__ = ("_base",)

    def __init__(self, base: Mapping[K, V]) -> None:
        super().__init__()
        self._base = base

    def owns(self, key: K) -> bool:
        return super().__contains__(key)

    def own(self) -> list[tuple[K, V]]:
        """Its own entries alone."""
        return list(super().items())

    def __missing__(self, key: K) -> V:
        return self._base[key]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self._base

    def get(self, key: K, default: Any = None) -> Any:
        own = dict.get(self, key, _ABSENT)
        return self._base.get(key, default) if own is _ABSENT else own

    def __iter__(self) -> Iterator[K]:
        yield from self._base
        yield from (key for key in super().__iter__() if key not in self._base)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def keys(self) -> KeysView[K]:  # type: ignore[override]
        return KeysView(self)

    def values(self) -> ValuesView[V]:  # type: ignore[override]
        return ValuesView(self)

    def items(self) -> ItemsView[K, V]:  # type: ignore[override]
        return ItemsView(self)
