"""A bar chart as SVG: one panel for each case, a bar for each server, the longest as wide as the panel."""

from html import escape

from .cases import Case
from .results import Results, number
from .servers import BOARDCAST

WIDTH, MARGIN, LABEL, BAR, GAP, HEAD = 860, 16, 210, 16, 6, 34
LONGEST = WIDTH - 2 * MARGIN - LABEL - 120
NOTE = (
    "Boardcast answers when a change is on disk, and sends several changes in a frame; "
    "the others keep nothing, and send a frame for each."
)
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1f2933}.head{font-weight:600;font-size:13px}"
    ".bar{fill:#9aa5b1}.ours{fill:#2563eb}@media(prefers-color-scheme:dark){text{fill:#e4e7eb}}"
)


def chart(results: Results, about: dict[str, tuple[str, str]]) -> str:
    """The SVG's text. Cases that only one server can do are left out."""
    parts, y = [_text(MARGIN, MARGIN + 8, NOTE)], 2 * MARGIN + 8
    for case in results.cases():
        servers = results.servers(case.name)
        if len(servers) > 1:
            parts += _panel(results, case, servers, about, y)
            y += HEAD + len(servers) * (BAR + GAP) + GAP
    view = f'viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view}>\n<style>{STYLE}</style>\n{body}\n</svg>\n'


def _panel(
    results: Results, case: Case, servers: list[str], about: dict[str, tuple[str, str]], y: int
) -> list[str]:
    values = {server: results.median(case.name, server, case.key) or 0 for server in servers}
    most = max(values.values()) or 1
    better = "more is better" if case.more_is_better else "less is better"
    parts = [_text(MARGIN, y + 16, f"{case.title}: {case.unit}, {better}", "head")]
    for row, (server, value) in enumerate(values.items()):
        top, width = y + HEAD - 6 + row * (BAR + GAP), max(1, round(value / most * LONGEST))
        kind = "bar ours" if server == BOARDCAST else "bar"
        parts.append(_text(MARGIN, top + 12, about[server][0]))
        parts.append(
            f'<rect class="{kind}" x="{MARGIN + LABEL}" y="{top}" width="{width}" height="{BAR}" rx="2"/>'
        )
        parts.append(_text(MARGIN + LABEL + width + 6, top + 12, number(value)))
    return parts


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{style}>{escape(text.replace("`", ""))}</text>'
