"""The figures of a set of rows, by library and in all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from coder.evaluate.stats import wilson
from scripts.bench_repair.attempt import SECONDS, Row
from scripts.bench_repair.libraries import LIBRARIES

_HEAD = (
    f"{'library':14}{'n':>4}{'verified':>22}{'same as original':>22}"
    f"{'top 1/5/10':>16}{'seconds':>9}{'suites':>8}{'c/s':>7}"
)
FACTOR, ALLOWANCE = 6, 5  # the bar of time: plain runs of the suite, and seconds


def share(rows: Sequence[Row], holds: Callable[[Row], bool]) -> str:
    """A share with its 95 % Wilson interval."""
    hits = sum(map(holds, rows))
    low, high = wilson(hits, len(rows))
    return f"{hits / len(rows):.0%} ({low:.0%} to {high:.0%})"


def line(name: str, rows: Sequence[Row]) -> str:
    """The figures of some rows; times over the verified ones."""
    tops = "/".join(f"{sum(0 < row.place <= top for row in rows) / len(rows):.0%}" for top in (1, 5, 10))
    fixed = [row for row in rows if row.verified]
    seconds = f"{median(row.seconds for row in fixed):.1f}" if fixed else "-"
    suites = f"{median(row.seconds / row.suite for row in fixed):.1f}" if fixed else "-"
    rate = f"{median(row.per_second for row in rows):.0f}"
    figures = f"{len(rows):>4}{share(rows, lambda r: r.verified):>22}{share(rows, lambda r: r.same):>22}"
    return f"{name:14}{figures}{tops:>16}{seconds:>9}{suites:>8}{rate:>7}"


def lines(rows: Sequence[Row]) -> list[str]:
    """The whole report."""
    commits = sorted({row.commit for row in rows})
    seeds = sorted({row.seed for row in rows})
    said = [
        f"{len(rows)} bugs, {SECONDS} s each, seed {', '.join(map(str, seeds))}, coder at {', '.join(commits)}",
        _HEAD,
    ]
    held_out = {library.name for library in LIBRARIES if library.held_out}
    for library in LIBRARIES:
        if own := [row for row in rows if row.library == library.name]:
            said.append(line(library.name + ("*" if library.held_out else ""), own))
    groups = (("kept apart *", held_out), ("the others", {row.library for row in rows} - held_out))
    for name, members in groups:
        if own := [row for row in rows if row.library in members]:
            said.append(line(name, own))
    if rows:
        said.append(line("all", rows))
        within = [row for row in rows if row.verified and row.seconds <= FACTOR * row.suite + ALLOWANCE]
        fixed = sum(row.verified for row in rows)
        said.append(
            f"{len(within)} of {fixed} verified ones took at most {FACTOR} plain runs of the suite + {ALLOWANCE} s"
        )
    return said


def missed(rows: Sequence[Row]) -> list[str]:
    """What was not verified, and what was but is not the original: a line each."""
    bad = (row for row in rows if not row.same)
    return [
        f"{'other' if row.verified else row.status:10} {row.bug}: place {row.place}, {row.candidates} candidates, "
        f"{row.seconds:.0f} s {row.reason[:80]}"
        for row in bad
    ]
