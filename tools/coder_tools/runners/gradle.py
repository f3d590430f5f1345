"""Gradle: `gradle test`, read from the reports it leaves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from coder_sandbox.programs import Cache, Needs
from coder_tools.runners import java, told
from coder_tools.runners.contract import Call, Command, Project, Ran, Report

# Told at once, for runs that do not end: Gradle writes its reports when all tests of a task have ended.
_TELLS = """
allprojects {
    tasks.withType(Test) { task ->
        systemProperty 'PROPERTY', 'LIMIT s'
        def log = new File('LOG')
        def tell = { test, state, message, millis ->
            def event = [file: test.className, names: [test.properties.displayName ?: test.name], state: state,
                         message: message.take(8000), duration: millis / 1000.0]
            def line = groovy.json.JsonOutput.toJson(event) + '\\n'
            synchronized (gradle) { log.append(line, 'UTF-8') }
        }
        beforeTest { test -> tell(test, 'begun', '', 0) }
        afterTest { test, result ->
            def trace = new StringWriter()
            result.exception?.printStackTrace(new PrintWriter(trace))
            def states = [SUCCESS: 'passed', FAILURE: 'failed', SKIPPED: 'skipped']
            tell(test, states[result.resultType.name()], trace.toString(), result.endTime - result.startTime)
        }
    }
}
"""
_SLOW_START = 40.0  # seconds, beyond a test's own, in which Gradle compiles what the next tests need
_BUILDS = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
_TASKS = ("clean", "test", "check", "build", "assemble", "cleanTest")
_FLAGS = ("--offline", "--no-daemon", "--daemon", "--continue", "-q", "--quiet", "--scan", "--info")


class Gradle(java.Build):
    """Ids: `src/test/java/shop/CartTest.java::adds`."""

    name = "gradle"
    unreachable = re.compile(r"No cached version|Could not resolve|offline mode|Could not find \S+:\S+:")
    uncompiled = "Compilation failed"
    hint = "Get what it needs first, by building it once with the network: the sandbox has none."
    reports = ("**/build/test-results/**/*.xml",)
    configuration = (
        *(*_BUILDS, "gradle.properties", "gradlew", "gradlew.bat", "*.gradle", "*.gradle.kts", "libs.versions.toml"),
        *("gradle/*", "buildSrc/*", "src/test/*", "*/src/test/*"),
        *(f"{at}src/{kind}/*" for kind in ("testFixtures", "integrationTest", "functionalTest") for at in ("", "*/")),
    )
    needs = Needs(
        programs=("gradle", "java"),
        caches=(Cache(".gradle/caches", variable="GRADLE_RO_DEP_CACHE"),),
        etc=("java*",),
    )

    def detect(self, project: Project) -> str:
        build = next((name for name in _BUILDS if name in project.files), "")
        return f"it has {build} and src/test" if build and java.has_tests(project) else ""

    def arguments(self, words: Sequence[str], project: Project) -> tuple[str, ...] | None:
        return tuple(words[1:]) if words[0].rsplit("/", 1)[-1] in ("gradle", "gradlew") else None

    def commands(self, call: Call) -> list[Command]:
        options = [word for word in call.args if word not in (*_TASKS, *_FLAGS)]
        argv = ["gradle", "--offline", "--no-daemon", "--continue", *options, "cleanTest", "test"]
        if call.alone and call.wanted:
            argv += ["--tests", "*" + ".".join(filter(None, java.method(call.wanted[0])))]
        else:
            for name in java.classes(call.wanted or ()):
                argv += ["--tests", f"*{name}*"]
        script, log = f"{call.scratch}/told.gradle", told.log_of(call)
        text = _TELLS.replace("PROPERTY", java.TIMEOUT).replace("LIMIT", str(max(1, int(call.limit))))
        argv[1:1] = ["--init-script", script, "-Dorg.gradle.configuration-cache=false"]
        env = {"GRADLE_USER_HOME": f"{call.build}/gradle", "TERM": "dumb"}
        brought = told.bringing(script, text.replace("LOG", log), argv)
        return [Command(brought, env, told=log, quiet=call.limit + _SLOW_START)]

    def read(self, ran: Ran) -> Report:
        if ran.timed_out and not ran.reports.keys() - {told.log_of(ran.call), f"{ran.call.scratch}/told.gradle"}:
            return told.of_hung(ran, java.ids(ran.call.project), lambda: java.in_texts(ran.call.project))
        return super().read(ran)
