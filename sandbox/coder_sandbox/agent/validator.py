"""The warm validator as the agent sees it: one process that checks candidates, and fresh ones where it cannot."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional

if TYPE_CHECKING:
    from coder_sandbox.agent.processes import PINNED
    from coder_sandbox.agent.runner.override import Sources
    from coder_sandbox.agent.runner.report import Record
    from coder_sandbox.agent.runner_process import RunnerProcess, first
else:
    from processes import PINNED
    from runner.override import Sources
    from runner_process import RunnerProcess, first

Emit = Callable[[Dict[str, Any]], None]

OPENINGS = 3  # of the warm process, in one request
STARTUP = 20.0  # seconds that a fresh process may take before its tests begin, where that is not known


class Validator:
    """Checks candidates against the goal of one warm_open."""

    def __init__(self, payload: Record) -> None:
        self._payload = payload
        self._process: Optional[RunnerProcess] = None
        self._is_usable = False
        self._on_disk = False  # the goal starts processes of its own, which see only what is on the disk
        self._is_partial = False  # and the warm process has only those of its tests that do not
        self._startup = STARTUP
        self.why_not = ""

    def open(self, deadline: float) -> bool:
        """Start the warm process, by the deadline. `why_not` says why it cannot be used."""
        began = time.monotonic()
        job = {key: self._payload[key] for key in ("runner", "args", "root", "goal", "workers")}
        self._process = RunnerProcess({"do": "warm", **job})
        PINNED.add(self._process.process.pid)
        ready = first(self._process.until(deadline), "ready", "unavailable") or {}
        self._on_disk = bool(ready.get("spawned"))
        self._is_partial = self._on_disk and len(ready["spawned"]) < len(job["goal"])
        self._startup = 1.0 + 3 * (time.monotonic() - began)
        if not ready.get("ready") or (self._on_disk and not self._is_partial):
            late = "" if time.monotonic() < deadline else "the goal's files were not collected in time"
            self.why_not = str(ready.get("reason") or ready.get("unavailable") or late)
            self.close()
        self._is_usable = self._process is not None
        return self._is_usable

    def close(self) -> None:
        """End the warm process, if there is one."""
        if self._process is not None:
            self._process.close()
            self.why_not = self.why_not or self._process.words or "the warm process ended"
            self._process = None

    def check(self, candidates: List[Record], deadline: float) -> Iterator[Record]:
        """The verdict of each candidate, as it comes, up to the deadline."""
        left = {str(candidate["key"]): candidate for candidate in candidates}
        fresh: Dict[str, Record] = {}
        for _ in range(OPENINGS):
            if not left or time.monotonic() >= deadline:
                break  # to start a warm process now would fail, and it would count as one that cannot be had
            if self._process is None and not (self._is_usable and self.open(deadline)):
                break
            yield from self._check_warm(left, fresh, deadline)
        for candidate in [*fresh.values(), *left.values()]:
            if time.monotonic() >= deadline:
                return
            yield self._check_fresh(candidate, deadline)

    def compare(self, payload: Record, deadline: float) -> Record:
        """What candidates do side by side, on inputs near the tests' own."""
        if self._process is None and not (self._is_usable and self.open(deadline)):
            return {"reason": self.why_not or "there is no warm process"}
        assert self._process
        wanted = ("candidates", "passing", "failing", "test_files", "seed", "limit")
        self._process.send({key: payload[key] for key in wanted})
        record = first(self._process.until(deadline), "compared")
        if record is None:
            self.close()
            return {"reason": "the comparison was not done in time"}
        answer: Record = record["compared"]
        return answer

    def _check_warm(self, left: Dict[str, Record], fresh: Dict[str, Record], deadline: float) -> Iterator[Record]:
        """Give the verdicts that the warm process has. `left` loses what it was given, but for what was not begun
        when it died; what it cannot do, and what may have killed it, is added to `fresh`."""
        assert self._process
        under_way: Dict[str, None] = {}
        self._process.send(list(left.values()))
        for record in self._process.until(deadline):
            if "begun" in record:
                under_way[record["begun"]] = None
            elif "candidates" in record:
                for verdict in record["candidates"]:
                    under_way.pop(verdict["key"], None)
                    candidate = left.pop(verdict["key"], None)
                    if candidate and self._is_partial and verdict["verdict"] == "plausible":
                        fresh[candidate["key"]] = candidate  # the rest of the goal has a say too
                    else:
                        yield verdict
            elif "cold" in record:
                fresh[record["cold"]] = left.pop(record["cold"])
            elif "checked" in record:
                left.clear()
                return
        self.close()  # it is dead, or late: what it was at is not worth waiting for
        fresh.update({key: left.pop(key) for key in under_way})

    def _check_fresh(self, candidate: Record, deadline: float) -> Record:
        """In a process of its own: with the changed source in memory, or on the disk for the time it takes."""
        job = {"do": "candidate", "goal": self._payload["goal"], "candidate": candidate}
        job.update({key: self._payload[key] for key in ("runner", "args", "root")})
        began = time.monotonic()
        limit = float(candidate["limit"]) + self._startup
        said: Record = {}
        try:
            changed = Sources(job["root"]).changed(candidate["splices"])
        except (OSError, ValueError, SyntaxError) as error:
            return _result(candidate, began, {"verdict": "broken", "message": str(error)})
        if self._on_disk:
            job["candidate"] = {**candidate, "splices": []}
        with _Written(changed if self._on_disk else {}):
            runner = RunnerProcess(job)
            try:
                for record in runner.until(min(deadline, began + limit)):
                    said.update(record.get("said") or {})
                    if "verdict" in said:
                        break
                ended = runner.ended
            finally:
                runner.close()
        return _result(candidate, began, said if "verdict" in said else {**said, **_verdict(said, ended)})


def _result(candidate: Record, began: float, said: Record) -> Record:
    seconds = time.monotonic() - began
    return {"goal_passed": 0, "failed_test": "", "message": "", **said, "key": candidate["key"], "seconds": seconds}


def _verdict(said: Record, ended: bool) -> Record:
    """What the end of a process says that gave no verdict."""
    if not ended:
        return {"verdict": "timeout", "message": "not done within its time limit"}
    if not said.get("began"):
        return {"verdict": "broken", "message": "its process ended before the tests began"}
    return {"verdict": "goal" if said.get("goal_passed") else "failed", "message": "its process ended"}


class _Written:
    """Files with another content, for a while."""

    def __init__(self, contents: Dict[str, bytes]) -> None:
        self._contents = contents
        self._saved: Dict[str, Any] = {}

    def __enter__(self) -> None:
        for path, content in self._contents.items():
            with open(path, "rb") as file:
                self._saved[path] = (file.read(), os.stat(path).st_mtime_ns)
            _write(path, content)

    def __exit__(self, *_: Any) -> None:
        for path, (content, mtime) in self._saved.items():
            _write(path, content)
            os.utime(path, ns=(mtime, mtime))


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


_open: List[Validator] = []  # at most one


def warm_open(payload: Record, emit: Emit) -> Record:
    """Get ready to check candidates against the goal tests. What was open before is closed."""
    warm_close({}, emit)
    validator = Validator(payload)
    warm = validator.open(time.monotonic() + float(payload["timeout"]))
    _open.append(validator)
    return {"warm": warm, "reason": validator.why_not}


def warm_check(payload: Record, emit: Emit) -> Record:
    """Check candidates, and emit the verdict of each as it comes."""
    if not _open:
        return {"checked": 0, "error": "warm_check before warm_open"}
    deadline = time.monotonic() + float(payload["timeout"])
    checked = 0
    for verdict in _open[0].check(payload["candidates"], deadline):
        emit({"event": "candidate", "candidate": verdict})
        checked += 1
    return {"checked": checked}


def warm_compare(payload: Record, emit: Emit) -> Record:
    """Put candidates side by side, and emit what they do on each input."""
    if not _open:
        return {"error": "warm_compare before warm_open"}
    answer = _open[0].compare(payload, time.monotonic() + float(payload["timeout"]))
    inputs = answer.get("inputs") or []
    for given in inputs:
        emit({"event": "input", "input": given})
    reason = str(answer.get("reason") or "")
    return {"inputs": len(inputs), "unreached": answer.get("unreached") or {}, "reason": reason}


def warm_close(payload: Record, emit: Emit) -> Record:
    """End the warm process."""
    while _open:
        _open.pop().close()
    return {}
