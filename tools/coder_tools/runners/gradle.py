"""Gradle: `gradle test`, read from the reports it leaves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from coder_sandbox.programs import Cache, Needs
from coder_tools.runners import java
from coder_tools.runners.contract import Call, Command, Project

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
        for name in java.classes(call.wanted or ()):
            argv += ["--tests", f"*{name}*"]
        return [Command(tuple(argv), {"GRADLE_USER_HOME": f"{call.build}/gradle", "TERM": "dumb"})]
