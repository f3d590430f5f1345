"""node:test, the runner that Node.js brings: `node --test`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from coder_tools.contract import Outcome, TestResult
from coder_tools.runners import javascript
from coder_tools.runners.contract import Broken, Call, Command, Project, Ran, Report, Runner, file_of, grouped, name_of
from coder_tools.runners.told import events
from coder_tools.runners.traces import explained, frames_in

# One JSON line for each event; node's own reporters do not say in which file a test is.
_REPORTER = """
import { inspect } from 'node:util';
const text = (value, size = 8000) => String(value ?? '').slice(0, size);
const shown = (value) => inspect(value, { depth: 4, breakLength: 100 });
const told = (cause) => ({
  name: text(cause.name), message: text(cause.message ?? cause), stack: text(cause.stack),
  values: 'expected' in Object(cause) ? [text(shown(cause.expected)), text(shown(cause.actual))] : null,
});
const line = (type, data) => {
  const { file, name, nesting, message, skip, todo, details } = data;
  const error = details?.error, cause = error?.cause ?? error;
  return {
    type, file, name, nesting, message: text(message, 4000), skip, todo, suite: details?.type === 'suite',
    duration: details?.duration_ms, kind: error?.failureType, error: cause && told(cause),
  };
};
const wanted = ['test:enqueue', 'test:start', 'test:pass', 'test:fail', 'test:stdout', 'test:stderr'];
export default async function* (source) {
  for await (const { type, data } of source)
    if (wanted.includes(type)) yield JSON.stringify(line(type, data)) + '\\n';
}
"""
_DROPPED = ("--test", "--watch", "--test-reporter", "--test-reporter-destination", "--experimental-test-coverage")
_LEFT_OUT = "test name does not match pattern"  # why node skips what was not named
_LOG = "events.jsonl"
_OUTPUT = 4000  # characters of a file's own output that are kept


class NodeTest(Runner):
    """Ids: `test/cart.test.js::suite::test`."""

    name = "node:test"
    suffixes = javascript.SUFFIXES
    needs = javascript.NEEDS
    configuration = javascript.CONFIGURATION

    def detect(self, project: Project) -> str:
        for path in javascript.test_files(project)[:50]:
            if re.search(r"['\"]node:test['\"]", project.text(path)):
                return f"{path} uses node:test"
        return ""

    def arguments(self, words: Sequence[str], project: Project) -> tuple[str, ...] | None:
        assigned, words = javascript.called(words, project)
        if not words or words[0].rsplit("/", 1)[-1] != "node" or "--test" not in words:
            return None
        return (*assigned, *javascript.kept(words[1:], _DROPPED))

    def commands(self, call: Call) -> list[Command]:
        log = f"{call.scratch}/{_LOG}"
        argv = [f"--test-timeout={int(_most_tests(call) * call.limit * 1000)}"]  # node gives a whole file no more
        argv += [f"--test-reporter=data:text/javascript,{quote(_REPORTER)}"]
        argv += [f"--test-reporter-destination={log}"]
        flags, named = javascript.parted(call.args)
        if call.wanted is not None:
            named = list(dict.fromkeys(file_of(test) for test in call.wanted))
            names = {name_of(test).split("::")[-1] for test in call.wanted}
            if call.alone or all("::" not in name_of(test) for test in call.wanted):  # another may fit inside a suite
                flags += [f"--test-name-pattern=/^{_escaped(name)}$/" for name in sorted(names)]
        return [Command(("node", "--test", *flags, *argv, *named), told=log, quiet=call.limit)]

    def read(self, ran: Ran) -> Report:
        if "bad option" in ran.stderr:
            return Report(unavailable=f"node --test cannot work here (Node.js 20 or newer is needed): {ran.output}")
        lines = ran.reports.get(f"{ran.call.scratch}/{_LOG}", "").splitlines()
        report = _Reader(ran).report(lines)
        return replace(report, cut=tuple(_cut(ran, report))) if lines else report

    def tests_in(self, path: str, project: Project) -> list[str]:
        return javascript.tests_in(path, project.text(path))


def _most_tests(call: Call) -> int:
    """How many tests the file has that has most of those that run."""
    if call.alone:
        return 1
    named = grouped(call.wanted or ())
    files = named if call.wanted is not None else javascript.test_files(call.project)
    counts = (len(javascript.tests_in(path, call.project.text(path))) for path in files)
    return max([1, *counts, *map(len, named.values())])


def _cut(ran: Ran, report: Report) -> Iterator[str]:
    """The tests that said nothing in files whose process was ended: what they had told by then is lost, mostly."""
    project, wanted = ran.call.project, ran.call.wanted
    late = {one.path for one in report.broken if one.outcome == "timeout"}
    told = {result.id for result in report.results}
    files = javascript.test_files(project)
    every = wanted if wanted is not None else (t for p in files for t in javascript.tests_in(p, project.text(p)))
    for test in every:
        if test not in told and (ran.timed_out or file_of(test) in late):
            yield test


def _escaped(name: str) -> str:
    return re.sub(r"[\\^$.*+?()\[\]{}|/]", lambda found: "\\" + found[0], name)


class _Reader:
    """Puts a run's events together: the tests of a file come in order, each after what is nested in it."""

    def __init__(self, ran: Ran) -> None:
        self._project, self._root = ran.call.project, ran.call.root
        self._open: dict[str, list[str]] = {}  # of each file, the names under way
        self._output: dict[str, str] = {}
        self._parents: set[str] = set()

    def report(self, lines: Sequence[str]) -> Report:
        results: list[TestResult] = []
        broken: list[Broken] = []
        for event in events(lines):
            if not isinstance(event.get("type"), str) or event["type"] == "test:enqueue":
                continue  # that a file begins is told for whoever waits for something to be told
            path = self._path(event.get("file"))
            if event["type"] in ("test:stderr", "test:stdout"):
                self._output[path] = (self._output.get(path, "") + str(event["message"]))[-_OUTPUT:]
            elif path and not event["nesting"] and self._path(event.get("name")) == path:  # a file stands for itself
                if event["type"] == "test:fail":
                    broken.append(self._broken(event))
            elif event["type"] == "test:start":
                self._start(path, event)
            elif (result := self._result(path, event)) is not None:
                results.append(result)
        return Report(tuple(r for r in results if r.id not in self._parents or not r.passed), tuple(broken))

    def _path(self, name: object) -> str:
        return self._project.known(str(name or ""), self._root)

    def _start(self, path: str, event: dict[str, Any]) -> None:
        names = self._open.setdefault(path, [])
        del names[int(event["nesting"]) :]
        names.append(str(event["name"]))
        self._parents.add("::".join([path, *names[:-1]]))

    def _result(self, path: str, event: dict[str, Any]) -> TestResult | None:
        """None for a suite: what is in it has spoken; and for what was not to run."""
        names = [*self._open.get(path, [])[: int(event["nesting"])], str(event["name"])]
        test_id = "::".join([path, *names])
        if event.get("suite") or event.get("kind") == "subtestsFailed":
            return None
        duration = float(event.get("duration") or 0.0) / 1000
        if event.get("skip") == _LEFT_OUT:
            return None
        if event.get("skip") not in (None, False) or event.get("todo") not in (None, False):
            return TestResult(test_id, "skipped", duration, _words(event.get("skip") or event.get("todo")))
        if event["type"] == "test:pass":
            return TestResult(test_id, "passed", duration)
        error = event.get("error") or {}
        expected, actual = error.get("values") or ("", "")
        stack, message = str(error.get("stack") or ""), str(error.get("message") or "")
        text = stack if message in stack else f"{error.get('name') or 'Error'}: {message}\n{stack}"
        outcome: Outcome = "timeout" if event.get("kind") == "testTimeoutFailure" else "failed"
        result = TestResult(
            test_id,
            outcome,
            duration,
            javascript.own_lines(text),
            str(error.get("name") or ""),
            expected=expected,
            actual=actual,
        )
        return explained(result, self._project, self._root)

    def _broken(self, event: dict[str, Any]) -> Broken:
        path = self._path(event["name"])
        if event.get("kind") == "testTimeoutFailure":
            return Broken(path, "The file was not done within its time limit.", "timeout")
        text = self._output.get(path) or str((event.get("error") or {}).get("message") or "")
        return Broken(path, text, "error", frames_in(text, self._project, self._root))


def _words(reason: object) -> str:
    """Why a test is skipped; node says `true` where nobody gave a reason."""
    return reason if isinstance(reason, str) else ""
