"""Raw test results in, one small structured finding out."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from coder_tools.contract import Frame, Outcome, TestResult
from coder_tools.protect import is_protected
from coder_tools.text import cap, cap_name, clean

_VALUE_LIMIT = 300  # characters of an expected or actual value
_MESSAGE_LIMIT = 800  # characters
_READ_LIMIT = 20_000  # characters of a message that are looked at
_LISTED = 10  # test ids
_ID_LIMIT = 300  # characters of a test's id: a parameter may be a whole text

_UNITTEST = (
    # the first line of unittest's own messages -> (actual, expected)
    (re.compile(r"(?P<a>.+) != (?P<e>.+?)(?: within \d+ places.*)?(?: : .*)?"), "{a}", "{e}"),
    (re.compile(r"(?P<a>.+) not found in (?P<e>.+)"), "{a}", "something in {e}"),
    (re.compile(r"(?P<a>.+) unexpectedly found in (?P<e>.+)"), "{a}", "nothing in {e}"),
    (re.compile(r"(?P<a>.+) is not (?P<e>true|false|None)(?: : .*)?"), "{a}", "{e}"),
    (re.compile(r"(?P<a>.+) is not an instance of (?P<e>.+)"), "{a}", "an instance of {e}"),
    (re.compile(r"(?P<a>.+) not (?P<e>(?:less|greater) than .+)"), "{a}", "{e}"),
    (re.compile(r"unexpectedly (?P<a>None|identical: .+)"), "{a}", "something else"),
    (re.compile(r"(?P<e>[\w.]+) not raised(?: by .+)?"), "no exception", "{e} to be raised"),
)
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Failed|Exit)\b")
_NOT_RAISED = re.compile(r"DID NOT RAISE (?:any of )?(.+)")
_DIFFER = re.compile(r"(?:Lists|Tuples|Sequences|Sets|Dicts|\w+s) differ: (?P<body>.+)")
_EXAMPLE = re.compile(
    r"^Expected(?::\n(?P<e>(?:(?: {4}.*)?\n)*)| nothing\n)Got:\n(?P<a>(?: {4}.*(?:\n|\Z)|\n)+)", re.MULTILINE
)
_WHERE = re.compile(r"\+\s+(?:where|and)\s+(?P<value>.+?) = ")
_OPERATORS = {
    ast.Eq: "{}",
    ast.Is: "{}",
    ast.NotEq: "anything but {}",
    ast.IsNot: "anything but {}",
    ast.In: "something in {}",
    ast.NotIn: "nothing in {}",
    ast.Lt: "less than {}",
    ast.LtE: "at most {}",
    ast.Gt: "more than {}",
    ast.GtE: "at least {}",
}


_UNUSUAL: Mapping[Outcome, str] = {
    "skipped": "is skipped",
    "xfailed": "is expected to fail",
    "timeout": "is not done within its time limit",
    "crashed": "ends the process it runs in",
    "missing": "was not run",
}


def unusual(result: TestResult) -> str:
    """Why a test does not pass, where it is not that it fails; "" for one that fails or passes."""
    if (what := _UNUSUAL.get(result.outcome)) is None:
        return ""
    why = " ".join(clean(result.message).split())
    return f"{clean(result.id)} {what}" + (f": {cap(why, _VALUE_LIMIT)}" if why else "")


@dataclass(frozen=True)
class Finding:
    """What the last run of the tests says, in few words. Empty text where a thing is not known."""

    test: str  # the failing test this is about, the first of the goal; "" if the whole goal passes
    outcome: Outcome
    exception: str = ""  # type name
    message: str = ""  # the first lines of what the runner says
    expected: str = ""
    actual: str = ""
    path: str = ""  # the deepest frame in the project, outside tests if there is one
    line: int = 0
    function: str = ""
    passed: int = 0  # goal tests that pass
    failing: tuple[str, ...] = ()  # goal tests that do not, in their order
    others: tuple[str, ...] = ()  # tests outside the goal that fail in these results

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"failing": list(self.failing), "others": list(self.others)}

    def words(self) -> str:
        """The finding as a model or a person reads it."""
        if not self.test and not self.others:
            return f"All {self.passed} goal tests pass."
        lines = [f"{self.passed} goal tests pass, {len(self.failing)} fail."]
        if self.test:
            lines.append(
                f"{cap_name(self.test, _ID_LIMIT)}: {self.outcome}"
                + (f" with {self.exception}" if self.exception else "")
            )
        if self.expected or self.actual:
            lines += [f"expected: {self.expected}", f"actual: {self.actual}"]
        if self.path:
            lines.append(f"deepest project frame: {self.path}:{self.line} in {self.function}")
        if self.message:
            lines.append(self.message)
        if more := [test for test in self.failing if test != self.test]:
            lines.append("also failing: " + _listed(more))
        if self.others:
            lines.append("tests outside the goal that fail now: " + _listed(self.others))
        return "\n".join(lines)


def finding(results: Sequence[TestResult], goal: Sequence[str]) -> Finding:
    """What these results say about the goal. A goal test that is not among them counts as missing."""
    by_id = {result.id: result for result in results}
    failing = tuple(test for test in goal if test not in by_id or not by_id[test].passed)
    wanted = frozenset(goal)
    bad = ("failed", "error", "timeout", "crashed")
    others = tuple(r.id for r in results if r.id not in wanted and r.outcome in bad)
    subject = failing[0] if failing else (others[0] if others else "")
    counts = {"passed": len(goal) - len(failing), "failing": failing, "others": others}
    if not subject:
        return Finding("", "passed", **counts)  # type: ignore[arg-type]
    result = by_id.get(subject) or TestResult(subject, "missing")
    message = clean(result.message)
    expected, actual = result.expected, result.actual
    if not (expected or actual):
        expected, actual = expectation(message)
    frame = deepest(result.frames)
    return Finding(
        test=failing[0] if failing else "",
        outcome=result.outcome,
        exception=result.exception,
        message=head(message),
        expected=cap(clean(expected), _VALUE_LIMIT),
        actual=cap(clean(actual), _VALUE_LIMIT),
        path=frame.path if frame else "",
        line=frame.line if frame else 0,
        function=frame.function if frame else "",
        **counts,  # type: ignore[arg-type]
    )


def deepest(frames: Sequence[Frame]) -> Frame | None:
    """The innermost frame in the project's code, or in its tests if none is outside them."""
    code = [frame for frame in frames if not is_protected(frame.path)]
    inner = code or list(frames)
    return inner[-1] if inner else None


def head(message: str) -> str:
    """The lines that matter: pytest's error lines where there are any, else the last ones of a traceback."""
    return cap("\n".join(_errors(message)), _MESSAGE_LIMIT)


def _errors(message: str) -> list[str]:
    lines = message[:_READ_LIMIT].strip().split("\n")
    errors = [line[1:].strip() for line in lines if re.match(r"E\s", line)]
    if errors:
        return errors
    starts = [at for at, line in enumerate(lines) if _EXCEPTION.match(line)]
    return lines[starts[-1] :] if starts else lines


def expectation(message: str) -> tuple[str, str]:
    """(expected, actual) from the text of a failed assertion; ("", "") where it says nothing of the kind."""
    if found := _EXAMPLE.search(message):
        return (textwrap.dedent(found["e"] or "nothing").strip("\n"), textwrap.dedent(found["a"]).strip("\n"))
    lines = [line.strip() for line in _errors(message) if line.strip()]
    if not lines:
        return "", ""
    first = re.sub(r"^[\w.]*(AssertionError|Failed): ?", "", lines[0]) or (lines[1] if len(lines) > 1 else "")
    if found := _NOT_RAISED.search(first):
        return f"{found[1].strip()} to be raised", "no exception"
    asserted = next((line for line in (first, *lines) if line.startswith("assert ")), "")
    if asserted:
        computed = {found["value"] for line in lines if (found := _WHERE.search(line))}
        return _compared(asserted.removeprefix("assert "), computed)
    if not re.match(r"[\w.]*AssertionError\b", lines[0]):
        return "", ""
    if found := _DIFFER.match(first):
        first = found["body"]
    for pattern, actual, expected in _UNITTEST:
        if found := pattern.fullmatch(first):
            return expected.format(**found.groupdict()), actual.format(**found.groupdict())
    return "", ""


def _compared(asserted: str, computed: set[str]) -> tuple[str, str]:
    """(expected, actual) of `assert LEFT op RIGHT` with the values filled in by pytest."""
    try:
        node = ast.parse(asserted.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _split(asserted)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return "something false", ast.unparse(node.operand)
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return "something true", asserted.strip()
    left = ast.get_source_segment(asserted.strip(), node.left) or ""
    right = ast.get_source_segment(asserted.strip(), node.comparators[0]) or ""
    equal = isinstance(node.ops[0], (ast.Eq, ast.Is))
    if equal and right in computed and left not in computed:  # `assert 4 == f(3)`: what was called is the actual
        left, right = right, left
    return _OPERATORS[type(node.ops[0])].format(right), left


def _split(asserted: str) -> tuple[str, str]:
    """As `_compared`, for values whose text is no Python, such as `<Point at 0x1>`."""
    parts = re.split(r" == ", asserted)
    return (parts[1].strip(), parts[0].strip()) if len(parts) == 2 else ("", "")


def _listed(tests: Sequence[str]) -> str:
    more = f" and {len(tests) - _LISTED} more" if len(tests) > _LISTED else ""
    return ", ".join(cap_name(test, _ID_LIMIT) for test in tests[:_LISTED]) + more
