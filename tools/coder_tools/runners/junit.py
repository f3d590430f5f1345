"""Reads JUnit's XML, which most test tools can write."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping

from coder_tools.contract import Outcome, TestResult
from coder_tools.runners.contract import Project
from coder_tools.runners.traces import explained

_DECLARATION = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

NameOf = Callable[[ET.Element], str]
"""The id of a test case."""


def cases(text: str) -> list[ET.Element]:
    """The test cases of a report. Raises ValueError for a text that is none, or declares entities."""
    if "<!" in _DECLARATION.sub("", text):
        raise ValueError("declarations are not read in a JUnit report")
    try:
        return list(ET.fromstring(text).iter("testcase"))
    except ET.ParseError as error:
        raise ValueError(str(error)) from error


def printable(text: str) -> str:
    """Without the characters that XML does not have: tools write what a test printed as it came."""
    return _CONTROL.sub("", text)


def results(reports: Mapping[str, str], name: NameOf, project: Project, root: str) -> Iterator[TestResult]:
    """The results of all reports; one that was cut short, or is no report, has none."""
    for text in reports.values():
        try:
            found = cases(printable(text))
        except ValueError:
            continue
        for case in found:
            yield explained(_result(case, name(case)), project, root)


def _result(case: ET.Element, test_id: str) -> TestResult:
    parts: tuple[tuple[str, Outcome], ...] = (("error", "error"), ("failure", "failed"), ("skipped", "skipped"))
    for tag, outcome in parts:
        found = case.find(tag)
        if found is not None:
            words = [found.get("message") or "", (found.text or "").strip("\n")]
            message = words[1] if words[0] and words[0] in words[1] else "\n".join(filter(None, words))
            kind = (found.get("type") or "").rpartition(".")[2].rpartition("$")[2]
            return TestResult(test_id, outcome, _seconds(case), message or _output(case), kind)
    return TestResult(test_id, "passed", _seconds(case))


def _output(case: ET.Element) -> str:
    return "\n".join(text.strip() for tag in ("system-out", "system-err") if (text := case.findtext(tag)))


def _seconds(case: ET.Element) -> float:
    try:
        return max(0.0, float(case.get("time") or 0.0))
    except ValueError:
        return 0.0


def named(project: Project, root: str) -> NameOf:
    """`file::name` where the case names a file of the repository, else `class::name`."""

    def name(case: ET.Element) -> str:
        own, group = case.get("name") or "", case.get("classname") or ""
        path = project.known(case.get("file") or "", root) or project.known(group, root)
        return f"{path or group}::{own}" if path or group else own

    return name
