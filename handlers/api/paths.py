"""Which endpoints a path has: a tree by segments.

A pattern for each path, tried in turn, took a fifteenth of a request's time, and more with each new path.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from tornado.escape import url_unescape

from handlers.api.endpoint import Endpoint


class _Node(Struct):
    """What may follow here: the segments that are known, and the `name` of what any other one is."""

    known: dict[str, "_Node"] = {}
    name: str = ""
    other: "_Node | None" = None
    rows: dict[str, Endpoint] = {}


class Found(Struct, frozen=True):
    """The endpoints of a path by method, and its parameters: without their percent signs, not decoded yet."""

    rows: Mapping[str, Endpoint]
    parameters: dict[str, bytes]


class Paths:
    """All paths of a table of endpoints. A segment that is known goes before a parameter."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._root = _Node()
        for endpoint in endpoints:
            self._add(endpoint)

    def _add(self, endpoint: Endpoint) -> None:
        node = self._root
        for segment in endpoint.path.split("/"):
            if segment.startswith("{"):
                name = segment.strip("{}")
                assert node.name in ("", name), f"{endpoint.path}: {{{name}}} is called {node.name} elsewhere"
                node.name, node.other = name, node.other or _Node()
                node = node.other
            else:
                node = node.known.setdefault(segment, _Node())
        node.rows[endpoint.method] = endpoint

    def find(self, path: str) -> Found | None:
        """None: there is no such path."""
        node, parameters = self._root, dict[str, bytes]()
        for segment in path.split("/"):
            known = node.known.get(segment)
            if known is not None:
                node = known
            elif node.other is not None and segment:
                parameters[node.name] = url_unescape(segment, encoding=None, plus=False)
                node = node.other
            else:
                return None
        return Found(node.rows, parameters) if node.rows else None

    def __iter__(self) -> Iterator[tuple[str, set[str]]]:
        """Each path as it stands in the table, and its methods."""
        return _walk(self._root, [])


def _walk(node: _Node, before: list[str]) -> Iterator[tuple[str, set[str]]]:
    if node.rows:
        yield "/".join(before), set(node.rows)
    for segment, child in node.known.items():
        yield from _walk(child, [*before, segment])
    if node.other is not None:
        yield from _walk(node.other, [*before, f"{{{node.name}}}"])
