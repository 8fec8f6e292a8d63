"""The project around the code: what a fresh clone is promised."""

import ast
import configparser
import os
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import server

ROOT = Path(__file__).parent.parent
OURS = {"benchmarks", "server", "handlers", "tests"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def requirements(section: str, option: str) -> dict[str, Requirement]:
    setup = configparser.ConfigParser()
    setup.read_string(read("setup.cfg"))
    lines = [line for line in setup[section][option].splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(made.name): made for made in map(Requirement, lines)}


RUNTIME = requirements("options", "install_requires")
EXTRA = requirements("options.extras_require", "uvloop") | requirements("options.extras_require", "mqtt")
TESTS = requirements("options.extras_require", "test")


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("tornado", "6.6.1", "7.0"),
        ("tornado", "6.9", "6.5.2"),
        ("msgpack", "1.2.3", "1.2.2"),
        ("redis", "8.0.1", "8.0.0"),
        ("redis", "8.9", "9.0"),
        ("motor", "3.7.1", "3.8.0"),
    ],
)
def test_the_server_is_held_to_versions_that_were_tried(name: str, inside: str, outside: str) -> None:
    assert inside in RUNTIME[name].specifier
    assert outside not in RUNTIME[name].specifier


def test_pytest_tornado_gets_the_versions_that_it_runs_with() -> None:
    assert "0.8.1" in TESTS["pytest-tornado"].specifier
    assert "10.0" not in TESTS["pytest"].specifier
    assert "82.0" not in TESTS["setuptools"].specifier


def test_every_dependency_has_a_lower_bound_and_those_of_the_server_an_upper_one() -> None:
    for made in (*RUNTIME.values(), *TESTS.values()):
        assert {">=", "=="} & {bound.operator for bound in made.specifier}, made
    for made in RUNTIME.values():
        assert "<" in {bound.operator for bound in made.specifier}, made


def imported(*folders: str) -> dict[str, str]:
    """Each imported top-level name, neither ours nor the standard library's, and one file that has it."""
    found: dict[str, str] = {}
    files = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    for path in files:
        if "peers" in path.parts:  # servers to measure ours against: each has an environment of its own
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            found |= {name.partition(".")[0]: str(path.relative_to(ROOT)) for name in names}
    return {name: path for name, path in found.items() if name not in {*OURS, *sys.stdlib_module_names}}


@pytest.mark.parametrize(
    ("folders", "declared"),
    [(("server", "handlers"), RUNTIME | EXTRA), (("tests", "benchmarks"), RUNTIME | TESTS)],
    ids=["server", "tests"],
)
def test_what_is_imported_is_declared(folders: tuple[str, ...], declared: dict[str, Requirement]) -> None:
    homes = packages_distributions()
    for name, path in imported(*folders).items():
        distributions = {canonicalize_name(home) for home in homes.get(name, [name])}
        assert distributions & set(declared), f"{path} imports {name}, which setup.cfg does not ask for"


def test_the_commands_of_the_readme_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z]+)", read("README.md"), re.MULTILINE))
    assert {"run", "test"} <= named
    assert named <= targets


def test_links_between_documents_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_continuous_integration_runs_the_same_tests() -> None:
    assert "exec make test" in read(".ci/run")
    scripts = [path for path in (ROOT / ".ci").iterdir() if path.is_file()]
    assert all(os.access(path, os.X_OK) for path in scripts)
    first = {path.name: path.read_text(encoding="utf-8").partition("\n")[0] for path in scripts}
    assert set(first.values()) <= {"#!/usr/bin/env bash", "#!/usr/bin/env python3"}, first


def test_the_changelog_knows_the_version() -> None:
    assert f"## {server.__version__}" in read("CHANGELOG.md")


def test_the_licence_is_the_one_that_is_declared() -> None:
    assert read("LICENSE").startswith("MIT License\n")
    assert "license = MIT\n" in read("setup.cfg")


def test_every_package_of_ours_would_be_installed() -> None:
    """A folder without `__init__.py` is still found, but its tests and types then follow other rules."""
    for top in ("server", "handlers"):
        for path in (ROOT / top).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), path.parent
