"""What the failure messages say that is of use for choosing an edit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from coder_tools.contract import TestResult

_NUMBER = r"-?\d+(?:\.\d+)?"
_LITERAL = r"""(?:-?\d+(?:\.\d+)?|True|False|None|'[^'\n]*'|"[^"\n]*"|\[[^\n]*?\]|\([^\n]*?\)|\{[^\n]*?\})"""
_EQUALITY = re.compile(rf"(?:assert\s+|AssertionError:\s*)({_LITERAL})\s*(==|!=)\s*({_LITERAL})")
_DIFFERENT = re.compile(rf"AssertionError:\s*({_LITERAL})\s+!=\s+({_LITERAL})")


@dataclass(frozen=True)
class Pair:
    """The two sides of a failed equality, as the message prints them."""

    left: str
    right: str


@dataclass
class Clues:
    """What the failing tests' messages tell, taken together."""

    messages: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    raised_at: dict[tuple[str, int], list[int]] = field(default_factory=dict)  # (path, line) -> message numbers
    kinds: dict[str, float] = field(default_factory=dict)  # kind of edit -> nats it is raised by
    pairs: tuple[Pair, ...] = ()

    @classmethod
    def of(cls, failures: Sequence[TestResult]) -> Clues:
        messages = tuple(result.message for result in failures)
        clues = cls(messages, tuple(result.exception for result in failures))
        for number, result in enumerate(failures):
            for frame in result.frames:
                clues.raised_at.setdefault((frame.path, frame.line), []).append(number)
        clues.pairs = tuple(dict.fromkeys(pair for text in messages for pair in _pairs(text)))
        for kind in (kind for pair in clues.pairs for kind in _kinds_of(pair)):
            clues.kinds[kind] = max(clues.kinds.get(kind, 0.0), 0.8)
        for name in clues.exceptions:
            for kind in _EXCEPTION_KINDS.get(name.rpartition(".")[2], ()):
                clues.kinds[kind] = max(clues.kinds.get(kind, 0.0), 0.8)
        if any("DID NOT RAISE" in text or "not raised" in text for text in messages):
            clues.kinds |= {"guard-raise": 2.5, "condition-negate": 0.5, "raise-type": 0.5}
        return clues

    def search(self, pattern: str) -> Iterator[re.Match[str]]:
        """Every match of a pattern in the messages, duplicates left out."""
        seen = set()
        for message in self.messages:
            for match in re.finditer(pattern, message):
                if match.group() not in seen:
                    seen.add(match.group())
                    yield match

    def mentions(self, *exceptions: str) -> bool:
        """Whether a test failed with one of these exceptions."""
        return any(name.rpartition(".")[2] in exceptions for name in self.exceptions)


_EXCEPTION_KINDS: dict[str, tuple[str, ...]] = {
    "IndexError": ("int-step", "bound-step", "range-bound", "compare", "guard-return", "condition-add", "index-step"),
    "KeyError": ("string-near", "get-default", "guard-return", "name", "except-type", "handler-add"),
    "AttributeError": ("attribute", "guard-return", "condition-add", "name", "call-drop", "call-add", "self-add"),
    "TypeError": ("argument-drop", "argument-add", "argument-swap", "wrap", "guard-return", "call-drop", "call-add"),
    "ValueError": ("guard-return", "condition-add", "except-type", "handler-add"),
    "ZeroDivisionError": ("guard-return", "condition-add", "compare", "or-default"),
    "UnboundLocalError": ("initialise", "name", "dedent", "indent"),
    "NameError": ("name", "import-add", "self-add", "initialise"),
    "RecursionError": ("guard-return", "compare", "condition-negate", "argument-step", "int-step", "self-drop"),
    "StopIteration": ("handler-add", "default-argument", "argument-add"),
    "RuntimeError": ("wrap", "handler-add"),
}


def _pairs(text: str) -> Iterator[Pair]:
    for match in _EQUALITY.finditer(text):
        if match.group(2) == "==" or match.group().startswith("AssertionError"):
            yield Pair(match.group(1), match.group(3))
    for match in _DIFFERENT.finditer(text):
        yield Pair(match.group(1), match.group(2))


def _kinds_of(pair: Pair) -> Iterable[str]:
    """The kinds of edit that could turn one side into the other."""
    left, right = pair.left, pair.right
    if left == right:
        return ()
    if re.fullmatch(_NUMBER, left) and re.fullmatch(_NUMBER, right):
        return _number_kinds(float(left), float(right))
    if {left, right} == {"True", "False"}:
        return ("bool", "compare", "condition-negate", "boolean", "condition-drop", "return-negate", "return-predicate")
    if "None" in (left, right):
        return ("return-add", "return-value", "initialise", "none", "condition-negate")
    if left[0] in "'\"" and right[0] in "'\"":
        return _sequence_kinds(left[1:-1], right[1:-1])
    if left[0] in "[(" and right[0] in "[(":
        inner = left[1:-1].strip(" ,").split(", "), right[1:-1].strip(" ,").split(", ")
        return [*_sequence_kinds(*inner), *(("wrap",) if left[0] != right[0] else ())]
    return ("wrap", "unwrap", "return-value")


def _number_kinds(left: float, right: float) -> Iterable[str]:
    if left == -right:
        return ("negate", "arithmetic", "operand-swap", "return-negate")
    if abs(left - right) == 1:
        return ("int-step", "range-bound", "bound-step", "step", "compare", "index-step")
    return ("arithmetic", "augmented", "operand-drop")


def _sequence_kinds(left: Sequence[str], right: Sequence[str]) -> list[str]:
    if left == right[::-1]:
        return ["reverse", "slice-add", "slice-drop", "bool", "wrap", "call-drop", "operand-swap", "argument-swap"]
    if sorted(left) == sorted(right):
        return ["wrap", "unwrap", "operand-swap", "argument-swap", "bool", "compare", "move"]
    if isinstance(left, str) and isinstance(right, str) and left.lower() == right.lower():
        return ["sibling", "method-add", "method-drop"]
    short, long = sorted((left, right), key=len)
    if list(long[: len(short)]) == list(short) or list(long[len(long) - len(short) :]) == list(short):
        return ["range-bound", "bound-step", "slice-add", "slice-drop", "int-step", "compare", "copy", "return-value"]
    return ["condition-drop", "string-near", "wrap", "sibling"]
