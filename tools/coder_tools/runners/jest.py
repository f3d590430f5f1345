"""Jest, and what it shares with Vitest: the JSON report and how a command line is made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from coder_tools.contract import Outcome, TestResult
from coder_tools.runners import javascript, told
from coder_tools.runners.contract import Broken, Call, Command, Project, Ran, Report, Runner, file_of, name_of
from coder_tools.runners.traces import explained, frames_in

_OUTCOMES: dict[str, Outcome] = {"passed": "passed", "failed": "failed"}  # pending, skipped, todo, disabled: skipped
# Told at once, for runs that do not end: the report comes last.
_REPORTER = """
const fs = require('fs'), log = __dirname + '/LOG';
const tell = (event) => fs.appendFileSync(log, JSON.stringify(event) + '\\n');
const names = (test) => [...test.ancestorTitles, test.title];
const states = { passed: 'passed', failed: 'failed' };
module.exports = class {
  onTestFileStart({ path }) { tell({ file: path, state: 'begun' }); }
  onTestCaseStart({ path }, test) { tell({ file: path, names: names(test), state: 'begun' }); }
  onTestCaseResult({ path }, test) {
    const message = (test.failureMessages ?? []).join('\\n').slice(0, 8000), duration = (test.duration ?? 0) / 1000;
    tell({ file: path, names: names(test), state: states[test.status] ?? 'skipped', message, duration });
  }
  onTestFileResult({ path }) { tell({ file: path, state: 'passed' }); }
};
""".replace("LOG", told.LOG)
_NO_WORDS = "STACK_TRACE_ERROR"  # all that vitest 3 has to say in its report of a test that had its time
_TOO_LATE = ("Exceeded timeout of", "Test timed out in", _NO_WORDS)


class Jest(Runner):
    """Ids: `test/cart.test.js::suite::test`."""

    name = "jest"
    suffixes = javascript.SUFFIXES
    needs = javascript.NEEDS
    configuration = javascript.CONFIGURATION
    program = "node_modules/jest/bin/jest.js"
    marks: tuple[str, ...] = ("jest.config.",)  # how the files begin that configure it
    flags: tuple[str, ...] = ("--json", "--ci", "--coverage=false", "--reporters=default")
    reporter = ("reporter.js", "--reporters", _REPORTER)  # its file, the flag that names it, its text
    report_flag = "--outputFile"
    files_flag: tuple[str, ...] = ("--runTestsByPath",)
    dropped: tuple[str, ...] = (
        *("--coverage", "--collectCoverage", "--watch", "--watchAll", "--json", "--outputFile", "--ci", "--bail"),
        *("--silent", "--verbose", "--passWithNoTests"),
    )

    def set_up(self, project: Project) -> frozenset[str]:
        return javascript.set_up(project)

    def detect(self, project: Project) -> str:
        config = next((p for p in project.files if p.startswith(self.marks)), "")
        if config or javascript.depends_on(project, self.name):
            return f"it has {config}" if config else f"package.json needs {self.name}"
        return ""

    def arguments(self, words: Sequence[str], project: Project) -> tuple[str, ...] | None:
        assigned, words = javascript.called(words, project)
        if words and words[0].rsplit("/", 1)[-1] == "node":  # `node --some-flag node_modules/jest/bin/jest.js`
            at = next((number for number, word in enumerate(words) if f"/{self.name}" in word), 0)
            assigned += [f"NODE_OPTIONS={' '.join(words[1:at])}"] if at > 1 else []
            words = words[at:]
        if not words or words[0].rsplit("/", 1)[-1].split(".")[0] != self.name:
            return None
        return (*assigned, *javascript.kept(words[1:], self.dropped))

    def commands(self, call: Call) -> list[Command]:
        name, flag, text = self.reporter
        argv = ["node", self.program, *self.flags, f"{flag}={call.scratch}/{name}"]
        argv += [f"{self.report_flag}={call.scratch}/report.json", f"--testTimeout={int(call.limit * 1000)}"]
        if call.wanted is None:
            argv += call.args
        else:
            options, _ = javascript.parted(call.args)
            argv += [*options, *self._named(call), *self.files_flag]
            argv += dict.fromkeys(file_of(test) for test in call.wanted)
        brought = told.bringing(f"{call.scratch}/{name}", text, argv)
        return [Command(brought, told=told.log_of(call), quiet=call.limit)]

    def _named(self, call: Call) -> Iterator[str]:
        """The name of the one test that may run."""
        if call.alone and call.wanted:
            name = re.escape(name_of(call.wanted[0]).replace("::", " "))
            yield f"--testNamePattern=(^|\\s){name}$"  # vitest has a space before a name

    def read(self, ran: Ran) -> Report:
        if f"{self.name}" in ran.stderr and "Cannot find module" in ran.stderr and not ran.reports:
            hint = "Install the dependencies first (npm install): the sandbox has no network."
            return Report(unavailable=f"{self.program} is not there. {hint}\n{ran.stderr.strip()}")
        try:
            report = json.loads(ran.reports.get(f"{ran.call.scratch}/report.json", ""))
            files = [one for one in report["testResults"] if isinstance(one, dict)]
        except (ValueError, KeyError, TypeError, RecursionError):
            return (
                self._hung(ran) if ran.timed_out else Report(broken=(Broken("", ran.output or "It wrote no report."),))
            )
        results = [result for one in files for result in _results(one, ran)]
        return Report(tuple(results), tuple(broken for one in files for broken in _broken(one, ran)))

    def _hung(self, ran: Ran) -> Report:
        project, root = ran.call.project, ran.call.root

        def name(file: str, names: Sequence[str]) -> str:
            return "::".join([project.known(file, root), *filter(None, names)])

        def in_texts() -> list[str]:
            files = javascript.test_files(project)
            return [test for path in files for test in javascript.tests_in(path, project.text(path))]

        return told.of_hung(ran, name, in_texts)

    def tests_in(self, path: str, project: Project) -> list[str]:
        return javascript.tests_in(path, project.text(path))


def _path(one: dict[str, Any], ran: Ran) -> str:
    return ran.call.project.known(str(one.get("name")), ran.call.root)


def _results(one: dict[str, Any], ran: Ran) -> Iterator[TestResult]:
    """The tests of one file."""
    for test in one.get("assertionResults") or ():
        names = [str(name) for name in (*(test.get("ancestorTitles") or ()), test.get("title"))]
        test_id = "::".join([_path(one, ran), *filter(None, names)])
        outcome = _OUTCOMES.get(str(test.get("status")), "skipped")
        said = "\n".join(str(words) for words in test.get("failureMessages") or ())
        message = said.replace(_NO_WORDS, "it was not done within its time limit")
        expected, actual = _values(test)
        if outcome == "failed" and any(words in said for words in _TOO_LATE):
            outcome = "timeout"
        result = TestResult(
            test_id,
            outcome,
            float(test.get("duration") or 0.0) / 1000,
            javascript.own_lines(message),
            message.split(":", 1)[0] if message.split(":", 1)[0].isidentifier() else "",
            expected=expected,
            actual=actual,
        )
        yield explained(result, ran.call.project, ran.call.root)


def _values(test: dict[str, Any]) -> tuple[str, str]:
    """Expected and actual where Jest gives the values themselves."""
    for detail in test.get("failureDetails") or ():
        found = detail.get("matcherResult") if isinstance(detail, dict) else None
        if isinstance(found, dict) and "expected" in found and "actual" in found:
            return _shown(found["expected"]), _shown(found["actual"])
    return "", ""


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _broken(one: dict[str, Any], ran: Ran) -> Iterator[Broken]:
    """A file that could not be loaded."""
    if one.get("status") == "failed" and not one.get("assertionResults"):
        words = javascript.own_lines(str(one.get("message") or "It could not be loaded."))
        yield Broken(_path(one, ran), words, "error", frames_in(words, ran.call.project, ran.call.root))
