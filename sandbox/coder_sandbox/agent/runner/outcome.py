"""How a pytest test ended, seen from around its phases and not from the reports that a test can rewrite."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Iterator, Optional

import pytest

from .coverage import Watch, nothing
from .project import Project
from .report import Record

SEVERITY = ("", "passed", "xpassed", "skipped", "xfailed", "failed", "error")
"""Of what the phases of one test say, the last in this list is what the test says."""


class Watcher:
    """A pytest plugin that gives one result for each test. A test passes only if no phase of it raised anything,
    whatever its reports claim."""

    def __init__(
        self,
        project: Project,
        started: Callable[[str], None],
        ended: Callable[[Record], None],
        watch: Watch = nothing,
    ) -> None:
        self._project, self._started, self._ended, self._watch = project, started, ended, watch
        self._clock = time.perf_counter  # here and not in the module, where tools that stop the clock replace it
        self._raised: Dict[str, Optional[BaseException]] = {}  # by phase, of those that have run
        self._phase = ""  # under way
        self._result: Record = {}

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        self._started(item.nodeid)
        self._result = {"id": item.nodeid, "outcome": ""}
        self._raised.clear()
        began = self._clock()
        watching = self._watch(item.nodeid)
        if watching:
            watching.start()
        ending = yield
        if watching:
            self._result[watching.key] = watching.stop()
        self._result["duration"] = self._clock() - began
        if ending.excinfo is None and self._result["outcome"]:  # type: ignore[attr-defined]
            self._ended(self._result)

    def _around(self, phase: str) -> Iterator[None]:
        self._phase = phase
        self._raised.pop(phase, None)
        ending: Any = yield
        self._phase = ""
        self._raised[phase] = None if ending.excinfo is None else ending.excinfo[1]

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: Any) -> Iterator[None]:
        self._result.update(outcome="", message="", exception="", frames=[])  # a plugin may run a test again
        yield from self._around("setup")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: Any) -> Iterator[None]:
        yield from self._around("call")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: Any) -> Iterator[None]:
        yield from self._around("teardown")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Iterator[None]:
        ending: Any = yield
        if ending.excinfo is None:
            self._judge(item, call, ending.get_result())

    def _judge(self, item: Any, call: Any, report: Any) -> None:
        part = bool(self._phase)  # a subtest reports while its test is under way: only its failure counts
        error = None if part else self._raised.get(call.when)
        if error is None and call.excinfo is not None:
            error = call.excinfo.value  # unittest's cases keep their exceptions to themselves
        outcome = self._outcome(call.when, error, report)
        if outcome in ("passed", "xpassed") and "call" not in self._raised:
            return  # a subtest; or something has put itself in the place of the test
        if part and outcome not in ("failed", "error"):
            return
        if SEVERITY.index(outcome) <= SEVERITY.index(self._result["outcome"]):
            return
        self._result["outcome"] = outcome
        if outcome not in ("passed", "xpassed"):
            self._result.update(self._describe(item, call, error, report))

    @staticmethod
    def _outcome(when: str, error: Optional[BaseException], report: Any) -> str:
        expected = hasattr(report, "wasxfail")
        if report.skipped:
            return "xfailed" if expected else "skipped"
        if error is not None or report.failed:  # failed without an error: a strict xfail that passed
            return "failed" if when == "call" else "error"
        if when != "call":
            return ""
        return "xpassed" if expected else "passed"

    def _describe(self, item: Any, call: Any, error: Optional[BaseException], report: Any) -> Record:
        if error is None:
            return {"message": str(report.longrepr or "")[:1000], "exception": "", "frames": []}
        message = ""
        if not isinstance(item, pytest.Function) and call.excinfo is not None:
            message = str(item.repr_failure(call.excinfo))  # a doctest, say: its exception has no words
        return self._project.failure(error, error.__traceback__, message)
