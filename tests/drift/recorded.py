"""Runs of coder on the record, for the corpus: scripted models that drift, and some that work.

`python tests/drift/recorded.py` makes them anew in `recorded/`, a file a run: first what it is, then a
step a line as the run's own record has it. Where the drift begins is written down here by hand.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import drifters
from corpus import Sequence as Labelled

from coder import run
from coder.policies.contract import Policy
from coder.policies.model import ModelPolicy
from coder.record.events import read_events
from coder.record.store import RunStore
from coder.task import Request
from coder.trajectories.own import data_of, step_of, steps_in

PLACE = Path(__file__).with_name("recorded")
MOST = 14  # steps of a run that are kept
ONSETS = {  # of the first step that drifts, the plan and the first look counted
    "rederive": 2,
    "rephrase": 2,
    "seesaw": 3,
    "repeat_call": 2,
    "reread": 2,
    "ask_known": 6,  # the first four definitions show lines of the tests too
    "rerun_tests": 2,
    "undo_redo": 5,
}


def read(path: str, start: int, end: int) -> tuple[str, dict[str, Any]]:
    return "read_file", {"path": path, "start": start, "end": end}


def cheapest(value: str) -> list[tuple[str, dict[str, Any]]]:
    body = f"def cheapest(prices):\n    return {value}\n"
    return [("edit_file", {"path": drifters.SOURCE, "function": "cheapest", "replace": body}), ("run_tests", {})]


WORK: dict[str, list[Any]] = {
    "reads_on": [[read("long.txt", 40 * n + 1, 40 * n + 44)] for n in range(8)] + [cheapest("min(prices)")],
    "tries_on": [[read(drifters.SOURCE, 1, 12)]]
    + [cheapest(v) for v in ("prices[0]", "sorted(prices)[1]", "sum(prices)", "prices[-1]", "min(prices)")],
    "looks_after_each_edit": [
        step
        for v in ("prices[0]", "prices[-1]", "min(prices)")
        for step in (cheapest(v), [read(drifters.SOURCE, 1, 8)])
    ],
}


class Worker(drifters.Drifter):
    """Does one thing after the other, each with a reason to."""

    def __init__(self, script: Sequence[Any]) -> None:
        super().__init__(lambda n: script[min(n, len(script) - 1)], "never")


def recorded() -> Iterator[Labelled]:
    """The runs that are kept."""
    for path in sorted(PLACE.glob("*.jsonl")):
        about, *lines = map(json.loads, path.read_text().splitlines())
        steps = tuple(step_of(number, line) for number, line in enumerate(lines, 1))
        yield Labelled(path.stem, "recorded", steps, about["onset"])


def keep(name: str, onset: int, log: Path) -> None:
    """Write the first steps of a run's record."""
    lines = [json.dumps({"onset": onset})]
    lines += [json.dumps(data_of(step)) for step in list(steps_in(read_events(log)))[:MOST]]
    (PLACE / f"{name}.jsonl").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Record every scripted run, with the supervisor looking on only."""
    PLACE.mkdir(exist_ok=True)
    models = {way: (drifters.Drifter(drifters.WAYS[way], "never"), onset) for way, onset in ONSETS.items()}
    models |= {name: (Worker(script), -1) for name, script in WORK.items()}
    for name, (model, onset) in models.items():
        with tempfile.TemporaryDirectory() as home:
            result = played(ModelPolicy(model), Path(home))
            keep(name, onset, Path(result.run_dir) / "events.jsonl")


def played(policy: Policy, home: Path) -> Any:
    """A run of the shop with a long file, without the supervisor's answers."""
    files = {**drifters.FILES, "long.txt": "\n".join(f"row {n} says {n * 7919}" for n in range(400))}
    for name, text in files.items():
        (home / "repo" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "repo" / name).write_text(text)
    request = Request(
        home / "repo", "test_cheapest", model="none", sandbox="none", time=240, steps=30, tokens=10**7, supervise=False
    )
    with mock.patch.object(run, "_policy", lambda request: (policy, "scripted", "to be recorded")):
        return run.fix(request, RunStore(home / "home"), lambda event: None)


if __name__ == "__main__":
    main()
