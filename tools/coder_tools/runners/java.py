"""What Maven and Gradle share: JUnit's reports, classes and their files."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from coder_tools.contract import TestResult
from coder_tools.runners import junit
from coder_tools.runners.contract import Project, Ran, file_of

SUFFIXES = (".java", ".kt", ".groovy", ".scala")
_TEST = re.compile(
    r"@(?:Test|ParameterizedTest|RepeatedTest)\b(?:\([^)]*\))?(?:\s*@\w+(?:\([^)]*\))?)*\s*"
    r"(?:(?:public|protected|private|static|final|fun|void|[\w<>\[\]]+)\s+)*?(?P<name>\w+|`[^`]+`)\s*\("
)
_FOREIGN = re.compile(
    r"\s+at (?:java\.base/|jdk\.|sun\.|java\.|com\.sun\.|org\.junit\.|junit\.|org\.opentest4j\.|"
    r"org\.apache\.maven\.|org\.gradle\.|worker\.org\.gradle)"
)


def results(reports: Mapping[str, str], ran: Ran) -> Iterator[TestResult]:
    """What JUnit's reports say; an id has the file of the test's class."""
    project = ran.call.project
    files = {path.removesuffix(suffix): path for suffix in SUFFIXES for path in project.files if path.endswith(suffix)}

    def name(case: ET.Element) -> str:
        group, own = case.get("classname") or "", (case.get("name") or "").removesuffix("()")
        outer, _, nested = group.partition("$")
        stem = outer.replace(".", "/")
        found = [path for key, path in files.items() if key == stem or key.endswith(f"/{stem}")]
        own = f"{nested.replace('$', '.')}.{own}" if nested else own
        return f"{found[0] if found else outer}::{own}"

    for result in junit.results(reports, name, project, ran.call.root):
        lines = result.message.split("\n")
        yield replace(result, message="\n".join(line for line in lines if not _FOREIGN.match(line)))


def classes(wanted: Sequence[str]) -> list[str]:
    """The simple names of the classes that these tests are in: their files' names."""
    return sorted({re.sub(r"\.\w+$", "", file_of(test).rpartition("/")[2]) for test in wanted})


def tests_in(path: str, text: str) -> list[str]:
    """Ids of the tests that a file's text shows; those of nested classes are not told apart."""
    return [f"{path}::{match['name'].strip('`')}" for match in _TEST.finditer(text)]


def errors(ran: Ran) -> str:
    """The lines of a build's output that say what is wrong."""
    lines = [line for line in ran.output.split("\n") if re.search(r"error|FAILURE|wrong|cannot|could not", line, re.I)]
    kept = [line for line in lines if "[Help" not in line and "Re-run" not in line and "stack trace" not in line]
    return "\n".join(kept) or ran.output


def has_tests(project: Project) -> bool:
    """Whether there are files where both tools look for tests."""
    return any("src/test/" in path for path in project.files)
