"""The files of the browser app: small, named by what is in them, all of one version or none."""

import gzip
import http.client
import re
import shutil
from pathlib import Path

import pytest

from handlers.assets import STATIC, Assets, assets, slim
from handlers.pages import LATER, OF_ACCOUNTS, PANELS, PARTS
from tests.support import ServerProcess, checkout

BUDGET = 150_000
"""Bytes of scripts and style sheets, packed one by one, that a reader of English has loaded after a while."""
COMMENT = r"\s*(//|/?\*)"
REGEX = re.compile(r"/(?:[^/\\\[]|\\.|\[(?:[^\]\\]|\\.)*\])+/[a-z]*")
FOR_DEVICES = ("page/devices/", "style/devices.css", "vendor/uPlot")


def loaded(name: str) -> bool:
    """What the app loads on any board. Other languages, devices, documents and rare panels are asked for."""
    asked_for = ("page/texts/zh-CN.js", "page/account/", "style/account.css", *PANELS)
    other = ("docs/", "worker.js", *asked_for, *FOR_DEVICES)
    return name.endswith((".js", ".css")) and (name in OF_ACCOUNTS or not name.startswith(other))


def test_scripts_and_style_sheets_stay_within_their_budget() -> None:
    sizes = {name: len(asset.packed or asset.body) for name, asset in assets().files.items() if loaded(name)}
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:10]
    assert sum(sizes.values()) <= BUDGET, f"{sum(sizes.values())} bytes, most of them in {largest}"
    print(f"\n{sum(sizes.values())} bytes packed in {len(sizes)} files")


def is_less_a_comment(line: str, kept: str) -> bool:
    bare = line.lstrip()
    return kept in (line, bare) or (
        bare.startswith(kept) and re.match(COMMENT, bare[len(kept) :]) is not None
    )


def test_only_comments_and_indents_are_left_out_and_lines_keep_their_numbers() -> None:
    for path in (path for path in STATIC.rglob("*") if path.suffix in (".js", ".css")):
        name, text = path.relative_to(STATIC).as_posix(), path.read_text(encoding="utf-8")
        sent = slim(name, text)
        pairs = list(zip(text.split("\n"), sent.split("\n"), strict=True))
        if path.suffix == ".js":
            assert all(is_less_a_comment(line, kept) for line, kept in pairs), name
        if path.suffix == ".js" and sent != text:
            # A text over several lines could hold a line that looks like a comment, or begin with spaces.
            odd = [
                line
                for line in sent.split("\n")
                if line.count("`") % 2 and REGEX.sub("", line).count("`") % 2
            ]
            assert odd == [], f"{name}: a text over several lines"


def test_one_byte_makes_another_version(tmp_path: Path) -> None:
    copy = tmp_path / "static"
    shutil.copytree(STATIC, copy)
    assert Assets(copy).version == assets().version
    style = copy / "style.css"
    style.write_text(style.read_text().replace("16px", "17px", 1))
    assert Assets(copy).version != assets().version
    assert Assets(copy).files["page/main.js"] == assets().files["page/main.js"]


def test_what_is_loaded_later_is_there() -> None:
    names = assets().names(parts=PARTS, suffix=".js")
    assert [later for later in LATER if later.endswith(".js") and later not in names] == []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> ServerProcess:
    with ServerProcess(tmp_path_factory.mktemp("assets")) as process:
        yield process


def ask(server: ServerProcess, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    line.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = line.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    line.close()
    return found


def test_files_are_packed_for_whoever_takes_them_packed_and_named_by_their_bytes(
    server: ServerProcess,
) -> None:
    path = f"/static/~{assets().version}/page/main.js"
    for accepted, coding in (
        ("gzip, br", "gzip"),
        ("br;q=1, gzip;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("br", None),
    ):
        status, headers, body = ask(server, path, Accept_Encoding=accepted)
        assert (status, headers.get("Content-Encoding"), headers["Vary"]) == (200, coding, "Accept-Encoding")
        plain = gzip.decompress(body) if coding else body
        assert plain == assets().files["page/main.js"].body
        assert headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        again = ask(server, path, Accept_Encoding=accepted, If_None_Match=headers["Etag"])
        assert (again[0], again[2]) == (304, b"")
    plain_tag = ask(server, path)[1]["Etag"]
    packed_tag = ask(server, path, Accept_Encoding="gzip")[1]["Etag"]
    assert plain_tag != packed_tag
    assert ask(server, path, If_None_Match=packed_tag)[0] == 200


def test_another_version_than_ours_is_not_here(server: ServerProcess) -> None:
    assert ask(server, "/static/~0123456789abcdef/page/main.js")[0] == 404
    assert ask(server, "/static/page/nothing.js")[0] == 404
    assert ask(server, "/static/../config.yaml")[0] == 404
    status, headers, _ = ask(server, "/static/page/main.js")
    assert (status, headers["Cache-Control"]) == (200, "no-cache")


def test_the_page_and_its_worker_are_asked_for_each_time_and_are_of_one_version(
    server: ServerProcess,
) -> None:
    status, headers, page = ask(server, "/b/demo")
    assert (status, headers["Cache-Control"]) == (200, "no-cache")
    assert set(re.findall(rb"/static/(~\w+)?", page)) == {f"~{assets().version}".encode()}
    assert ask(server, "/b/demo", If_None_Match=headers["Etag"])[0] == 304
    assert ask(server, "/b/other", If_None_Match=headers["Etag"])[0] == 200
    status, headers, worker = ask(server, "/worker.js")
    assert (status, headers["Cache-Control"], headers["Etag"]) == (200, "no-cache", f'"{assets().version}"')
    assert assets().version.encode() in worker and b"{{" not in worker
    for name in (b"page/main.js", b"page/texts/zh-CN.js", b"vendor/marked.js", b"style/board.css"):
        assert b'"%b"' % name in worker


def test_what_is_copied_over_the_files_of_a_server_that_runs_is_not_sent(tmp_path: Path) -> None:
    runs = ServerProcess(tmp_path / "data")
    runs.root = checkout(tmp_path / "new")
    with runs:
        (runs.root / "static" / "page" / "main.js").write_text("of the next version")
        assert ask(runs, "/static/page/main.js")[2] == assets().files["page/main.js"].body
