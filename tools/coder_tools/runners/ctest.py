"""CTest, CMake's runner: configure and build outside the sources, then run."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace

from coder_sandbox.programs import Needs
from coder_tools.contract import Outcome, TestResult
from coder_tools.runners import junit
from coder_tools.runners.contract import Broken, Call, Command, Project, Ran, Report, Runner, name_of
from coder_tools.runners.traces import frames_in

LISTS = "CMakeLists.txt"
_TEST = re.compile(r"\badd_test\s*\(\s*(?:NAME\s+)?\"?([\w.:/+-]+)\"?", re.IGNORECASE)
_SAID = re.compile(r"^ *\d+/\d+ Test +#\d+: (\S+) \.*\**([A-Z][^\n]*?) +\d+\.\d+ sec", re.MULTILINE)
_HOW: dict[str, Outcome] = {
    "Not Run (Disabled)": "skipped",
    "Not Run": "error",
    "Timeout": "timeout",
    "Exception": "crashed",
    "Subprocess": "crashed",
}
_STRANGE_TO_CTEST = ("-C", "--build-config", "-j", "--parallel", "-V", "-VV", "--output-on-failure", "--test-dir")


class CTest(Runner):
    """Ids: `CMakeLists.txt::name`, the file being the one that adds the test."""

    name = "ctest"
    suffixes = (".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".ipp", LISTS)
    configuration = (LISTS, "CMakePresets.json", "CTest*.cmake", "CTestTestfile.cmake", "cmake/*", "*.cmake")
    needs = Needs(programs=("cmake", "ctest"))

    def detect(self, project: Project) -> str:
        for path in [LISTS, *(path for path in project.files if path.endswith(f"/{LISTS}"))][:50]:
            if _TEST.search(project.text(path)) or "_discover_tests" in project.text(path):
                return f"{path} adds tests"
        return ""

    def arguments(self, words: Sequence[str], project: Project) -> tuple[str, ...] | None:
        if words[0].rsplit("/", 1)[-1] != "ctest":
            return None
        options: list[str] = []
        skip = False
        for word in words[1:]:  # where it builds, and how much it says, is coder's to decide
            if not skip and word not in _STRANGE_TO_CTEST:
                options.append(word)
            skip = word in ("-C", "--build-config", "--test-dir")
        return tuple(options)

    def commands(self, call: Call) -> list[Command]:
        build = f"{call.build}/cmake"
        argv = ["ctest", "--test-dir", build, "--output-on-failure", "--no-tests=ignore", *call.args]
        argv += ["--timeout", str(max(1, int(call.limit))), "--output-junit", f"{call.scratch}/junit.xml"]
        if call.wanted is not None:
            argv += ["-R", f"^({'|'.join(re.escape(name_of(test)) for test in call.wanted)})$"]
        configure = ("cmake", "-S", ".", "-B", build, "-DCMAKE_BUILD_TYPE=Debug", "-DBUILD_TESTING=ON")
        return [Command(configure), Command(("cmake", "--build", build)), Command(tuple(argv))]

    def read(self, ran: Ran) -> Report:
        project, root = ran.call.project, ran.call.root
        if ran.step == 0:
            return Report(unavailable=f"cmake cannot configure this: {ran.output}")
        if not ran.built:
            words = "\n".join(line for line in ran.output.split("\n") if not line.startswith(("[", "gmake", "make")))
            return Report(broken=(Broken("", words, "error", frames_in(words, project, root)),))
        homes = {name: path for path in _lists(project) for name in _TEST.findall(project.text(path))}

        def name(case: ET.Element) -> str:
            own = case.get("name") or ""
            return f"{homes.get(own, LISTS)}::{own}"

        said = dict(_SAID.findall(ran.stdout))
        found = junit.results(ran.reports, name, project, root)
        return Report(tuple(_as_said(result, said.get(name_of(result.id), "")) for result in found))

    def tests_in(self, path: str, project: Project) -> list[str]:
        return [f"{path}::{name}" for name in _TEST.findall(project.text(path))] if path.endswith(LISTS) else []


def _as_said(result: TestResult, how: str) -> TestResult:
    """The result as ctest's own words have it: its report has a plain failure for all that they tell apart."""
    outcome = next((outcome for word, outcome in _HOW.items() if how.startswith(word)), result.outcome)
    return replace(result, outcome=outcome, message=result.message or ("" if result.passed else how))


def _lists(project: Project) -> list[str]:
    return [path for path in project.files if path.rpartition("/")[2] == LISTS]
