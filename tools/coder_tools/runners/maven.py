"""Maven: `mvn test`, read from surefire's reports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from coder_sandbox.programs import Cache, Needs
from coder_tools.runners import java, told
from coder_tools.runners.contract import Call, Command, Project, Ran, Report

_GOALS = ("clean", "compile", "test-compile", "test", "package", "verify", "install")
_CLASS = 3  # times as long as a test may take, a class may go on without a word
_BEGINS = " T E S T S"
_LATE = ("verify", "install")  # goals in which integration tests run too


class Maven(java.Build):
    """Ids: `src/test/java/shop/CartTest.java::adds`, and in a nested class `...CartTest.java::Empty.adds`."""

    name = "maven"
    unreachable = re.compile(
        r"in offline mode|[Cc]ould not resolve dependencies|[Cc]ould not be resolved|[Cc]ould not find artifact"
    )
    uncompiled = "COMPILATION ERROR"
    hint = "Get what it needs first, with `mvn dependency:go-offline test`: the sandbox has no network."
    reports = ("**/target/surefire-reports/*.xml", "**/target/failsafe-reports/*.xml")
    configuration = ("pom.xml", "mvnw", "mvnw.cmd", ".mvn/*", "*/.mvn/*", "maven.config", "src/test/*", "*/src/test/*")
    needs = Needs(
        programs=("mvn", "java"),
        caches=(Cache(".m2/repository", variable="MAVEN_OPTS", value="-Dmaven.repo.local={}"),),
        etc=("maven/m2.conf", "maven/logging", "java*"),  # settings.xml may hold passwords
    )

    def detect(self, project: Project) -> str:
        return "it has a pom.xml and src/test" if "pom.xml" in project.files and java.has_tests(project) else ""

    def arguments(self, words: Sequence[str], project: Project) -> tuple[str, ...] | None:
        return tuple(words[1:]) if words[0].rsplit("/", 1)[-1] in ("mvn", "mvnw") else None

    def commands(self, call: Call) -> list[Command]:
        late = any(word in _LATE for word in call.args)
        options = [word for word in call.args if word not in _GOALS]
        argv = ["mvn", "--offline", "--batch-mode", "--fail-at-end", "-Dstyle.color=never", *options]
        argv += [
            f"-D{java.TIMEOUT}={max(1, int(call.limit))} s"
        ]  # a property of Maven's is one of its tests' processes
        if call.wanted is not None:
            named = java.classes(call.wanted)
            if call.alone:
                named = ["#".join(filter(None, java.method(test))) for test in call.wanted]
            argv += [f"-Dtest={','.join(named)}", "-Dsurefire.failIfNoSpecifiedTests=false"]
            argv += ["-DfailIfNoTests=false"]
        argv += ["verify" if late else "test"]
        quiet = _CLASS * call.limit
        return [Command(told.logged(call, argv), told=told.log_of(call), quiet=quiet, begins=_BEGINS)]

    def read(self, ran: Ran) -> Report:
        report = super().read(ran)
        if not ran.timed_out or _BEGINS not in ran.reports.get(told.log_of(ran.call), ""):
            return report
        known = {result.id for result in report.results}
        every = java.in_texts(ran.call.project) if ran.call.wanted is None else ran.call.wanted
        return replace(report, cut=tuple(test for test in every if test not in known))
