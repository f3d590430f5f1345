"""The operations on the target's tests: collect, tests, and the warm validator (docs/agent-protocol.md)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Set

if TYPE_CHECKING:
    from coder_sandbox.agent.runner.limit import OVER
    from coder_sandbox.agent.runner.report import Record
    from coder_sandbox.agent.runner_process import RunnerProcess, first
    from coder_sandbox.agent.validator import warm_check, warm_close, warm_compare, warm_open
else:
    from runner.limit import OVER
    from runner_process import RunnerProcess, first
    from validator import warm_check, warm_close, warm_compare, warm_open

Emit = Callable[[Dict[str, Any]], None]

LAST_WORDS = 1.0  # seconds that a test which is out of time gets to say where it is
RESTARTS = 200  # of the runner, in one request, after tests that ended it
STOPPED = 2  # pytest's exit code when something stopped the run
NO_RUN = (3, 4)  # pytest's exit codes when it could not run at all


def collect(payload: Record, emit: Emit) -> Record:
    """Which tests there are. `error` in the result, if there is no runner or it cannot work here."""
    runner = RunnerProcess({"do": "collect", **_target(payload)})
    collected: Record = {}
    try:
        for record in runner.until(time.monotonic() + float(payload["timeout"])):
            collected.update(record)
            if record.keys() & {"collected", "end", "unavailable"}:
                break
        ended = runner.ended or "end" in collected
    finally:
        runner.close()
    if "unavailable" in collected:
        return {"error": collected["unavailable"]}
    if "collected" not in collected:
        late = f"The tests could not be collected within {payload['timeout']:g} s."
        return {"error": _last_words(runner) if ended else late}
    found = {"runner": collected["runner"], **collected["collected"]}
    if not found["ids"] and found["runner"] == "unittest" and payload["runner"] == "auto":
        import sys

        found["error"] = f"No module named pytest in {sys.executable}, and unittest finds no tests."
    return found


def _target(payload: Record) -> Record:
    return {key: payload[key] for key in ("runner", "args", "root")}


def _last_words(runner: RunnerProcess) -> str:
    return runner.words or f"The test runner ended with exit code {runner.process.returncode}."


class Run:
    """One request to run tests: as many runner processes as it takes."""

    def __init__(self, payload: Record, emit: Emit) -> None:
        self._payload, self._emit = payload, emit
        self._deadline = time.monotonic() + float(payload["timeout"])
        self._limits: Dict[str, float] = payload.get("limits") or {}
        self._done: Set[str] = set()
        self._under_way: Optional[str] = None
        self._overdue = self._deadline  # when the test under way must be over
        self._end: Optional[int] = None
        self._stopped = False
        self.timed_out = False
        self.error = ""
        self.tail = ""

    @property
    def ran(self) -> int:
        return len(self._done)

    def go(self) -> None:
        """Run the tests; after each that ends the process or exceeds its limit, go on with the rest."""
        for _ in range(RESTARTS):
            before = self.ran
            runner = RunnerProcess(self._job())
            try:
                self._watch(runner)
            finally:
                runner.close()
            self.tail = runner.words
            if self._end in NO_RUN and not self.ran:
                self.error = _last_words(runner)
            complete = self._end is not None and self._end != STOPPED
            if self._stopped or self.timed_out or self.error or complete or self.ran == before:
                return

    def _job(self) -> Record:
        ids = self._payload.get("ids")
        if ids is not None:
            ids = [test for test in ids if test not in self._done]
        done = sorted(self._done) if ids is None else []
        coverage = self._payload.get("coverage") or False
        job = {"do": "tests", **_target(self._payload), "ids": ids, "done": done, "coverage": coverage}
        return {**job, "observe": self._payload.get("observe")}

    def _watch(self, runner: RunnerProcess) -> None:
        """Follow one process to its end, or to the end of somebody's patience."""
        self._under_way = self._end = None
        self._overdue = self._deadline
        while not self._stopped and self._end is None and not self.error:
            ended = runner.ended
            for record in runner.records(self._overdue - time.monotonic()):
                self._take(record)
                if self._stopped:
                    return
            if ended:
                break
            if time.monotonic() >= self._overdue:
                self._give_up(runner)
                return
        if self._under_way is not None:
            self._result({"outcome": "crashed", "message": self._crash(runner)})
            self._end = None  # whatever it says, that was not the end of the tests

    def _take(self, record: Record) -> None:
        if "start" in record:
            self._under_way = str(record["start"])
            self._started = time.monotonic()
            limit = float(self._limits.get(self._under_way) or self._payload["test_timeout"])
            self._overdue = min(self._deadline, self._started + limit)
        elif "test" in record and record["test"].get("id") == self._under_way:
            self._tell(record["test"])
        elif "unavailable" in record:
            self.error = record["unavailable"]
        elif "end" in record:
            self._end = int(record["end"])

    def _give_up(self, runner: RunnerProcess) -> None:
        self.timed_out = time.monotonic() >= self._deadline
        if self._under_way is not None:
            words = {} if self.timed_out else self._where(runner)
            self._result({**words, "outcome": "timeout", "message": "It was not done within its time limit."})

    def _where(self, runner: RunnerProcess) -> Record:
        """Where the test under way is and what it has run, of one that lets itself be interrupted."""
        runner.process.send_signal(OVER)
        for record in runner.until(time.monotonic() + LAST_WORDS):
            said = record.get("test") or {}
            if said.get("id") == self._under_way:
                return {key: said[key] for key in ("frames", "coverage", "observed") if key in said}
        return {}

    def _crash(self, runner: RunnerProcess) -> str:
        if self._end is not None:
            return "The test ended the whole run."
        code = runner.process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"The process of the tests {how} during this test."

    def _result(self, result: Record) -> None:
        """What the agent itself says of the test under way."""
        self._tell({"id": self._under_way, "duration": time.monotonic() - self._started, **result})

    def _tell(self, result: Record) -> None:
        self._done.add(str(result["id"]))
        self._under_way, self._overdue = None, self._deadline
        self._emit({"event": "test", "test": result})
        if self._payload.get("stop_on_fail") and result["outcome"] not in ("passed", "xpassed", "skipped", "xfailed"):
            self._stopped = True


def tests(payload: Record, emit: Emit) -> Record:
    """Run tests and emit the result of each as it ends."""
    run = Run(payload, emit)
    run.go()
    result: Record = {"ran": run.ran, "timed_out": run.timed_out, "tail": run.tail}
    if run.error:
        result["error"] = run.error
    return result


def library(payload: Record, emit: Emit) -> Record:
    """What is installed for the target under some names: see runner/library.py. Nothing where it takes too long."""
    runner = RunnerProcess({"do": "library", "root": payload["root"], "wanted": payload["wanted"]})
    try:
        found = first(runner.until(time.monotonic() + float(payload["timeout"])), "library") or {}
    finally:
        runner.close()
    answer: Record = found.get("library") or {"members": {}, "homes": {}}
    return answer


OPS: Dict[str, Callable[[Record, Emit], Record]] = {
    "collect": collect,
    "tests": tests,
    "library": library,
    "warm_open": warm_open,
    "warm_check": warm_check,
    "warm_compare": warm_compare,
    "warm_close": warm_close,
}
