"""Collects and runs tests under unittest, for targets that have no pytest."""

from __future__ import annotations

import os
import platform
import sys
import time
import unittest
from typing import Any, Callable, Dict, Iterator, List, NoReturn, Optional, Sequence, Tuple

from .coverage import Watch, nothing, open_coverage
from .override import keep, listen_to_imports
from .place import Ran
from .pool import Forked
from .project import Project
from .report import Record, Report
from .router import Router
from .warm import Loaded, Role, single

SEVERITY = ("", "passed", "skipped", "xfailed", "failed", "error")
GUESSES = ((), ("discover", "-s", "tests", "-t", "."), ("discover", "-s", "tests"), ("discover", "-s", "test"))
"""Arguments to try when none are given: the first that finds tests is taken."""


class _Program(unittest.TestProgram):
    """`python -m unittest ARGS` up to the point where it would run what it has found."""

    test: Any

    def runTests(self) -> None:
        pass


def _find(arguments: Sequence[str]) -> List[Any]:
    """The tests that these arguments of `python -m unittest` name, in run order."""
    if arguments in GUESSES[1:] and not os.path.isdir(arguments[2]):
        return []  # or an installed package of that name would be searched
    path = list(sys.path)
    try:
        loader = unittest.TestLoader()  # the default one remembers where it began to look
        program = _Program(module=None, argv=["python -m unittest", *arguments], exit=False, testLoader=loader)
    except (Exception, SystemExit):
        if arguments not in GUESSES:
            raise
        sys.path[:] = path
        return []
    return list(_flat(program.test))


def _flat(suite: Any) -> Iterator[Any]:
    if isinstance(suite, unittest.TestSuite):
        for part in suite:
            yield from _flat(part)
    else:
        yield suite


def _is_failed_import(test: Any) -> bool:
    return type(test).__name__ == "_FailedTest"


def discover(job: Record) -> Tuple[List[Any], List[Record]]:
    """The tests, and what could not be imported."""
    found: List[Any] = []
    for arguments in [tuple(map(str, job["args"]))] if job["args"] else GUESSES:
        found = _find(arguments)
        if found:
            break
    errors = [_import_error(test) for test in found if _is_failed_import(test)]
    return [test for test in found if not _is_failed_import(test)], errors


def _import_error(test: Any) -> Record:
    name = str(test._testMethodName)
    path = name.replace(".", "/")
    message = str(getattr(test, "_exception", "")).strip().splitlines()
    return {
        "path": path + (".py" if os.path.exists(path + ".py") else ""),
        "message": "\n".join(message[-1:] + message[:-1])[:1000],
    }


class _Result(unittest.TestResult):
    """Gives one result for each test, when its class and module fixtures have had their say too."""

    def __init__(
        self,
        project: Project,
        started: Callable[[str], None],
        ended: Callable[[Record], None],
        watch: Watch = nothing,
    ) -> None:
        super().__init__()
        self._project, self._started, self._ended, self._watch = project, started, ended, watch
        self._watching: Any = None
        self._clock = time.perf_counter
        self._under_way: Optional[Any] = None
        self._current: Record = {}
        self._fixture: Record = {}  # what a failed class or module fixture said last
        self._began = 0.0

    def begin(self, test: Any) -> None:
        """A test, or the fixtures before it, will run now."""
        if test is self._under_way:
            return
        self.finish()
        self._under_way = test
        self._started(test.id())
        self._current = {"id": test.id(), "outcome": ""}
        self._began = self._clock()
        self._watching = self._watch(test.id())
        if self._watching:
            self._watching.start()

    def finish(self) -> None:
        """The test under way is over, with its fixtures."""
        if self._under_way is None:
            return
        if self._watching:
            self._current[self._watching.key] = self._watching.stop()
        if not self._current["outcome"]:  # it never ran: its class or module could not be set up
            self._current.update(self._fixture or {"outcome": "error", "message": "the test said nothing"})
        self._current["duration"] = self._clock() - self._began
        self._under_way = None
        self._ended(self._current)

    def _note(self, test: Any, outcome: str, err: Any = None, message: str = "") -> None:
        told: Record = {"outcome": outcome, "message": message, "exception": "", "frames": []}
        if err is not None:
            told.update(self._project.failure(err[1], err[2]))
        if not isinstance(test, unittest.TestCase):  # stands for setUpClass and its like
            self._fixture = told
        if SEVERITY.index(outcome) > SEVERITY.index(self._current["outcome"]):
            self._current.update(told)

    def startTest(self, test: Any) -> None:
        self.begin(test)

    def stopTest(self, test: Any) -> None:
        pass

    def addSuccess(self, test: Any) -> None:
        self._note(test, "passed")

    def addError(self, test: Any, err: Any) -> None:
        self._note(test, "error", err)

    def addFailure(self, test: Any, err: Any) -> None:
        self._note(test, "failed", err)

    def addSkip(self, test: Any, reason: str) -> None:
        self._note(test, "skipped", None, reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        self._note(test, "xfailed", err)

    def addUnexpectedSuccess(self, test: Any) -> None:
        self._note(test, "failed", None, "unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            self._note(test, "failed" if issubclass(err[0], test.failureException) else "error", err)


class _Suite(unittest.TestSuite):
    """A suite that tells when the fixtures around a test begin, so that their time and faults are its."""

    _next: Any = None

    def _tearDownPreviousClass(self, test: Any, result: Any) -> None:
        self._next = test
        super()._tearDownPreviousClass(test, result)  # type: ignore[misc]

    def _handleModuleTearDown(self, result: Any) -> None:
        super()._handleModuleTearDown(result)  # type: ignore[misc]
        if self._next is not None:
            result.begin(self._next)

    def _handleClassSetUp(self, test: Any, result: Any) -> None:
        result.begin(test)
        super()._handleClassSetUp(test, result)  # type: ignore[misc]


def collect(job: Record, report: Report) -> None:
    """Say which tests there are, in run order, and which modules cannot be imported."""
    tests, errors = discover(job)
    ids = list(dict.fromkeys(test.id() for test in tests))
    report({"collected": {"version": platform.python_version(), "ids": ids, "errors": errors}})
    report({"end": 0})


def run(job: Record, report: Report) -> None:
    """Run tests, and say of each when it starts and how it ended."""
    wanted = None if job["ids"] is None else set(job["ids"])
    done = set(job["done"])
    tests, _ = discover(job)
    chosen = [test for test in tests if (wanted is None or test.id() in wanted) and test.id() not in done]
    project = Project(job["root"])
    result = _Result(
        project,
        lambda test: report({"start": test}),
        lambda record: report({"test": record}),
        open_coverage(project, job),
    )
    del tests
    _Suite(chosen).run(result)
    result.finish()
    report({"end": 0})


class _Stop(BaseException):
    """Leaves a suite whose further results nobody wants."""


class Cases:
    """The collected tests, to run some of them: the `Tests` of the warm validator."""

    def __init__(self, project: Project, tests: Sequence[Any], errors: Sequence[Record]) -> None:
        self._project = project
        self._tests: Dict[str, Any] = {}
        for test in tests:
            self._tests.setdefault(test.id(), test)
        self.why_not = "\n".join(f"{error['path']}: {error['message']}" for error in errors)

    def __contains__(self, test: str) -> bool:
        return test in self._tests

    def run(self, ids: Sequence[str], each: Callable[[Record], bool]) -> None:
        """Run the tests in this order while `each` says so."""

        def ended(record: Record) -> None:
            if not each(record):
                raise _Stop

        result = _Result(self._project, lambda test: None, ended)
        try:
            _Suite([self._tests[test] for test in ids]).run(result)
            result.finish()
        except _Stop:
            pass

    def fork_from(self, test: str, serve: Callable[[], Forked], go_on: Callable[[Forked], NoReturn]) -> NoReturn:
        go_on(serve())


def serve(job: Record, report: Report, commands: Any) -> None:
    """Be the warm validator: see router.py and warm.py."""
    project = Project(job["root"])
    ran = Ran(project)
    ran.watch()
    listen_to_imports()
    role = Router(job, project, ran, report, commands, _compile_ahead, takes_all=True).run()
    _play(role, project, job)


def _compile_ahead(loaded: Sequence[Loaded]) -> None:
    keep(path for path, _ in loaded)


def candidate(job: Record, report: Report) -> None:
    """Check one candidate in this process, which has nothing of the project yet."""
    listen_to_imports()
    _play(single(job, report), Project(job["root"]), job)


def _play(role: Role, project: Project, job: Record) -> None:
    try:
        tests, errors = discover(job)
    except BaseException as error:
        role.fail(f"{type(error).__name__}: {error}")
    role.play(Cases(project, tests, errors))
