"""coder drift"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coder.cli.options import Json
from coder.cli.terminal import console, is_live, print_json, print_text
from coder.cli.text import one_line
from coder.errors import UsageError

if TYPE_CHECKING:
    from coder.supervisor.review import Judged, Review

_MARKS = {"calibrated": ".", "overthinking": "T", "overacting": "A"}
_STYLES = {"calibrated": "green", "overthinking": "magenta", "overacting": "red"}


def command(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Trajectories: ATIF, mini-swe-agent's .traj.json, or coder's own runs."),
    ],
    as_json: Json = False,
) -> int:
    """Every step is labelled calibrated, overthinking or overacting, with its reason. Several files give a list."""
    from coder.supervisor.review import review
    from coder.trajectories.contract import TrajectoryError
    from coder.trajectories.load import load

    reviews = []
    for path in files:
        try:
            reviews.append((path, review(load(path))))
        except TrajectoryError as error:
            raise UsageError(str(error)) from error
    if as_json:
        objects = [found.to_dict() for _, found in reviews]
        print_json(objects[0] if len(objects) == 1 else objects)
    else:
        for path, found in reviews:
            _show(path, found)
    return 0


def _show(path: Path, found: Review) -> None:
    """The strip of the run, then each step that drifts, then the sums."""
    counts = found.summary()
    agent = f", {counts['agent']}" if counts["agent"] else ""
    print_text(f"{one_line(str(path))}: {counts['steps']} steps ({counts['format']}{agent})")
    show_strip(found.steps)
    for judged in found.steps:
        if judged.label.drifts:
            act = f" -> {judged.intervention.rung.word}" if judged.intervention else ""
            name, sure = judged.label.name, judged.label.confidence
            print_text(
                f"  step {judged.step.id:<5} {name:<12} {sure:.2f}  {one_line(judged.label.reason, 300)}{act}", 28
            )
    first = next((j for j in found.steps if j.intervention), None)
    if first is not None and first.intervention is not None:
        print_text(f"  coder would have stepped in at step {first.step.id}: {first.intervention.rung.word}")
    else:
        print_text("  coder would not have stepped in")
    sums = ", ".join(f"{counts[name]} {name}" for name in _MARKS)
    print_text(f"  {sums}; {found.balance}")


def show_strip(steps: tuple[Judged, ...]) -> None:
    """One mark a step: . calibrated, T overthinking, A overacting; a line below shows where coder steps in."""
    from rich.text import Text

    width = 100
    live = is_live(sys.stdout)
    screen = console(sys.stdout)
    for start in range(0, len(steps), width):
        part = steps[start : start + width]
        strip = Text("  ")
        for judged in part:
            strip.append(_MARKS[judged.label.name], style=_STYLES[judged.label.name] if live else "")
        screen.print(strip, soft_wrap=True)
        if any(j.intervention for j in part):
            screen.print("  " + "".join("^" if j.intervention else " " for j in part).rstrip(), soft_wrap=True)
