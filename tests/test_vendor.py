"""What the browser app has from elsewhere lies in `static/vendor/`, as it was fetched, with its licences."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
PACKAGES = json.loads((VENDOR / "packages.json").read_text())


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_what_is_vendored_is_what_was_fetched_and_has_its_licence(package: dict[str, str]) -> None:
    path = VENDOR / package["file"]
    digest = base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()
    assert package["sha384"] == f"{package['version']}:{digest}"
    assert package["licence"]
    assert path.with_suffix(".LICENSE.txt").read_text(encoding="utf-8").strip()


def test_everything_vendored_is_listed_and_used() -> None:
    files = {path.name for path in VENDOR.glob("*.js")}
    assert files == {package["file"] for package in PACKAGES}
    code = "".join(path.read_text() for path in STATIC.rglob("*.js") if path.parent != VENDOR)
    assert {name for name in files if f"vendor/{name}" in code} == files


def test_no_module_asks_for_a_file_that_is_not_there() -> None:
    for path in (path for path in STATIC.rglob("*.js") if path.parent != VENDOR):
        for name in re.findall(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""", path.read_text()):
            assert (path.parent / name).is_file(), f"{path.relative_to(ROOT)} imports {name}"
