"""A run keeps to its time, and gives the same patch however busy the machine is."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coder import run
from coder.nodes.facts import Baseline
from coder.record.result import Result
from coder.record.store import RunStore
from coder.session import Session
from coder.supervisor.budget import Budget
from coder.task import Request
from coder_sandbox.client import AgentClient
from coder_sandbox.snapshot import Base
from coder_tools.contract import CandidateResult, TestResult

step = importlib.import_module("coder.nodes.test")  # in the package the name is that of the node

LIB = """\
def clamp(price, low, high):
    if price < low:
        return low
    if price > low:
        return high
    return price
"""
TESTS = """\
import time
from lib import clamp

def test_low():
    assert clamp(-2, 0, 10) == 0

def test_mid():
    assert clamp(3, 0, 10) == 3

def test_slow():
    time.sleep(0.1)
    assert clamp(-1, 0, 10) == 0

def test_impossible():
    assert clamp(3, 0, 10) == 3 and clamp(3, 0, 10) == 4
"""
FILES = {"lib.py": LIB, "tests/test_lib.py": TESTS}


@pytest.fixture
def fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target_env: Path) -> Callable[..., Result]:
    """Runs a fix over these files, without a model and without a sandbox."""
    monkeypatch.setenv("VIRTUAL_ENV", str(target_env))
    repo = tmp_path / "repo"
    for name, text in FILES.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text)

    def go(goal: str, **more: Any) -> Result:
        request = Request(repo=repo, goal=goal, **{"model": "none", "sandbox": "none", **more})
        return run.fix(request, RunStore(tmp_path / "home"), lambda event: None)

    return go


def test_nothing_that_is_asked_of_a_sandbox_may_take_longer_than_the_budget_has_left(
    fix: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions: list[Session] = []
    asked: dict[str, list[tuple[float, float]]] = {}
    make, request = Session.__init__, AgentClient.request

    def noted(self: Session, *args: Any, **more: Any) -> None:
        make(self, *args, **more)
        sessions.append(self)

    def watched(self: AgentClient, op: str, payload: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        if "timeout" in payload:
            asked.setdefault(op, []).append((float(payload["timeout"]), sessions[-1].budget.remaining()))
        return request(self, op, payload, **more)

    monkeypatch.setattr(Session, "__init__", noted)
    monkeypatch.setattr(AgentClient, "request", watched)
    assert fix("test_mid", time=60.0).status == "fixed"
    assert {"collect", "tests", "warm_open", "warm_check", "warm_compare"} <= asked.keys()
    fix("test_impossible", time=12.0)
    for op, times in asked.items():
        for timeout, left in times:
            assert timeout <= left + 0.2, f"{op} may take {timeout} s of the {left} s that are left"


@pytest.mark.parametrize("goal", ["", "test_mid"])
def test_a_budget_that_is_spent_before_the_tests_have_run_says_that_and_nothing_else(
    fix: Callable[..., Result], goal: str
) -> None:
    result = fix(goal, time=0.01)
    assert result.status == "not_fixed"
    assert "time budget of 0.01 s was spent before the tests had run" in result.reason


def test_what_comes_before_the_first_step_is_time_too(
    fix: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    take, start = Base.take, Budget.__init__

    def taken(*args: Any) -> Base:
        order.append("snapshot")
        return take(*args)

    def started(self: Budget, *args: Any, **more: Any) -> None:
        order.append("clock")
        start(self, *args, **more)

    monkeypatch.setattr(Base, "take", taken)
    monkeypatch.setattr(Budget, "__init__", started)
    fix("test_mid", time=0.01)
    assert order == ["clock", "snapshot"]


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """As many processes that do nothing but use the processor."""
    loads = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for load in loads:
            load.kill()
            load.wait()


def told(result: Result) -> str:
    """What a run says of its patch and the others. Which of those it has the time to verify is left out."""
    alternatives = [vars(a) | {"verified": None} for a in result.alternatives]
    return json.dumps([result.status, result.patch, result.explanation, result.warnings, alternatives], default=vars)


def test_the_same_seed_gives_the_same_patch_on_a_busy_machine(fix: Callable[..., Result]) -> None:
    alone = fix("test_mid", time=300.0, seed=7)
    with busy(8):
        crowded = fix("test_mid", time=300.0, seed=7)
    assert told(alone) == told(crowded)
    assert alone.alternatives


def candidate(number: int) -> dict[str, Any]:
    splice = {"path": "lib.py", "start": number, "end": number, "text": "x"}
    return {"key": f"c{number}", "splice": splice, "line": 1, "score": -number, "patience": 1.0, "note": "", "kind": ""}


class Suite:
    """Answers from a table: key -> the verdicts, one for each time it is asked."""

    def __init__(self, answers: Mapping[str, list[CandidateResult]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def check(self, candidates: Any, **options: Any) -> list[CandidateResult]:
        keys = [c[0] for c in candidates]
        self.asked += keys
        found = [CandidateResult(key, "failed") for key in keys if key not in self.answers]
        return [*reversed([self.answers[key].pop(0) for key in keys if key in self.answers]), *found]


def checked(suite: Suite, size: int) -> tuple[list[CandidateResult], int]:
    session = SimpleNamespace(budget=SimpleNamespace(remaining=lambda: 60.0), emit=lambda *words: None)
    found = Baseline("pytest", ("t",), {"t": TestResult("t", "failed", 0.01)})
    batch = [candidate(number) for number in range(size)]
    state = {"goal_tests": ["t"]}
    made: tuple[list[CandidateResult], int] = step._checked(session, state, found, suite, batch)
    return made


def test_a_candidate_that_had_no_processor_is_asked_again_before_it_counts() -> None:
    late = CandidateResult("c3", "timeout", starved=True)
    suite = Suite({"c3": [late, CandidateResult("c3", "plausible")], "c4": [CandidateResult("c4", "timeout")]})
    results, _ = checked(suite, 8)
    verdicts = {r.key: r.verdict for r in results}
    assert (verdicts["c3"], verdicts["c4"]) == ("plausible", "timeout")
    assert suite.asked.count("c3") == 2 and suite.asked.count("c4") == 1
    assert len(results) == 8


def test_the_search_looks_a_little_further_and_counts_it_in_candidates() -> None:
    suite = Suite({"c5": [CandidateResult("c5", "plausible")]})
    results, reached = checked(suite, 500)
    assert reached == len(results) == 2 * step.CHUNK
    assert checked(Suite({}), 500)[1] == 500
