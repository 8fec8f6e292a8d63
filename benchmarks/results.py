"""From measurements to what is printed: medians, ratios within one round, goals, a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .cases import CASES, Case, Goal
from .servers import BOARDCAST


@dataclass(frozen=True)
class Measured:
    """One case on one server in one round."""

    round: int
    case: str
    server: str
    figures: dict[str, Any]


class Results:
    """All measurements of a run."""

    def __init__(self, measured: Iterable[Measured]) -> None:
        self._all = list(measured)

    def servers(self, case: str) -> list[str]:
        """Who was measured, in order of appearance."""
        return list(dict.fromkeys(one.server for one in self._all if one.case == case))

    def cases(self) -> list[Case]:
        seen = {one.case for one in self._all}
        return [case for case in CASES if case.name in seen]

    def values(self, case: str, server: str, key: str) -> dict[int, float]:
        """By round; rounds without the figure are left out."""
        return {
            one.round: one.figures[key]
            for one in self._all
            if one.case == case and one.server == server and key in one.figures
        }

    def median(self, case: str, server: str, key: str) -> float | None:
        values = self.values(case, server, key)
        return median(values.values()) if values else None

    def total(self, case: str, server: str, key: str) -> int:
        return int(sum(self.values(case, server, key).values()))

    def ratio(self, case: str, key: str, peer: str) -> float | None:
        """Ours to the peer's: the median of the rounds' ratios, since only figures of one round compare."""
        ours, theirs = self.values(case, BOARDCAST, key), self.values(case, peer, key)
        ratios = [ours[n] / theirs[n] for n in ours if theirs.get(n)]
        return median(ratios) if ratios else None

    def reached(self, case: Case, goal: Goal) -> float | None:
        """The figure that the goal is about; None when it was not measured."""
        if goal.against is None:
            return self.median(case.name, BOARDCAST, goal.key)
        return self.ratio(case.name, goal.key, goal.against)


def holds(goal: Goal, value: float) -> bool:
    return value >= goal.wanted if goal.bound == "≥" else value <= goal.wanted


def number(value: float | None) -> str:
    """Three digits that mean something; thousands with a comma; a dash for what was not measured."""
    if value is None or value < 0:
        return "–"
    if value >= 1000:
        digits = max(0, len(str(int(value))) - 3)
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


TITLES = (
    "server",
    "persists",
    "",
    "Boardcast : it",
    "p50 ms",
    "p99 ms",
    "lost/doubled/disordered",
    "a frame",
    "per CPU-s",
)


def case_rows(results: Results, case: Case, about: dict[str, tuple[str, str]]) -> list[list[str]]:
    """A row for each server; `about`: title and what it persists, by name."""
    rows = [[title or case.unit for title in TITLES]]
    for server in results.servers(case.name):
        ratio = None if server == BOARDCAST else results.ratio(case.name, case.key, server)
        counted = results.values(case.name, server, "lost")
        wrong = "/".join(
            str(results.total(case.name, server, key)) for key in ("lost", "doubled", "out_of_order")
        )
        rows.append(
            [
                *about[server],
                number(results.median(case.name, server, case.key)),
                "" if ratio is None else f"{number(ratio)} ×",
                number(results.median(case.name, server, "p50_ms")),
                number(results.median(case.name, server, "p99_ms")),
                wrong if counted else "–",
                number(results.median(case.name, server, "per_frame")),
                number(per_cpu_second(results, case, server)),
            ]
        )
    return rows


def per_cpu_second(results: Results, case: Case, server: str) -> float | None:
    """What the server does with a second of its core: steadier than the rest where others work, too."""
    if not case.more_is_better:
        return None
    done = results.values(case.name, server, case.key)
    spent = results.values(case.name, server, "server_cpu")
    rates = [value / spent[round_] for round_, value in done.items() if spent.get(round_)]
    return median(rates) if rates else None


def goal_rows(results: Results, titles: dict[str, str]) -> list[list[str]]:
    """Each figure to reach beside what was measured."""
    rows = [["case", "figure", "to reach", "measured", "reached"]]
    for case in results.cases():
        for goal in case.goals:
            value = results.reached(case, goal)
            what = (
                goal.key if goal.against is None else f"{goal.key} : {titles.get(goal.against, goal.against)}"
            )
            verdict = "–" if value is None else ("yes" if holds(goal, value) else "**no**")
            rows.append([case.name, what, f"{goal.bound} {number(goal.wanted)}", number(value), verdict])
    return rows


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that can be read as it is."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def report(results: Results, about: dict[str, tuple[str, str]]) -> str:
    """All tables, as Markdown."""
    parts = []
    for case in results.cases():
        parts += [f"### {case.title}", table(case_rows(results, case, about))]
    titles = {name: title for name, (title, _) in about.items()}
    return "\n\n".join([*parts, "### Figures to reach", table(goal_rows(results, titles))]) + "\n"
