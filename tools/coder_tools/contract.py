"""The words the tools share: tests and their outcomes, failures, change sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed", "timeout", "crashed", "missing"]
"""How one test ended. Only `passed` (and a non-strict `xpassed`) counts as passing; `timeout` and `crashed` are
set by the agent that watches the test process; `missing` is set for a test that was asked for and never reported."""

Changes = Mapping[str, bytes | None]
"""A change set against the base: path in the repository (posix, relative) -> new bytes, None for a deleted file."""

PYTHON = "Python"
"""The language of tests that pytest or unittest runs; of others the name of their runner stands in its place."""


@dataclass(frozen=True)
class Frame:
    """One frame of a traceback inside the project. `path` is relative to the repository, `line` starts at 1."""

    path: str
    line: int
    function: str


@dataclass(frozen=True)
class TestResult:
    """What one run of one test said."""

    __test__ = False

    id: str  # the runner's own id: pytest's node id, unittest's dotted name, else `file::name`
    outcome: Outcome
    duration: float = 0.0  # seconds, all phases
    message: str = ""  # the runner's failure text, capped
    exception: str = ""  # type name of the exception, e.g. "AssertionError", "" where there is none
    frames: tuple[Frame, ...] = ()  # outermost first
    coverage: Mapping[str, frozenset[int]] = field(default_factory=dict)  # path -> executed lines, if collected
    expected: str = ""  # the values of a failed assertion, where the runner gives them apart from the message
    actual: str = ""

    @property
    def passed(self) -> bool:
        return self.outcome in ("passed", "xpassed")


@dataclass(frozen=True)
class Observed:
    """What variables held when lines were reached: an expression is `x` or `x.y`, a type its qualified name."""

    lines: Mapping[tuple[str, int], Mapping[str, frozenset[str]]] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)  # of each type, those with __ left out


@dataclass(frozen=True)
class CollectError:
    """A file that could not be collected, with the first lines of why."""

    path: str
    message: str
    tests: tuple[str, ...] = ()  # ids that its text shows, where the runner's own reader knows how


@dataclass(frozen=True)
class Collection:
    """What the runner found: test ids in run order, and the files it could not collect."""

    runner: str
    version: str
    ids: tuple[str, ...]
    errors: tuple[CollectError, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Splice:
    """Replace bytes [start, end) of a file by `text`, encoded as the file is. Offsets are into the base file."""

    path: str
    start: int
    end: int
    text: str


Verdict = Literal["plausible", "goal", "failed", "timeout", "broken"]
"""plausible: all goal tests and all companion tests pass; goal: the goal tests pass but a companion fails;
failed: some goal test fails; timeout: a test exceeded its limit; broken: it cannot be imported or compiled."""


@dataclass(frozen=True)
class CandidateResult:
    """What the warm validator says of one candidate."""

    key: str
    verdict: Verdict
    goal_passed: int = 0  # how many goal tests passed before the first failure
    failed_test: str = ""  # the test that ended it
    message: str = ""
    exception: str = ""  # type name of what ended it
    line: int = 0  # of the outermost frame in the project, most often the test's own; 0 if it is not known
    seconds: float = 0.0
    starved: bool = False  # it timed out while others had the processors: that says nothing of it


@dataclass(frozen=True)
class Behaviour:
    """What one call did. Two behaviours are the same if `kind` and `mark` are; `words` are for the reader, cut."""

    kind: Literal["returns", "raises", "hangs"]
    words: str = ""
    mark: str = ""

    def same_as(self, other: Behaviour) -> bool:
        return (self.kind, self.mark) == (other.kind, other.mark)


@dataclass(frozen=True)
class Compared:
    """Candidates side by side. `why_not` says why there are no inputs; `unreached` counts, for the base (key "") and
    each candidate, the lines of the functions that some candidate changes which no call executed."""

    inputs: tuple[Input, ...] = ()
    unreached: Mapping[str, int] = field(default_factory=dict)
    why_not: str = ""


@dataclass(frozen=True)
class Input:
    """One call of a function of the project, and what the base (key "") and each candidate did with it."""

    function: str  # qualified name
    module: str  # the name it is imported by
    path: str
    receiver: str  # the object it is a method of, in words; "" for a function
    arguments: str  # as one would write them
    literal: bool  # whether function and arguments are Python that makes this very call
    varied: bool  # no test makes this very call
    passing: bool  # it is, or is varied from, a call by a test that passes at the base
    entry: bool  # it is, or is varied from, a call by a test itself
    test: str
    did: Mapping[str, Behaviour]
