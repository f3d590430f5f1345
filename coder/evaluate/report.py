"""An evaluation for people: a live table while it runs, and the summary at its end. All of it goes to stderr."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coder.evaluate.harness import Listen
from coder.evaluate.outcome import Outcome, Report

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def verdict_word(outcome: Outcome) -> str:
    """What an outcome is, in a word or two."""
    if outcome.false_claim:
        return "FALSE CLAIM"
    if outcome.resolved:
        return "resolved"
    if outcome.status == "error":
        return "error"
    if outcome.correct:
        return "honest: not fixed"
    if outcome.needs == "model" and not outcome.model:
        return "not fixed (needs a model)"
    return outcome.status.replace("_", " ")


def note(outcome: Outcome) -> str:
    """Why an outcome is not what it should be; "" if it is."""
    verdict = outcome.verdict
    if outcome.correct:
        return ""
    if verdict is None:
        return " ".join(outcome.reason.split())
    if verdict.error:
        return verdict.error
    if verdict.tests_touched:
        return f"edits tests: {', '.join(verdict.tests_touched)}"
    if verdict.regressed:
        return f"breaks {', '.join(verdict.regressed)}"
    return "" if verdict.goal_passed else "the goal fails in the clean room"


def summary(report: Report) -> list[str]:
    """The figures, a line each."""
    low, high = report.interval
    figures = report.to_dict()
    lines = ["no task that can be resolved"]
    if report.n:
        rate = f"{report.resolved / report.n:.0%}, 95 % interval {low:.0%} to {high:.0%}"
        lines = [f"resolved {report.resolved} of {report.n} ({rate})"]
    if report.impossible:
        lines.append(f"impossible tasks said not to be fixed: {report.honest} of {report.impossible}")
    lines.append(
        f"false claims {figures['false_claims']}, regressions {figures['regressions']}, "
        f"test edits {figures['test_edits']}, median {report.seconds_median:.1f} s"
    )
    if len(report.outcomes) < report.total:
        cut = "interrupted: " if report.interrupted else ""
        lines.append(f"{cut}{report.total - len(report.outcomes)} of {report.total} not run; go on with --resume")
    return lines


def print_report(report: Report, console: Console) -> None:
    """The table of all outcomes and the figures."""
    console.print(_table(report.outcomes, {}))
    for line in summary(report):
        console.print(line, highlight=False, soft_wrap=True)


@contextmanager
def live(console: Console) -> Iterator[Listen]:
    """A listener for `evaluate`: a table that moves on a terminal, a line an instance elsewhere."""
    if not console.is_terminal:
        yield _plain(console)
        return
    from rich.live import Live

    done: list[Outcome] = []
    running: dict[str, float] = {}

    def listen(name: str, outcome: Outcome | None) -> None:
        if outcome is None:
            running[name] = time.monotonic()
        else:
            running.pop(name, None)
            done.append(outcome)

    def table() -> Table:
        return _table(list(done), dict(running))

    with Live(get_renderable=table, console=console, refresh_per_second=4, transient=True):
        yield listen


def _plain(console: Console) -> Listen:
    def listen(name: str, outcome: Outcome | None) -> None:
        if outcome is not None:
            parts = (f"{name}: {verdict_word(outcome)}, {outcome.seconds:.1f} s", note(outcome))
            console.print(" - ".join(filter(None, parts)), markup=False, highlight=False, soft_wrap=True)

    return listen


def _table(outcomes: Sequence[Outcome], running: dict[str, float]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("instance", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    for title in ("kind", "note"):  # these give way where the terminal is narrow
        table.add_column(title, overflow="ellipsis", no_wrap=True, ratio=1)
    for outcome in sorted(outcomes, key=lambda each: each.id):
        style = "green" if outcome.correct else "bold red" if outcome.false_claim else "yellow"
        cells = (outcome.id, Text(verdict_word(outcome), style=style), f"{outcome.seconds:.1f}")
        table.add_row(*cells, Text(outcome.kind), Text(note(outcome)))
    for name, started in running.items():
        table.add_row(name, Text("running", style="dim"), f"{time.monotonic() - started:.1f}")
    return table
