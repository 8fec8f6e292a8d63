"""Markup for every text that clients may send, each piece to be told from the others where it is shown."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import inspect
from playwright.sync_api import Page, expect

from server.model.commands import OPERATIONS

ATTACK = "<img src=x onerror=window.hit=1>"
STRANGERS = "body :is(img, iframe, object, embed, svg script):not(.logo), body script, [onerror]"
SEEN = """
() => {
  const fields = [...document.querySelectorAll("input, textarea, option, [title], [aria-label]")];
  const texts = fields.flatMap((one) => [one.value, one.title, one.getAttribute("aria-label")]);
  return [document.body.textContent, ...texts].join("\\n");
}
"""


def free_texts(shape: inspect.Type, path: str) -> Iterator[str]:
    """The fields of a type that take markup, as `task.create.checklist[].text`."""
    match shape:
        case inspect.StructType(fields=fields):
            for field in fields:
                yield from free_texts(field.type, f"{path}.{field.encode_name}")
        case inspect.StrType(pattern=pattern, max_length=most):
            if (pattern is None or re.search(pattern, ATTACK)) and (most is None or most >= len(ATTACK)):
                yield path
        case inspect.Metadata(type=inner):
            yield from free_texts(inner, path)
        case inspect.UnionType(types=types):
            for one in types:
                yield from free_texts(one, path)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            yield from free_texts(item, f"{path}[]")
        case inspect.DictType(key_type=key, value_type=value):
            yield from free_texts(key, f"{path}{{key}}")
            yield from free_texts(value, f"{path}{{}}")


OF_OPERATIONS = sorted(
    path for op, kind in OPERATIONS.items() for path in free_texts(inspect.type_info(kind), op)
)


class Marks:
    """One mark for each field; `missing()` are those that no view has shown."""

    def __init__(self, *more: str) -> None:
        self._marks = {path: f"{ATTACK}{at:02}" for at, path in enumerate((*OF_OPERATIONS, *more))}
        self._used: set[str] = set()
        self.seen = ""

    def __call__(self, path: str) -> str:
        self._used.add(path)
        return self._marks[path]

    def args(self, op: str, **given: Any) -> dict[str, Any]:
        """`given`, and a mark for each plain text field of the operation that is not given."""
        plain = [path for path in OF_OPERATIONS if path.startswith(f"{op}.") and path.count(".") == 2]
        names = [path.rpartition(".")[2] for path in plain]
        marked = {name: self(f"{op}.{name}") for name in names if re.fullmatch(r"\w+", name)}
        return marked | given

    def look(self, page: Page) -> None:
        """Keeps what the page shows, and holds it to be harmless."""
        self.seen += page.evaluate(SEEN)
        assert page.evaluate("window.hit") is None
        expect(page.locator(STRANGERS)).to_have_count(0)

    @property
    def unused(self) -> list[str]:
        return sorted(set(self._marks) - self._used)

    @property
    def missing(self) -> list[str]:
        return [path for path, mark in self._marks.items() if mark not in self.seen]
