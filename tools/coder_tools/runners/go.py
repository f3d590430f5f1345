"""go test, Go's own runner, read from its event stream (`-json`)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import dedent
from typing import Any

from coder_sandbox.programs import Cache, Needs
from coder_tools.contract import Outcome, TestResult
from coder_tools.runners.contract import Broken, Call, Command, Project, Ran, Report, Runner, file_of, name_of
from coder_tools.runners.told import events
from coder_tools.runners.traces import explained, frames_in

_TEST = re.compile(r"^func ((?:Test|Example|Fuzz)\w*)\(", re.MULTILINE)
_MODULE = re.compile(r"^module\s+(\S+)", re.MULTILINE)
_FAILED_BUILD = re.compile(r"^# (\S+)[^\n]*\n((?:(?!# |FAIL\t|ok  \t|\?   \t)[^\n]*(?:\n|$))*)", re.MULTILINE)
_UNREACHABLE = re.compile(r"cannot find module|no required module provides|module lookup disabled|not in std")
_NOISE = re.compile(r"^(=== |\s*--- |FAIL|PASS|ok  \t|exit status)")
_OUT_OF_TIME = "panic: test timed out"
_DROPPED = ("-v", "-json", "-count", "-run", "-timeout", "-failfast", "-list")
_OUTCOMES: dict[str, Outcome] = {"pass": "passed", "fail": "failed", "skip": "skipped"}

_HELPERS = tuple(f"{at}{name}/*" for name in ("testutil*", "testhelper*") for at in ("", "*/"))  # for tests, by name


class GoTest(Runner):
    """Ids: `money/money_test.go::TestAdd`, and of a subtest `money/money_test.go::TestAdd/two_coins`."""

    name = "go test"
    suffixes = (".go",)
    streams = True
    configuration = ("go.mod", "go.sum", "go.work", "go.work.sum", "vendor/*", *_HELPERS)
    needs = Needs(
        programs=("go",),
        caches=(Cache("go/pkg/mod", named_by="GOMODCACHE", variable="GOMODCACHE"),),
        env={"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOTELEMETRY": "off"},
    )

    def detect(self, project: Project) -> str:
        has_tests = any(path.endswith("_test.go") for path in project.files)
        return "it has a go.mod and files of tests" if has_tests and "go.mod" in project.files else ""

    def arguments(self, words: Sequence[str], project: Project) -> tuple[str, ...] | None:
        if words[0].rsplit("/", 1)[-1] != "go" or list(words[1:2]) != ["test"]:
            return None
        return tuple(_without(words[2:], _DROPPED))

    def commands(self, call: Call) -> list[Command]:
        packages = [word for word in call.args if word.startswith(".")] or ["./..."]
        flags = [word for word in call.args if not word.startswith(".")]
        tests = self._most_tests(call.project)
        if call.wanted is not None:
            packages = sorted({"./" + file_of(test).rpartition("/")[0] for test in call.wanted})
            names = sorted({name_of(test).split("/")[0] for test in call.wanted})
            flags += ["-run", f"^({'|'.join(names)})$"]
            tests = len(call.wanted)
        argv = ["go", "test", "-json", "-count=1", f"-timeout={int(tests * call.limit * 1000)}ms", *flags, *packages]
        return [Command(tuple(argv), {"GOCACHE": f"{call.build}/go"})]

    def _most_tests(self, project: Project) -> int:
        """How many tests the package has that has most: Go limits the time of a package."""
        counts: Counter[str] = Counter()
        for path in project.files:
            counts[path.rpartition("/")[0]] += len(self.tests_in(path, project))
        return max([3, *counts.values()])

    def read(self, ran: Ran) -> Report:
        reader = _Reader(ran)
        for event in events(line for line in ran.stdout.splitlines() if line.startswith("{")):
            reader.take(event)
        report = reader.report()
        if not report.results and _UNREACHABLE.search(ran.output):
            hint = "Get what it needs first, with `go mod download` or `go mod vendor`: the sandbox has no network."
            return Report(unavailable=f"go test cannot work here: {ran.output}\n{hint}")
        return report

    def tests_in(self, path: str, project: Project) -> list[str]:
        return [f"{path}::{name}" for name in _TEST.findall(project.text(path))] if path.endswith("_test.go") else []


def _without(words: Sequence[str], dropped: Sequence[str]) -> Iterator[str]:
    """The words less those flags, also in the forms `--flag`, `-flag=x` and `-flag x`."""
    skip = False
    for word in words:
        name = "-" + word.split("=", 1)[0].lstrip("-")
        if skip and not word.startswith("-"):
            skip = False
        elif word.startswith("-") and name in dropped:
            skip = "=" not in word and name not in ("-v", "-json", "-failfast")
        else:
            skip = False
            yield word


class _Reader:
    """Puts the events of each package together."""

    def __init__(self, ran: Ran) -> None:
        self._ran, self._project, self._root = ran, ran.call.project, ran.call.root
        found = _MODULE.search(self._project.text("go.mod"))
        self._module = found[1] if found else ""
        self._files: dict[str, dict[str, str]] = {}  # directory -> test -> its file
        self._output: dict[tuple[str, str], list[str]] = {}
        self._ended: dict[tuple[str, str], tuple[str, float]] = {}
        self._started: set[tuple[str, str]] = set()
        self._late: frozenset[tuple[str, str]] = frozenset()
        self._built = ""

    def take(self, event: dict[str, Any]) -> None:
        package, test, action = str(event.get("Package")), str(event.get("Test") or ""), event.get("Action")
        if action == "build-output":  # newer Go tells of builds in the stream, older on standard error
            self._built += str(event.get("Output"))
        elif action == "output":
            self._output.setdefault((package, test), []).append(str(event.get("Output")))
        elif action in _OUTCOMES and (package, test) in self._started:  # a test may print what looks like a result
            if self._ended.get((package, test), ("",))[0] != "fail":  # of two the worse counts
                self._ended[package, test] = (str(action), float(event.get("Elapsed") or 0.0))
        elif action == "run":
            self._started.add((package, test))

    def report(self) -> Report:
        self._late = frozenset(self._under_way())
        self._ended |= dict.fromkeys(self._late, ("fail", 0.0))
        results = [self._result(package, test) for package, test in self._ended]
        cut = [test_id for package in sorted({own for own, _ in self._started}) for test_id in self._missing(package)]
        return Report(tuple(results), tuple(self._broken()), tuple(cut))

    def _under_way(self) -> Iterator[tuple[str, str]]:
        """The tests that were running when their package's time was up: older versions of Go do not say that they
        failed, newer ones list them."""
        said: dict[str, str] = {}
        for (package, _), lines in self._output.items():
            said[package] = said.get(package, "") + "".join(lines)
        for package, test in self._started - self._ended.keys():
            text = said.get(package, "").partition(_OUT_OF_TIME)[2]
            named = set(re.findall(r"^\t(\S+) \(", text.partition("running tests:\n")[2], re.MULTILINE))
            if text and (not named or test in named or any(name.startswith(f"{test}/") for name in named)):
                yield package, test

    def _result(self, package: str, test: str) -> TestResult:
        action, seconds = self._ended[package, test]
        lines = [line for line in self._output.get((package, test), []) if not _NOISE.match(line)]
        message = dedent("".join(lines).strip("\n"))
        if action == "fail" and not message:
            message = self._of_subtests(package, test)
        outcome, kind = _OUTCOMES[action], ""
        if (package, test) in self._late or (outcome == "failed" and message.startswith(_OUT_OF_TIME)):
            outcome = "timeout"
        elif outcome == "failed" and "panic: " in message:
            kind = "panic"
        result = TestResult(self._id(package, test), outcome, seconds, message, kind)
        return explained(result, self._project, self._root, self._directory(package))

    def _of_subtests(self, package: str, test: str) -> str:
        parts = [
            f"{name}: {self._result(package, name).message}"
            for (own, name), (action, _) in self._ended.items()
            if own == package and name.startswith(f"{test}/") and action == "fail"
        ]
        return "\n".join(parts)

    def _missing(self, package: str) -> list[str]:
        """The tests of a package that a panic, or the end of the process, has kept from running."""
        directory = self._directory(package)
        known = {test for own, test in self._ended if own == package}
        every = self._tests(directory)
        wanted = self._ran.call.wanted
        names = list(every) if wanted is None else [name_of(test).split("/")[0] for test in wanted]
        ended_early = any("panic: " in "".join(lines) for (own, _), lines in self._output.items() if own == package)
        return [
            f"{every[name]}::{name}" for name in dict.fromkeys(names) if ended_early and name in every.keys() - known
        ]

    def _broken(self) -> Iterator[Broken]:
        """The files of the packages that do not build."""
        for match in _FAILED_BUILD.finditer(f"{self._built}\n{self._ran.stderr}"):
            directory, words = self._directory(match[1].removesuffix(".test")), match[2].strip()
            frames = frames_in(words, self._project, self._root, directory)
            for path in sorted(set(self._tests(directory).values())):
                yield Broken(path, words, "error", frames)

    def _id(self, package: str, test: str) -> str:
        directory = self._directory(package)
        path = self._tests(directory).get(test.split("/")[0], "")
        return f"{path or directory or '.'}::{test}"

    def _directory(self, package: str) -> str:
        return package.removeprefix(self._module).strip("/")

    def _tests(self, directory: str) -> dict[str, str]:
        """The tests of a directory, and in which file each is."""
        if directory not in self._files:
            prefix = f"{directory}/" if directory else ""
            names = [p for p in self._project.files if p.endswith("_test.go") and p.rpartition("/")[0] == directory]
            found = {name: path for path in names for name in _TEST.findall(self._project.text(path))}
            self._files[directory] = {name: path for name, path in found.items() if path.startswith(prefix)}
        return self._files[directory]
