"""The tests of one target repository: collecting them, running them, checking candidates against them.

What the agent answers is read with care: the code that it watches is not trusted, and neither is the agent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from coder_sandbox.contract import Event, Sandbox
from coder_tools.contract import (
    Behaviour,
    CandidateResult,
    CollectError,
    Collection,
    Compared,
    Frame,
    Input,
    Observed,
    Outcome,
    Splice,
    TestResult,
    Verdict,
)

GRACE = 30.0  # seconds over its own time that the agent gets to end what it has started
MESSAGE = 4096  # characters of a failure's message
NAME = 4096  # characters of a test id or a path
FRAMES = 40
REQUEST_BYTES = 4 << 20  # of candidates in one request
COMPARE_STARTUP = 5.0  # seconds over its own time that a comparison may need to collect tests it has not seen

Candidate = tuple[str, Sequence[Splice], Sequence[str], float]
"""(key, splices, companion ids, limit in seconds)"""


class TestRunFailed(Exception):
    """Tests cannot be collected or run at all; the message says why."""

    __test__ = False


class Suite:
    """One target repository's tests in one open sandbox."""

    traces = True  # whether coverage can be had, and candidates checked in a warm process

    def __init__(self, sandbox: Sandbox, root: Path, runner: str = "auto", args: Sequence[str] = ()) -> None:
        """`root`: as seen inside. `runner`: "pytest", "unittest" or "auto". `args`: the runner's own."""
        self._sandbox = sandbox
        self._target = {"runner": runner, "args": list(args), "root": str(root)}
        self.warm = False  # whether check() can be called
        self.forks = False  # whether it then forks a warm process for a candidate

    def collect(self, timeout: float) -> Collection:
        """Which tests there are, without running them.

        Raises TestRunFailed if there is no runner, or there are neither tests nor files that should hold some.
        """
        started = time.monotonic()
        answer = self._ask("collect", {"timeout": timeout}, timeout)
        ids = tuple(test for test in _list(answer.get("ids")) if isinstance(test, str) and len(test) <= NAME)
        errors = tuple(_collect_error(error) for error in _list(answer.get("errors")) if isinstance(error, dict))
        if not ids and not any(error.path for error in errors):
            raise TestRunFailed("\n".join(e.message for e in errors[:5]) or "There are no tests.")
        runner = "unittest" if answer.get("runner") == "unittest" else "pytest"
        self._target["runner"] = runner
        version = _text(answer.get("version"), 100)
        return Collection(runner, version, ids, errors, time.monotonic() - started)

    def run(
        self,
        ids: Sequence[str] | None,
        *,
        timeout: float,
        test_timeout: float,
        limits: Mapping[str, float] | None = None,
        coverage: bool | Sequence[str] = False,
        stop_on_fail: bool = False,
        on_result: Callable[[TestResult], None] | None = None,
    ) -> list[TestResult]:
        """Run these tests (None: all). Results stand in the order of `ids`; one that never came is "missing".

        `timeout`: seconds for all; `test_timeout`: for each, unless `limits` has the test. `coverage`: whether the
        lines that a test executes are noted, or of which tests. Raises TestRunFailed if the runner cannot work at all.
        """
        if ids is not None and not ids:
            return []
        wanted = None if ids is None else dict.fromkeys(ids)
        found: dict[str, TestResult] = {}

        def on_event(event: Event) -> None:
            result = _test_result(event.get("test"))
            if result is None or (wanted is not None and result.id not in wanted):
                return
            found[result.id] = result
            if on_result is not None:
                on_result(result)

        payload = {
            "ids": None if wanted is None else list(wanted),
            "timeout": timeout,
            "test_timeout": test_timeout,
            "limits": {test: limit for test, limit in (limits or {}).items() if wanted is None or test in wanted},
            "coverage": coverage if isinstance(coverage, bool) else list(coverage),
            "stop_on_fail": stop_on_fail,
        }
        self._ask("tests", payload, timeout, on_event)
        return [found.get(test) or TestResult(test, "missing") for test in (found if wanted is None else wanted)]

    def observe(
        self, ids: Sequence[str], lines: Mapping[str, Sequence[int]], *, timeout: float, test_timeout: float
    ) -> Observed:
        """Run tests once more and see what the variables of these lines (path -> lines) hold, over all tests."""
        seen: dict[tuple[str, int], dict[str, set[str]]] = {}
        members: dict[str, frozenset[str]] = {}

        def on_event(event: Event) -> None:
            test = event.get("test")
            observed = test.get("observed") if isinstance(test, dict) else None
            if isinstance(observed, dict):
                _take_observed(observed, seen, members)

        payload = {
            "ids": list(ids),
            "timeout": timeout,
            "test_timeout": test_timeout,
            "observe": {path: sorted(wanted) for path, wanted in lines.items()},
        }
        if ids and lines:
            self._ask("tests", payload, timeout, on_event)
        names = {place: {name: frozenset(kinds) for name, kinds in own.items()} for place, own in seen.items()}
        return Observed(names, members)

    def library(
        self, wanted: Sequence[tuple[str, str]], timeout: float
    ) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
        """For each (module or "", name): the names the installed module has, and the modules that have the name."""
        answer = self._ask("library", {"wanted": [list(one) for one in wanted], "timeout": timeout}, timeout)
        members, homes = (_dict(answer.get(part)) for part in ("members", "homes"))
        return _names_by_key(members), _names_by_key(homes)

    def open_warm(self, goal: Sequence[str], workers: int, timeout: float = 300.0) -> str:
        """Get ready to check candidates against these tests, within `timeout` seconds.

        Returns "" if they are checked in a warm process, else why not: check() then takes a process for each.
        """
        answer = self._ask("warm_open", {"goal": list(goal), "workers": workers, "timeout": timeout}, timeout)
        self.warm, self.forks = True, answer.get("warm") is True
        return "" if self.forks else _text(answer.get("reason"), MESSAGE) or "it did not start"

    def check(
        self,
        candidates: Sequence[Candidate],
        timeout: float,
        on_result: Callable[[CandidateResult], None] | None = None,
        cpu: float | None = None,
    ) -> list[CandidateResult]:
        """Check candidates against the goal of open_warm and their companions, up to `timeout` seconds in all.

        `cpu`: seconds of processor time each may take until the goal passes; without it only its limit counts.
        Results come in no particular order; a candidate that was not reached in time has none.
        """
        keys = {candidate[0] for candidate in candidates}
        found: dict[str, CandidateResult] = {}

        def on_event(event: Event) -> None:
            result = _candidate_result(event.get("candidate"))
            if result is None or result.key not in keys:
                return
            found[result.key] = result
            if on_result is not None:
                on_result(result)

        deadline = time.monotonic() + timeout
        for part in _parts(candidates, cpu):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._ask("warm_check", {"candidates": part, "timeout": left}, left, on_event)
        return list(found.values())

    def compare(
        self,
        candidates: Sequence[tuple[str, Sequence[Splice]]],
        *,
        passing: Sequence[str],
        failing: Sequence[str],
        test_files: Sequence[str],
        seed: int,
        timeout: float,
    ) -> Compared:
        """What candidates, by key, do on the inputs that these tests give to what they change, and on their neighbours.

        Needs open_warm. The base is there too, under the key "". A candidate that changes more than the bodies of
        functions is left out.
        """
        keys = {"", *(key for key, _ in candidates)}
        found: list[Input] = []

        def on_event(event: Event) -> None:
            given = _input(event.get("input"), keys)
            if given is not None:
                found.append(given)

        payload = {
            "candidates": [{"key": key, "splices": _splices(splices)} for key, splices in candidates],
            "passing": list(passing),
            "failing": list(failing),
            "test_files": list(test_files),
            "seed": seed,
            "limit": timeout,
            "timeout": timeout + COMPARE_STARTUP,
        }
        answer = self._ask("warm_compare", payload, timeout + COMPARE_STARTUP, on_event)
        unreached = answer.get("unreached")
        counts = {key: n for key, n in unreached.items() if type(n) is int} if isinstance(unreached, dict) else {}
        why_not = "" if found else _text(answer.get("reason"), MESSAGE) or "no input could be recorded"
        return Compared(tuple(found), counts, why_not)

    def close_warm(self) -> None:
        """End what open_warm started."""
        if self.warm:
            self.warm = False
            self._ask("warm_close", {}, 0.0)

    def _ask(
        self, op: str, payload: Mapping[str, Any], timeout: float, on_event: Callable[[Event], None] | None = None
    ) -> dict[str, Any]:
        """One request. Raises TestRunFailed with the agent's words if the target's tests are at fault."""
        answer = self._sandbox.request(op, {**self._target, **payload}, timeout=timeout + GRACE, on_event=on_event)
        if isinstance(answer.get("error"), str):
            raise TestRunFailed(_text(answer["error"], MESSAGE))
        return answer


def _parts(candidates: Sequence[Candidate], cpu: float | None) -> Iterator[list[dict[str, Any]]]:
    """The candidates as the protocol has them, in requests that are not too long."""
    part: list[dict[str, Any]] = []
    size = 0
    for key, splices, companions, limit in candidates:
        candidate = {
            "key": key,
            "splices": _splices(splices),
            "companions": list(companions),
            "limit": limit,
            **({} if cpu is None else {"cpu": cpu}),
        }
        own = len(json.dumps(candidate))
        if part and size + own > REQUEST_BYTES:
            yield part
            part, size = [], 0
        part.append(candidate)
        size += own
    if part:
        yield part


def _splices(splices: Sequence[Splice]) -> list[list[Any]]:
    return [[splice.path, splice.start, splice.end, splice.text] for splice in splices]


def _text(value: object, size: int) -> str:
    return value[:size] if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object) -> float:
    """A number of seconds; whatever is none is 0."""
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e9 else 0.0


def _collect_error(error: Mapping[str, Any]) -> CollectError:
    return CollectError(_text(error.get("path"), NAME), _text(error.get("message"), MESSAGE))


def _test_result(value: object) -> TestResult | None:
    """None for what is no result of a test."""
    if not isinstance(value, dict) or value.get("outcome") not in get_args(Outcome):
        return None
    test = value.get("id")
    if not isinstance(test, str) or len(test) > NAME:
        return None
    frames = [_frame(frame) for frame in _list(value.get("frames"))[-FRAMES:]]
    coverage = value.get("coverage")
    return TestResult(
        id=test,
        outcome=value["outcome"],
        duration=_number(value.get("duration")),
        message=_text(value.get("message"), MESSAGE),
        exception=_text(value.get("exception"), 200),
        frames=tuple(frame for frame in frames if frame is not None),
        coverage=_coverage(coverage) if isinstance(coverage, dict) else {},
    )


def _is_inside(path: object) -> bool:
    return isinstance(path, str) and 0 < len(path) <= NAME and path[0] != "/" and ".." not in path.split("/")


def _frame(value: object) -> Frame | None:
    match value:
        case [str(path), int(line), str(function)] if _is_inside(path) and line > 0:
            return Frame(path, line, function[:200])
        case _:
            return None


def _coverage(value: Mapping[Any, Any]) -> dict[str, frozenset[int]]:
    return {
        path: frozenset(line for line in _list(lines) if type(line) is int and line > 0)
        for path, lines in value.items()
        if _is_inside(path)
    }


def _take_observed(
    value: Mapping[Any, Any], seen: dict[tuple[str, int], dict[str, set[str]]], members: dict[str, frozenset[str]]
) -> None:
    """Add what one test showed; what is not of the right form is left out."""
    for path, own in _dict(value.get("lines")).items():
        for line, names in _dict(own).items():
            if _is_inside(path) and isinstance(line, str) and line.isdecimal() and len(line) < 10:
                place = seen.setdefault((path, int(line)), {})
                for name, kinds in _dict(names).items():
                    place.setdefault(str(name), set()).update(kind for kind in _list(kinds) if isinstance(kind, str))
    for kind, found in _dict(value.get("members")).items():
        words = frozenset(word for word in _list(found) if isinstance(word, str) and word.isidentifier())
        members[kind] = members.get(kind, frozenset()) | words


def _names_by_key(value: Mapping[Any, Any]) -> dict[str, tuple[str, ...]]:
    """Key -> dotted names; what is none is left out."""
    return {
        str(key): tuple(n for n in _list(names) if isinstance(n, str) and all(p.isidentifier() for p in n.split(".")))
        for key, names in value.items()
    }


def _dict(value: object) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _candidate_result(value: object) -> CandidateResult | None:
    """None for what is no verdict on a candidate."""
    if not isinstance(value, dict) or value.get("verdict") not in get_args(Verdict):
        return None
    key = value.get("key")
    if not isinstance(key, str):
        return None
    return CandidateResult(
        key=key,
        verdict=value["verdict"],
        goal_passed=int(_number(value.get("goal_passed"))),
        failed_test=_text(value.get("failed_test"), NAME),
        message=_text(value.get("message"), MESSAGE),
        exception=_text(value.get("exception"), 200),
        line=int(_number(value.get("line"))),
        seconds=_number(value.get("seconds")),
        starved=value.get("starved") is True,
    )


def _input(value: object, keys: set[str]) -> Input | None:
    """None for what is no input, or says nothing of the base or of any candidate."""
    if not isinstance(value, dict) or not isinstance(value.get("did"), dict):
        return None
    did = {key: _behaviour(answer) for key, answer in value["did"].items() if key in keys}
    known = {key: behaviour for key, behaviour in did.items() if behaviour is not None}
    if "" not in known or len(known) < 2:
        return None
    return Input(
        function=_text(value.get("function"), 200),
        module=_text(value.get("module"), 200),
        path=str(value["path"]) if _is_inside(value.get("path")) else "",
        receiver=_text(value.get("receiver"), 300),
        arguments=_text(value.get("arguments"), 1000),
        literal=value.get("literal") is True,
        varied=value.get("varied") is True,
        passing=value.get("passes") is True,
        entry=value.get("entry") is True,
        test=_text(value.get("test"), NAME),
        did=known,
    )


def _behaviour(value: object) -> Behaviour | None:
    match value:
        case ["returns" | "raises" | "hangs" as kind, str(words), str(mark)]:
            return Behaviour(kind, words[:1000], mark[:200])
        case _:
            return None
