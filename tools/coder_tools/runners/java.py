"""What Maven and Gradle share: how a build's end is read, JUnit's reports, classes and their files."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from coder_tools.contract import TestResult
from coder_tools.runners import junit
from coder_tools.runners.contract import Broken, Project, Ran, Report, Runner, file_of, name_of
from coder_tools.runners.named import named
from coder_tools.runners.traces import frames_in

SUFFIXES = (".java", ".kt", ".groovy", ".scala")
_TEST = re.compile(
    r"@Nested\b[^{;]{0,200}?\bclass\s{1,20}(?P<group>\w+)[^{;]{0,200}\{|"
    r"@Test\b(?:\([^)]{0,200}\))?(?:\s{0,50}@\w+(?:\([^)]{0,200}\))?){0,9}\s{0,50}"
    r"(?:[\w<>\[\].,?]{1,99}\s{1,20}){0,9}?(?P<test>\w{1,200}|`[^`\n]{1,200}`)\s{0,20}\("
)
_PROGRESS = re.compile(r"> Task|:\w+|BUILD |\d+ actionable|Deprecated|\* Try|Run with|Get more help|\[INFO\]")
_ADVICE = re.compile(r"To see the full stack|Re-run Maven|For more information|\s*-> \[Help|\[Help|$")
_LATE = "timed out after"
TIMEOUT = "junit.jupiter.execution.timeout.testable.method.default"
"""JUnit 5's limit for a test. It interrupts: a loop that takes no notice goes on."""
_FOREIGN = re.compile(
    r"\s+at (?:java\.base/|jdk\.|sun\.|java\.|com\.sun\.|org\.junit\.|junit\.|org\.opentest4j\.|"
    r"org\.apache\.maven\.|org\.gradle\.|worker\.org\.gradle)"
)


class Build(Runner):
    """A tool that builds, tests, and leaves JUnit's reports."""

    suffixes = SUFFIXES
    unreachable: re.Pattern[str]  # how it says that it lacks a dependency
    uncompiled = ""  # how it says that the code does not compile, whatever it says besides
    hint = ""  # how to get what it lacks

    def read(self, ran: Ran) -> Report:
        found = tuple(results(ran.reports, ran))
        uncompiled = ran.exit_code != 0 and self.uncompiled in ran.output  # one module, where others have results
        if ran.timed_out or ran.exit_code == 0 or (found and not uncompiled):
            return Report(found)
        words = errors(ran)
        if self.unreachable.search(ran.output) and self.uncompiled not in ran.output:
            return Report(unavailable=f"{self.name} cannot work here: {words}\n{self.hint}")
        return Report(found, (Broken("", words, "error", frames_in(words, ran.call.project, ran.call.root)),))

    def tests_in(self, path: str, project: Project) -> list[str]:
        return tests_in(path, project.text(path))


def results(reports: Mapping[str, str], ran: Ran) -> Iterator[TestResult]:
    """What JUnit's reports say; an id has the file of the test's class."""
    named = ids(ran.call.project)

    def name(case: ET.Element) -> str:
        return named(case.get("classname") or "", [case.get("name") or ""])

    for result in junit.results(reports, name, ran.call.project, ran.call.root):
        lines = result.message.split("\n")
        late = result.exception == "TimeoutException" and _LATE in result.message
        message = "\n".join(line for line in lines if not _FOREIGN.match(line))
        yield replace(result, message=message, outcome="timeout" if late else result.outcome)


def ids(project: Project) -> Callable[[str, Sequence[str]], str]:
    """From a class, with its package, and the name of a test in it to the test's id."""
    files = {path.removesuffix(suffix): path for suffix in SUFFIXES for path in project.files if path.endswith(suffix)}

    def named(group: str, names: Sequence[str]) -> str:
        own = "".join(names[-1:]).removesuffix("()")
        outer, _, nested = group.partition("$")
        stem = outer.replace(".", "/")
        found = [path for key, path in files.items() if key == stem or key.endswith(f"/{stem}")]
        own = f"{nested.replace('$', '.')}.{own}" if nested else own
        return f"{found[0] if found else outer}::{own}"

    return named


def method(test: str) -> tuple[str, str]:
    """The class of a test, by its simple name and those of the classes around it (`CartTest$Empty`), and its method;
    "" for a test that has another name than its method."""
    *groups, own = name_of(test).split(".")
    [outer] = classes([test])
    found = re.match(r"[\w$]+(?=$|[(\[{])", own)
    return "$".join([outer, *groups]), found[0] if found else ""


def classes(wanted: Sequence[str]) -> list[str]:
    """The simple names of the classes that these tests are in: their files' names."""
    return sorted({re.sub(r"\.\w+$", "", file_of(test).rpartition("/")[2]) for test in wanted})


def tests_in(path: str, text: str) -> list[str]:
    """Ids of the tests that a file's text shows."""
    return [f"{path}::{'.'.join(name.strip('`') for name in names)}" for names in named(text, _TEST, "{}")]


def in_texts(project: Project) -> list[str]:
    """The tests of all files, as far as their texts show them."""
    files = (path for path in project.files if "src/test/" in path and path.endswith(SUFFIXES))
    return [test for path in files for test in tests_in(path, project.text(path))]


def errors(ran: Ran) -> str:
    """What of a build's output says what is wrong: Maven's lines of errors, of Gradle's what is not about itself."""
    lines = ran.output.split("\n")
    maven = [line.removeprefix("[ERROR] ").split(" -> [Help")[0] for line in lines if line.startswith("[ERROR] ")]
    kept = maven or [line for line in lines if line.strip() and not _PROGRESS.match(line)]
    return "\n".join(line for line in dict.fromkeys(kept) if not _ADVICE.match(line)) or ran.output


def has_tests(project: Project) -> bool:
    """Whether there are files where both tools look for tests."""
    return any("src/test/" in path for path in project.files)
