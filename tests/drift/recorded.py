"""Runs of coder on the record, for the corpus: scripted models that drift, some that work, and a real small model.

`python tests/drift/recorded.py` makes the scripted ones anew in `recorded/`, a file a run: first what it is, then a
step a line as the run's own record has it. Where the drift begins is written down here by hand.

`python tests/drift/recorded.py openai:NAME@URL FIXTURE...` records a real model on fixtures of eval_repos. What each
of its steps is, "c", "t" or "a" as the strip of a run has it, is then written by hand into the first line of the file.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import drifters
from corpus import Sequence as Labelled

from coder import run
from coder.models.choose import choose_model
from coder.policies.contract import Policy
from coder.policies.model import ModelPolicy
from coder.record.events import read_events
from coder.record.store import RunStore
from coder.task import Request
from coder.trajectories.contract import Step
from coder.trajectories.own import data_of, step_of, steps_in

PLACE = Path(__file__).with_name("recorded")
MOST = 14  # steps of a run that are kept
LONGEST = 1500  # characters of a thought and of a call's result that are kept
EVAL = Path(__file__).parents[2] / "eval_repos"
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
    for path, about, steps in _kept():
        yield Labelled(path.stem, "recorded", steps, about["onset"])


def labelled() -> Iterator[tuple[Labelled, str]]:
    """The real model's runs, each with the letters of its steps."""
    for path, about, steps in _kept():
        if "letters" in about:
            assert len(about["letters"]) == len(steps), f"{path.name}: a letter for each step"
            yield Labelled(path.stem, "recorded", steps, about["onset"]), about["letters"]


def _kept() -> Iterator[tuple[Path, dict[str, Any], tuple[Step, ...]]]:
    for path in sorted(PLACE.glob("*.jsonl")):
        about, *lines = map(json.loads, path.read_text().splitlines())
        yield path, about, tuple(step_of(number, line) for number, line in enumerate(lines, 1))


def keep(name: str, about: dict[str, Any], log: Path) -> None:
    """Write the first steps of a run's record."""
    lines = [json.dumps(about)]
    lines += [json.dumps(data_of(_shortened(step))) for step in list(steps_in(read_events(log)))[:MOST]]
    (PLACE / f"{name}.jsonl").write_text("\n".join(lines) + "\n")


def _shortened(step: Step) -> Step:
    """A step without what a small model babbles on, and without the rest of a long answer."""
    calls = tuple(replace(call, result=call.result[:LONGEST]) for call in step.calls)
    return replace(step, thought=step.thought[:LONGEST], calls=calls)


def main() -> None:
    """Record every scripted run, with the supervisor looking on only."""
    PLACE.mkdir(exist_ok=True)
    models = {way: (drifters.Drifter(drifters.WAYS[way], "never"), onset) for way, onset in ONSETS.items()}
    models |= {name: (Worker(script), -1) for name, script in WORK.items()}
    for name, (model, onset) in models.items():
        with tempfile.TemporaryDirectory() as home:
            result = played(ModelPolicy(model), Path(home))
            keep(name, {"onset": onset}, Path(result.run_dir) / "events.jsonl")


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


def real(spec: str, fixtures: Sequence[str]) -> None:
    """Record a real model on fixtures. The letters of its steps are left to be written."""
    model, _ = choose_model(spec)
    assert model is not None
    for fixture in fixtures:
        goal = tomllib.loads((EVAL / fixture / "task.toml").read_text())["fail_to_pass"]
        with tempfile.TemporaryDirectory() as home:
            repo = shutil.copytree(EVAL / fixture, Path(home) / "repo")
            request = Request(repo, tests=tuple(goal), model="none", time=600, steps=40, tokens=10**6, supervise=False)
            with mock.patch.object(run, "_policy", lambda request: (ModelPolicy(model), spec, "to be recorded")):
                result = run.fix(request, RunStore(Path(home) / "home"), lambda event: None)
            name = f"{spec.removeprefix('openai:').partition('@')[0]}_{fixture}"
            keep(name, {"onset": -1, "letters": ""}, Path(result.run_dir) / "events.jsonl")


if __name__ == "__main__":
    real(sys.argv[1], sys.argv[2:]) if len(sys.argv) > 2 else main()
