"""Judging one candidate: the goal tests, then the companions, up to the first that fails."""

from __future__ import annotations

import os
import signal
from typing import Callable, List, NoReturn, Optional, Protocol, Sequence, Tuple

from .place import Plan
from .pool import Child, Forked
from .project import shorten
from .report import Record, Report

PASSING = ("passed", "xpassed")
MESSAGE = 2000  # characters of why a candidate fails


class Tests(Protocol):
    """What a runner has collected."""

    why_not: str  # what could not be collected, and why

    def __contains__(self, test: str) -> bool: ...

    def run(self, ids: Sequence[str], each: Callable[[Record], bool]) -> None:
        """Run tests in this order, and hand over the result of each. Ends when `each` returns False."""

    def fork_from(self, test: str, serve: Callable[[], Forked], go_on: Callable[[Forked], NoReturn]) -> NoReturn:
        """Call `serve`, which returns only in forks of this process, and there `go_on`.

        Where nothing can tell the difference, the test may be begun before: a fork for a candidate finds itself in
        the middle of it, and `run` then hands over how it ended.
        """


class Task:
    """One candidate to check."""

    def __init__(self, candidate: Record, goal: Sequence[str]) -> None:
        self.key = str(candidate["key"])
        self.splices = candidate["splices"]
        self.goal = list(goal)
        self.companions = [test for test in candidate["companions"] if test not in set(goal)]
        self.limit = float(candidate["limit"])
        self.cpu = float(candidate.get("cpu", self.limit))
        self.record = candidate
        self.plan: Optional[Plan] = None

    @property
    def ids(self) -> List[str]:
        return [*self.goal, *self.companions]

    def limits(self, more: float = 0.0) -> Tuple[float, float]:
        """Seconds it may live, and of processor time. `more`: for what comes before the tests."""
        return self.limit + more, self.cpu + more


def judge(task: Task, tests: Tests, say: Report) -> None:
    """Run the goal tests, then the companions, up to the first that fails, and say the verdict."""
    goal, passed = len(task.goal), 0
    unknown = [test for test in task.ids if test not in tests]
    if any(test in unknown for test in task.goal):
        message = tests.why_not or "the goal test is no longer there"
        say({"verdict": "broken", "failed_test": unknown[0], "message": shorten(message, MESSAGE)})
        return

    def each(result: Record) -> bool:
        nonlocal passed
        if result["outcome"] not in PASSING:
            verdict = "failed" if passed < goal else "goal"
            message = result.get("message") or f"the test is {result['outcome']}"
            end = {"verdict": verdict, "goal_passed": min(passed, goal), "failed_test": result["id"]}
            frames = result.get("frames") or [["", 0, ""]]
            where = {"exception": result.get("exception", ""), "line": frames[0][1]}
            say({**end, **where, "message": shorten(message, MESSAGE)})
            return False
        passed += 1
        if passed == goal and task.companions:
            say({"goal_passed": passed})
        return True

    known = [test for test in task.ids if test not in unknown]
    tests.run(known, each)
    if passed < len(known):
        return  # and said why
    if unknown:
        say({"verdict": "goal", "goal_passed": goal, "failed_test": unknown[0], "message": "it is not collected"})
    else:
        say({"verdict": "plausible", "goal_passed": goal})


def outcome(child: Child[Task]) -> Record:
    """What a child that has ended says of its candidate, or what its end does."""
    said, task = child.said, child.task
    verdict, message = said.get("verdict"), str(said.get("message", ""))
    if verdict is None:
        overrun = child.status is not None and os.WIFSIGNALED(child.status)
        if child.timed_out or (overrun and os.WTERMSIG(child.status or 0) == signal.SIGXCPU):
            verdict, message = "timeout", f"not done within {task.limit:g} s, {task.cpu:g} s of them at work"
        elif not (task.plan or said.get("began")):  # what was swapped in has nothing before its tests to end in
            verdict, message = "broken", child.fate
        else:
            verdict, message = "goal" if said.get("goal_passed") else "failed", child.fate
    return {
        "key": task.key,
        "verdict": verdict,
        "goal_passed": said.get("goal_passed", 0),
        "failed_test": said.get("failed_test", ""),
        "message": message,
        "exception": said.get("exception", ""),
        "line": said.get("line", 0),
        "seconds": child.seconds,
        "starved": child.starved,
    }
