"""The tests of a repository that another language's runner runs, with the face that the Python suite has.

There is no coverage and no warm validator: what runs is the tool itself, as the project's people run it. What it says
is read with care, once it has ended; a test that was asked for and that it does not name has not passed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import dropwhile
from pathlib import Path

from coder_sandbox.contract import ExecResult, Sandbox
from coder_tools.contract import CollectError, Collection, Observed, TestResult
from coder_tools.protect import INLINE, is_protected
from coder_tools.runners.contract import ASSIGNMENT, Broken, Call, Command, Project, Ran, Report, Runner, file_of
from coder_tools.runners.told import LOG
from coder_tools.testing import MESSAGE, NAME, Suite, TestRunFailed
from coder_tools.text import cap

FIRST_STARTUP, BUILT_STARTUP, LEAST_STARTUP = 60.0, 20.0, 10.0
"""Seconds that building and starting may take beyond the tests' own limits: at first, once built, and at least."""
MOST_NAMED = 100  # tests that are named in a command; of more, all are run
MOST_ALONE = 50  # tests that get a run of their own because another ended the one they were in
MOST_ROUNDS = 5  # runs for the files that a hang kept from running, which may have one of their own
MOST_HUNG = 2  # tests of one file that time out by themselves, none of it having ended, before the rest is given up
HUNG = 247  # the exit code of a command that told nothing new for too long
TOLD = 1_500_000  # bytes that are read of what a run told that did not end
MOST_LISTED = 500  # files whose text is looked at for tests that cannot run
SHORTER = "Have the tests print less, or run a part of them with --test-cmd."
VALUE = 1000  # characters of an expected or actual value
LONGEST = 1e9  # seconds
SECONDS = 60.0  # for reading reports
_SEVERITY = ("xpassed", "passed", "xfailed", "skipped", "failed", "error", "timeout", "crashed")

_PREPARE = """
import glob, os, sys, tempfile
for pattern in sys.argv[1:]:
    for path in glob.glob(pattern, recursive=True):
        if os.path.isfile(path) or os.path.islink(path):
            os.unlink(path)
print(tempfile.mkdtemp(prefix="coder-"), end="")
"""
_WATCH = f"""
import os, subprocess, sys, time
path, quiet, begins = sys.argv[1], float(sys.argv[2]), sys.argv[3].encode()
child = subprocess.Popen(sys.argv[4:])
size, since, begun = 0, 0.0, False
while True:
    try:
        code = child.wait(0.1)
    except subprocess.TimeoutExpired:
        code = None
    if code is not None:
        sys.exit(code if code >= 0 else 128 - code)
    try:
        now = os.stat(path).st_size
    except OSError:
        now = 0
    if now != size:
        size, since = now, time.monotonic()
        with open(path, "rb") as file:
            begun = begun or begins in file.read()
    elif begun and time.monotonic() - since > quiet:
        sys.exit({HUNG})  # what it leaves running is ended with it
"""
# What was told on the way is of use only where the run did not end, and then its end.
_COLLECT = f"""
import glob, json, os, shutil, sys
hung = sys.argv[1] == "hung"
found = {{}}
for pattern in sys.argv[2:]:
    for path in sorted(glob.glob(pattern, recursive=True)):
        told = os.path.basename(path) == {LOG!r}
        if os.path.isfile(path) and (hung or not told):
            with open(path, "rb") as file:
                if told:
                    file.seek(max(0, os.path.getsize(path) - {TOLD}))
                found[path] = file.read().decode("utf-8", "replace")
shutil.rmtree(os.path.dirname(sys.argv[2]), ignore_errors=True)
json.dump(found, sys.stdout)
"""


class CommandSuite(Suite):
    """Runs a runner's commands in one open sandbox."""

    traces = False

    def __init__(self, sandbox: Sandbox, root: Path, runner: Runner, args: Sequence[str], project: Project) -> None:
        super().__init__(sandbox, root, runner.name, args)
        self._root, self._runner, self._project = str(root), runner, project
        self._args = tuple(args[-1:] if runner.takes_line else dropwhile(ASSIGNMENT.match, args))
        self._env = dict(word.split("=", 1) for word in args[: len(args) - len(self._args)])
        self._startup = FIRST_STARTUP
        self._build = ""
        self._known: tuple[str, ...] = ()  # the tests that collecting found
        self._told: dict[str, TestResult] = {}  # what collecting said and nobody has asked for yet

    def collect(self, timeout: float) -> Collection:
        """Run everything once: what a runner has run is the only list of tests that all runners give.

        Raises TestRunFailed if the runner cannot work, or there are no tests.
        """
        started = time.monotonic()
        report = self._all_of(None, timeout, max(5.0, timeout / 6))
        self._told = _merged(report.results)
        self._known = tuple(self._told)
        errors = tuple(self._errors(report))
        if not self._told and not any(error.tests for error in errors):
            raise TestRunFailed("\n".join(e.message for e in errors[:3]) or "There are no tests.")
        return Collection(self._runner.name, "", tuple(self._told), errors, time.monotonic() - started)

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
        """As the Python suite's; there is no coverage, and a run right after collecting is what collecting saw."""
        if ids is not None and not ids:
            return []
        wanted = None if ids is None else tuple(dict.fromkeys(ids))
        found, self._told = self._told, {}
        if wanted is None or not found.keys() >= set(wanted):
            found = self._run(wanted, timeout, test_timeout, limits or {})
        results = list(found.values()) if wanted is None else [found[test] for test in wanted]
        if on_result is not None:
            for result in results:
                on_result(result)
        return results

    def observe(
        self, ids: Sequence[str], lines: Mapping[str, Sequence[int]], *, timeout: float, test_timeout: float
    ) -> Observed:
        """Nothing: variables are watched in Python only."""
        return Observed()

    def library(
        self, wanted: Sequence[tuple[str, str]], timeout: float
    ) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
        """Nothing: what is installed is known of Python only."""
        return {}, {}

    def _run(
        self, wanted: tuple[str, ...] | None, timeout: float, test_timeout: float, limits: Mapping[str, float]
    ) -> dict[str, TestResult]:
        named = wanted if wanted is not None and len(wanted) <= MOST_NAMED else None
        end = time.monotonic() + timeout
        if wanted is not None:
            own = [limits.get(test, test_timeout) for test in wanted]
            timeout, test_timeout = min(timeout, self._startup + sum(own)), max(own)
        report = self._all_of(named, timeout, test_timeout)
        again = min(timeout, end - time.monotonic())
        if hidden := _hidden_by_a_hang(report, wanted or ()):
            alone = self._alone(hidden, again, test_timeout)
            report = replace(report, results=(*report.results, *alone))
        found = _merged(report.results)
        broken = {one.path: one for one in reversed(report.broken)}
        for test in wanted or ():
            if test not in found:
                why = broken.get(file_of(test)) or broken.get("")
                found[test] = _failed(test, why) if why else TestResult(test, "missing")
        return found

    def _all_of(self, wanted: tuple[str, ...] | None, timeout: float, limit: float) -> Report:
        """One run, and after it others for the tests that one of it has kept from running."""
        deadline = time.monotonic() + timeout
        report = self._go(wanted, timeout, limit)
        results = [*report.results]
        cut = report.cut
        if _hung(report):
            cut = self._unreached(report, results, deadline, limit)
        alone = self._alone(cut, deadline - time.monotonic(), limit)
        return replace(report, results=(*results, *alone), cut=())

    def _unreached(self, first: Report, results: list[TestResult], deadline: float, limit: float) -> tuple[str, ...]:
        """Run the files that a hang in another one kept from running, and give the tests that must run alone."""
        cut, stuck = first.cut, {*first.stuck}
        for _ in range(MOST_ROUNDS):
            begun = stuck | {file_of(result.id) for result in results}
            fresh = tuple(test for test in cut if file_of(test) not in begun)
            left = deadline - time.monotonic()
            if not fresh or not begun or left <= 0:
                break
            report = self._go(fresh, min(left, self._startup + limit * len(fresh)), limit)
            if not report.results and not report.stuck:
                break
            results += report.results
            stuck.update(report.stuck)
            known = {result.id for result in results}
            cut = tuple(test for test in dict.fromkeys((*cut, *report.cut)) if test not in known)
        return cut

    def _alone(self, tests: Sequence[str], timeout: float, limit: float) -> list[TestResult]:
        """The results of a run for each of these tests, as long as there is time."""
        deadline = time.monotonic() + timeout
        results: list[TestResult] = []
        hung: dict[str, int] = {}  # file -> tests that timed out, as long as none of it has ended
        for test in tests[:MOST_ALONE]:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            if hung.get(file_of(test), 0) >= MOST_HUNG:  # it is the file that hangs
                results.append(TestResult(test, "timeout", message="Other tests of its file hang, each by itself."))
                continue
            alone = self._go((test,), min(left, self._startup + limit), limit, alone=True)
            own = [r for r in alone.results if r.id == test or r.id.startswith((f"{test}/", f"{test}::"))]
            if all(r.id != test for r in own) and alone.broken:
                own.append(_failed(test, alone.broken[-1]))
            late = any(result.outcome == "timeout" for result in own)
            hung[file_of(test)] = hung.get(file_of(test), 0) + 1 if late else -len(tests)
            results += own
        return results

    def _go(self, wanted: tuple[str, ...] | None, timeout: float, limit: float, alone: bool = False) -> Report:
        """Run the commands and have their words read. TestRunFailed if the runner cannot work, or says too much."""
        started = time.monotonic()
        patterns = [f"{self._root}/{pattern}" for pattern in self._runner.reports]
        self._build = self._build or self._python(_PREPARE)
        scratch = self._python(_PREPARE, *patterns)
        call = Call(self._project, self._args, self._root, scratch, self._build, limit, wanted, alone)
        commands = self._runner.commands(call)
        step, done = self._carried_out(commands, started + timeout)
        how = "hung" if done.killed_by == "timeout" else "ended"
        reports = json.loads(self._python(_COLLECT, how, f"{scratch}/**", *patterns))
        ran = _ran(call, step, len(commands), done, reports)
        if done.dropped_bytes and self._runner.streams:
            raise TestRunFailed(f"{self._runner.name} printed {done.dropped_bytes} bytes more than are read. {SHORTER}")
        report = self._read(ran)
        if report.unavailable:
            raise TestRunFailed(cap(report.unavailable, MESSAGE))
        if not ran.timed_out:
            self._startup = max(LEAST_STARTUP, 2 * (time.monotonic() - started))
        elif report.results and not commands[step].quiet:  # it was built, and a test hung
            self._startup = min(self._startup, BUILT_STARTUP)
        broken = (*report.broken, *_afterwards(ran, report))
        return replace(self._believed(ran, report), broken=broken)

    def _believed(self, ran: Ran, report: Report) -> Report:
        """The report, less what the exit code gives the lie to: a run that failed, with nothing in it that did not
        pass, has been told of by something other than the runner, or failed for what no test says."""
        if ran.timed_out or ran.exit_code == 0 or not report.results or report.broken or report.cut:
            return report
        if not all(result.passed or result.outcome == "skipped" for result in report.results):
            return report
        told = {result.id for result in report.results}
        told_before = told.union(self._known)
        if any(test not in told_before for test in ran.call.wanted or self._in_texts()):
            return report  # what has never said anything, as a module that does not compile, explains it
        how = f"Its report says that it passed, but the run ended with exit code {ran.exit_code}."
        words = f"{how}\n{cap(ran.output, MESSAGE // 2)}"
        results = (replace(r, outcome="error", message=words) if r.passed else r for r in report.results)
        return replace(report, results=tuple(results))

    def _read(self, ran: Ran) -> Report:
        """What the runner said. The code under test could have written it: TestRunFailed if it makes no sense."""
        try:
            return self._runner.read(ran)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            what = f"The report of {self._runner.name} makes no sense ({type(error).__name__}: {error})"
            raise TestRunFailed(f"{cap(what, MESSAGE // 2)}\n{cap(ran.output, MESSAGE // 2)}") from error

    def _carried_out(self, commands: Sequence[Command], deadline: float) -> tuple[int, ExecResult]:
        """The number of the last command that was run, and how it ended."""
        for step, command in enumerate(commands, start=1):
            left = max(1.0, deadline - time.monotonic())
            done = self._sandbox.run(self._watched(command), timeout=left, env={**self._env, **command.env})
            if command.quiet and done.exit_code == HUNG:
                done = replace(done, killed_by="timeout")
            if done.exit_code is None:
                raise TestRunFailed(f"{command.argv[0]} cannot be started in the sandbox: {done.stderr.strip()}")
            if done.exit_code != 0 or step == len(commands):
                return step - 1, done
        raise ValueError("a runner has no command")

    def _watched(self, command: Command) -> tuple[str, ...]:
        """The command, ended once it has told nothing new for too long."""
        if not command.quiet:
            return command.argv
        quiet = str(command.quiet + BUILT_STARTUP)
        python = str(self._sandbox.workspace.python)
        return (python, "-I", "-S", "-B", "-c", _WATCH, command.told, quiet, command.begins, *command.argv)

    def _python(self, program: str, *words: str) -> str:
        """The output of a small program inside. Raises TestRunFailed if it fails."""
        argv = [str(self._sandbox.workspace.python), "-I", "-S", "-B", "-c", program, *words]
        done = self._sandbox.run(argv, timeout=SECONDS)
        if done.exit_code != 0 or done.dropped_bytes:
            why = "they are too large" if done.dropped_bytes else done.stderr.strip() or str(done.killed_by)
            raise TestRunFailed(f"The reports of {self._runner.name} cannot be read: {why}")
        return done.stdout

    def _errors(self, report: Report) -> Iterable[CollectError]:
        """The files that could not run; where nothing says which, those in which tests can be seen."""
        seen = {file_of(test) for test in self._told}
        for broken in report.broken:
            message = cap(broken.message, MESSAGE)
            if broken.path:
                silent = tuple(t for t in self._runner.tests_in(broken.path, self._project) if t not in self._told)
                if silent or broken.path not in seen or broken.outcome != "timeout":
                    yield CollectError(broken.path, message, silent)
                continue
            found = False
            for path in self._test_files():
                tests = tuple(t for t in self._runner.tests_in(path, self._project) if t not in self._told)
                if tests and (path not in seen or broken.outcome == "timeout"):
                    found = True
                    yield CollectError(path, message, tests)
            if not found and not self._told:
                yield CollectError("", message)

    def _in_texts(self) -> list[str]:
        return [test for path in self._test_files() for test in self._runner.tests_in(path, self._project)]

    def _test_files(self) -> list[str]:
        names = [path for path in self._project.files if path.endswith(self._runner.suffixes)]
        runner = self._runner
        return [p for p in names if p.endswith(INLINE) or is_protected(p) or runner.protects(p)][:MOST_LISTED]


def _ran(call: Call, step: int, steps: int, done: ExecResult, reports: Mapping[str, str]) -> Ran:
    words = done.stderr if done.killed_by in (None, "timeout") else f"{done.stderr}\nended by coder: {done.killed_by}"
    return Ran(call, step, steps, done.exit_code or 0, done.stdout, words, done.killed_by == "timeout", reports)


def _afterwards(ran: Ran, report: Report) -> list[Broken]:
    """What is to be said of tests that said nothing themselves."""
    if ran.timed_out:
        return [Broken("", "It was not done within its time limit.", "timeout")]
    if ran.exit_code != 0 and not report.broken and all(r.passed or r.outcome == "skipped" for r in report.results):
        how = f"The run ended with exit code {ran.exit_code} and did not name this test."
        return [Broken("", f"{how}\n{cap(ran.output, MESSAGE // 2)}")]
    return []


def _hung(report: Report) -> bool:
    return any(one.outcome == "timeout" and not one.path for one in report.broken)


def _hidden_by_a_hang(report: Report, wanted: Sequence[str]) -> list[str]:
    """The wanted tests that said nothing in a run that some test held up: all but one of them are innocent.

    A run in which no test at all came to an end was held up by its build, and another would be too.
    """
    told = {result.id for result in report.results}
    silent = [test for test in wanted if test not in told]
    return silent if _hung(report) and told and len(silent) > 1 else []


def _failed(test: str, why: Broken) -> TestResult:
    return TestResult(test, why.outcome, message=cap(why.message, MESSAGE), frames=why.frames)


def _merged(results: Iterable[TestResult]) -> dict[str, TestResult]:
    """By id; of two results with one id the worse one counts."""
    found: dict[str, TestResult] = {}
    for result in results:
        known = found.get(result.id)
        if len(result.id) <= NAME and (known is None or _worse(result, known)):
            found[result.id] = _bounded(result)
    return found


def _bounded(result: TestResult) -> TestResult:
    """The result with nothing in it that is too long, or no number of seconds."""
    return replace(
        result,
        duration=result.duration if 0 <= result.duration < LONGEST else 0.0,
        message=cap(result.message, MESSAGE),
        exception=result.exception[:200],
        expected=cap(result.expected, VALUE),
        actual=cap(result.actual, VALUE),
    )


def _worse(one: TestResult, other: TestResult) -> bool:
    return _SEVERITY.index(one.outcome) > _SEVERITY.index(other.outcome)
