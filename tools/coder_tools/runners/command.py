"""Any command: its JUnit report where it writes one, else its exit code, which is one test."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace

from coder_sandbox.programs import Needs
from coder_tools.contract import Outcome, TestResult
from coder_tools.runners import javascript, junit
from coder_tools.runners.contract import Broken, Call, Command, Project, Ran, Report, Runner
from coder_tools.runners.traces import explained

PLACE = "{junit}"
_CANNOT_START = (126, 127)  # the shell's exit codes for a program that it cannot start or find
_TARGET = re.compile(r"^(check|test)\s*:(?!=)", re.MULTILINE)
MAKEFILES = ("GNUmakefile", "makefile", "Makefile")


class AnyCommand(Runner):
    """Where the command has `{junit}` in it, that stands for a file, or a directory, that it writes reports to."""

    name = "a command"
    takes_line = True
    suffixes: tuple[str, ...] = ("",)  # of whatever language
    needs = Needs(inside=javascript.NEEDS.inside)

    def detect(self, project: Project) -> str:
        return ""

    def arguments(self, words: Sequence[str], project: Project) -> tuple[str, ...] | None:
        return (shlex.join(words),)

    def commands(self, call: Call) -> list[Command]:
        line = call.args[0].replace(PLACE, f"{call.scratch}/junit")
        return [Command(("sh", "-c", line))]

    def read(self, ran: Ran) -> Report:
        line, project, root = ran.call.args[0], ran.call.project, ran.call.root
        if ran.exit_code in _CANNOT_START:
            return Report(unavailable=f"{line!r} cannot be run: {ran.output}")
        if PLACE in line:
            found = tuple(junit.results(ran.reports, junit.named(project, root), project, root))
            return Report(found) if found else Report(broken=(Broken("", _no_report(ran)),))
        outcome: Outcome = "timeout" if ran.timed_out else "passed" if ran.exit_code == 0 else "failed"
        message = "" if outcome == "passed" else f"exit code {ran.exit_code}\n{ran.output}"
        return Report((explained(TestResult(line, outcome, message=message), project, root),))


def _no_report(ran: Ran) -> str:
    for path, text in ran.reports.items():
        try:
            junit.cases(junit.printable(text))
        except ValueError as error:
            return f"The report {path.rpartition('/')[2]} cannot be read: {error}\n{ran.output}"
    return f"It wrote no report with tests in it.\n{ran.output}"


class NpmTest(AnyCommand):
    """`npm test`, where the script calls a tool that has no runner of its own: its exit code is the one test."""

    name = "npm test"
    suffixes = javascript.SUFFIXES
    needs = replace(javascript.NEEDS, programs=("node", "npm"))
    configuration = javascript.CONFIGURATION

    def set_up(self, project: Project) -> frozenset[str]:
        return javascript.set_up(project)

    def detect(self, project: Project) -> str:
        scripts = javascript.package(project).get("scripts")
        text = scripts.get("test", "") if isinstance(scripts, dict) else ""
        return "package.json has a test script" if text and "no test specified" not in str(text) else ""

    def own_arguments(self, project: Project) -> tuple[str, ...]:
        return ("npm test",)

    def arguments(self, words: Sequence[str], project: Project) -> tuple[str, ...] | None:
        return (shlex.join(words),) if words[0] in ("npm", "yarn", "pnpm") else None


class Make(AnyCommand):
    """`make test`, or `make check`, where the Makefile has that: its exit code is the one test."""

    name = "make"
    needs = Needs(programs=("make",))
    configuration = (*MAKEFILES, "*.mk", "*.am", "configure", "configure.ac", "config.status", "libtool")

    def detect(self, project: Project) -> str:
        return f"a Makefile has the target {found[0].split()[1]!r}" if (found := self.own_arguments(project)) else ""

    def own_arguments(self, project: Project) -> tuple[str, ...]:
        text = next((text for name in MAKEFILES if (text := project.text(name))), "")
        targets = _TARGET.findall(text)
        return (f"make {'test' if 'test' in targets else 'check'}",) if targets else ()

    def arguments(self, words: Sequence[str], project: Project) -> tuple[str, ...] | None:
        return (shlex.join(words),) if words[0] in ("make", "gmake") else None
