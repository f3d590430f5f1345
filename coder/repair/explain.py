"""A patch in two or three plain sentences, from what is known of it: good enough for a commit message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from coder_tools.logs import Finding

LONGEST = 160  # characters of a value or a message
_STACK = re.compile(r"\n\s+at |\n\s*goroutine \d| \[recovered\]\n|\nstack backtrace:|\n\S+:\d+: UnexpectedException\b")
"""Where, in a failure's text, the calls begin that led to it, or the place where it is."""
_EXAMPLES = "DocTestFailure"  # whose text is a piece of the file


@dataclass(frozen=True)
class Edit:
    """One edit of a patch. `note` is what the engine says of it; "" for a model's."""

    path: str
    line: int  # 0: not known
    function: str
    note: str


@dataclass(frozen=True)
class Verified:
    """What the clean room showed of the patch."""

    goal: int
    others: int
    scope: str
    not_run: int


def explain(goal: Sequence[str], failure: Finding, edits: Sequence[Edit], verified: Verified) -> str:
    """What was wrong, what the change does, and what else was run."""
    return " ".join([_wrong(goal, failure), _does(edits), _run(verified)])


def _wrong(goal: Sequence[str], failure: Finding) -> str:
    test = short(failure.test or (goal[0] if goal else "the goal"))
    more = f" (and {len(goal) - 1} more)" if len(goal) > 1 else ""
    where = f" in `{failure.function}`" if failure.function and not _is_test(failure.function) else ""
    if failure.expected and failure.actual and "\n" not in failure.expected + failure.actual:
        what = f"expected {_cut(failure.expected)} and got {_cut(failure.actual)}"
    elif failure.outcome == "timeout":
        what = "did not end"
    elif failure.exception and failure.exception != "AssertionError":
        text = "" if failure.exception == _EXAMPLES else failure.message
        message = _cut(text).removeprefix(failure.exception).lstrip(": ")
        what = f"failed with {failure.exception}{where}" + (f" ({message})" if message else "")
    else:
        what = "failed" + (f" ({message})" if (message := _cut(failure.message)) else "")
    return f"`{test}`{more} {what}."


def _does(edits: Sequence[Edit]) -> str:
    sentences = []
    for edit in edits:
        place = f"`{edit.function}` ({edit.path}" if edit.function else f"{edit.path} ("
        line = f"line {edit.line}" if edit.line else ""
        inner = f"{place}{', ' if edit.function and line else ''}{line})".replace(" ()", "")
        sentences.append(f"In {inner}, {edit.note}." if edit.note else f"The change is in {inner}.")
    return " ".join(sentences)


def _run(verified: Verified) -> str:
    goal = "the goal test passes" if verified.goal == 1 else f"the {verified.goal} goal tests pass"
    others = "no other test had passed before"
    if verified.others:
        tests = "test" if verified.others == 1 else "tests"
        others = f"{verified.others:,} {tests} that passed before still {'passes' if verified.others == 1 else 'pass'}"
    outside = ""
    if verified.scope == "reachable":
        outside = f"; {verified.not_run:,} tests that cannot reach the change were not run"
    return f"In a fresh checkout {goal} and {others}{outside}."


def short(test: str) -> str:
    """A test's id without its file."""
    return test.partition("::")[2].replace("::", ".") or test


def _is_test(function: str) -> bool:
    return function.startswith("test") or function in ("<module>", "setUp", "tearDown")


def _cut(text: str) -> str:
    """On one line, where spaces within a value stay."""
    flat = " ".join(filter(None, map(str.strip, _STACK.split(text, maxsplit=1)[0].splitlines())))
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 3] + "..."
