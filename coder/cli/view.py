"""What a person sees while a run is under way, driven by its events alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from coder.cli import terminal
from coder.cli.story import tell
from coder.cli.text import count, duration, one_line
from coder.record.events import Event

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

NODES = ("baseline", "plan", "edit", "test", "analyze", "verify")
_ASIDE = frozenset(
    {
        ("supervisor", "decision"),
        ("supervisor", "checkpoint"),
        ("plan", "suspects"),
        ("edit", "tool"),
        ("record", "cut"),
    }
)
"""Milestones that only `-v` lists: the live lines show them as they pass."""


class View(AbstractContextManager["View"], Protocol):
    """Listens to a run and shows it."""

    def __call__(self, event: Event) -> None: ...


def open_view(verbose: bool) -> View:
    """The live view where standard error is a terminal that can be redrawn, else one line a milestone."""
    return LiveView(verbose) if terminal.is_live(sys.stderr) else PlainView(verbose)


@dataclass
class Progress:
    """Where a run stands, as far as its events tell."""

    node: str = "start"
    done: int = 0
    total: int = 0
    label: str = ""
    candidates: int = 0
    plausible: int = 0
    per_second: float = 0.0
    decision: str = ""
    balance: str = ""
    budget: Mapping[str, Any] = field(default_factory=dict)

    def see(self, event: Event) -> None:
        """Take one event in. Kinds that say nothing about progress are passed over."""
        data = event.data
        if event.node in NODES and event.node != self.node:
            self.node, self.done, self.total, self.label = event.node, 0, 0, ""
        if event.kind == "progress":
            self.done, self.total = int(data.get("done") or 0), int(data.get("total") or 0)
            self.label = str(data.get("label") or "")
        elif (event.node, event.kind) == ("test", "candidates"):
            self.candidates += int(data.get("checked") or 0)
            self.plausible += int(data.get("plausible") or 0)
            self.per_second = float(data.get("per_second") or 0)
        elif (event.node, event.kind) == ("supervisor", "decision"):
            self.decision = tell(event)
            self.balance = one_line(str(data.get("balance") or ""), 100)
            if data.get("next") in NODES:
                self.node, self.done, self.total, self.label = str(data["next"]), 0, 0, ""
        elif isinstance(data.get("budget"), Mapping):
            self.budget = data["budget"]


def milestone(event: Event, verbose: bool) -> str:
    """What to keep on the screen about an event, "" for nothing."""
    if not verbose and (event.node, event.kind) in _ASIDE:
        return ""
    return tell(event)


class PlainView:
    """One line a milestone, for pipes, logs and terminals that cannot be redrawn."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose

    def __enter__(self) -> PlainView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put back."""

    def __call__(self, event: Event) -> None:
        if words := milestone(event, self._verbose):
            terminal.say(f"{event.node:<10} " + words.replace("\n", "\n" + " " * 11))


class LiveView:
    """Milestones scroll by above a few lines that are redrawn: the node at work, the counts, what is left."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose
        self._progress = Progress()
        self._started = self._budget_at = time.monotonic()
        self._console = terminal.console(sys.stderr)
        self._live: Live | None = None

    def __enter__(self) -> LiveView:
        from rich.live import Live

        self._live = Live(
            get_renderable=self._render,
            console=self._console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
        )
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        if words := milestone(event, self._verbose):
            self._console.print(_row(event.node, words))
        self._progress.see(event)
        if isinstance(event.data.get("budget"), Mapping):
            self._budget_at = time.monotonic()

    def _render(self) -> Text:
        from rich.text import Text

        now = time.monotonic()
        width = max(20, self._console.width - 1)
        lines = status_lines(self._progress, now - self._started, now - self._budget_at)
        spinner = "|/-\\"[int(now * 8) % 4]
        text = Text(f"{spinner} ", no_wrap=True, overflow="ellipsis")
        text.append("\n  ".join(one_line(line, width - 2) for line in lines))
        return text


def status_lines(progress: Progress, elapsed: float, since_budget: float) -> list[str]:
    """The redrawn lines: what is at work, what was tried, what is left. `since_budget`: age of the budget."""
    first = f"{progress.node}, {duration(elapsed)}"
    if progress.label:
        of = f"/{progress.total:,}" if progress.total else ""
        first += f", {progress.label}: {progress.done:,}{of}"
    lines = [first]
    if progress.candidates:
        lines.append(
            f"{count(progress.candidates, 'candidate')} tried, {progress.per_second:,.0f} a second, "
            f"{progress.plausible:,} plausible"
        )
    if progress.budget:
        seconds = max(0.0, float(progress.budget.get("seconds_left") or 0) - since_budget)
        steps, tokens = progress.budget.get("steps_left") or 0, progress.budget.get("tokens_left") or 0
        lines.append(f"left: {duration(seconds)}, {count(steps, 'step')}, {count(tokens, 'token')}")
    if progress.balance:
        lines.append(f"balance: {progress.balance}")
    if progress.decision:
        lines.append(progress.decision)
    return lines


def _row(node: str, words: str) -> Table:
    """A milestone with its words kept to the right of the node, however narrow the terminal."""
    from rich.table import Table
    from rich.text import Text

    row = Table.grid(padding=(0, 1))
    row.add_column(width=10, style="cyan")
    row.add_column(overflow="fold")
    row.add_row(Text(node), Text(words))
    return row
