"""One attempt, new or resumed: the view while it runs, the report at its end, the patch where it should go."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from coder.cli import landing, report
from coder.cli.dispatch import unforeseen
from coder.cli.terminal import print_json, say
from coder.cli.text import clean
from coder.cli.view import open_view
from coder.errors import CoderError, UsageError
from coder.record.events import Event
from coder.record.result import Result
from coder.record.store import RunStore

if TYPE_CHECKING:
    from coder.config import Settings

Goes = Literal["ask", "leave", "apply", "commit", "branch"]
Drive = Callable[[Callable[[Event], None]], Result]


@dataclass(frozen=True)
class Destination:
    """Where a verified patch goes. `ask`: where somebody is there to answer."""

    goes: Goes = "ask"
    branch: str = ""

    @classmethod
    def choose(cls, flags: Mapping[str, Any], settings: Settings) -> Destination:
        """From the flags; where they say nothing of it, from the settings. UsageError if they contradict."""
        wishes: Mapping[str, Any] = flags if flags.keys() & {"apply", "commit", "branch"} else settings.model_dump()
        apply, commit, branch = wishes.get("apply"), wishes.get("commit", False), wishes.get("branch", "")
        if commit and branch:
            raise UsageError("--commit commits on the current branch, --branch on a new one: choose one")
        if commit and apply is False:
            raise UsageError("--commit changes the working tree, --no-apply leaves it as it is: choose one")
        if branch and apply:
            raise UsageError("--branch leaves the working tree as it is, --apply changes it: choose one")
        if commit or branch:
            return cls("commit" if commit else "branch", branch)
        return cls("ask" if apply is None else "apply" if apply else "leave")


def attempt(drive: Drive, store: RunStore, where: Destination, *, as_json: bool, verbose: bool) -> int:
    """Drive a run to its result, report it, and return the exit code."""
    started: list[str] = []

    def listen(event: Event) -> None:
        if not started:
            started.append(event.run)
        view(event)

    try:
        with open_view(verbose) as view:
            result = drive(listen)
    except CoderError as error:
        if as_json:
            print_json(Result.of_fault(error).to_dict())
        raise
    except KeyboardInterrupt:  # before the run could take note of it, or after its end
        result = Result(started[0] if started else "", "interrupted", reason="interrupted")
    except Exception as error:
        run_id = started[0] if started else ""
        run_dir = store.runs / run_id if run_id else None
        if as_json:
            reason = f"a fault in coder itself: {type(error).__name__}: {error}"
            print_json(Result(run_id, "not_fixed", reason=reason, run_dir=str(run_dir or "")).to_dict())
        return unforeseen(error, run_dir)
    return _conclude(result, store, where, as_json=as_json)


def _conclude(result: Result, store: RunStore, where: Destination, *, as_json: bool) -> int:
    """Report, and put a verified patch where it was asked to go: 1 if it cannot go there."""
    if as_json:
        print_json(result.to_dict())
    else:
        report.show_patch(result.patch)
    report.summarize(result)
    if result.status != "fixed":
        return result.exit_code
    run = store.open(result.run_id)
    repo = Path(run.meta()["repo"])
    goes = where.goes
    if goes == "ask":
        goes = "apply" if not as_json and _yes(f"Apply this patch to {repo}?") else "leave"
    if goes == "leave":
        say(f"  apply it: coder apply {result.run_id}")
        return result.exit_code
    try:
        say(landing.land(run, goes, where.branch))
    except CoderError as error:
        say(f"coder: the patch is verified but was not put in place: {error}")
        return 1
    return result.exit_code


def _yes(question: str) -> bool:
    """Ask at the terminal; False where nobody is there to answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(clean(f"{question} [y/N] "))
    sys.stderr.flush()
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except KeyboardInterrupt:
        say()
        return False
