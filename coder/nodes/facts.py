"""What the baseline found, as every later node reads it from the run's blob store."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from coder_tools.contract import Frame, TestResult

_KEPT = ("id", "outcome", "duration", "message", "exception", "frames", "expected", "actual")  # of a result
STEP = 0.05  # seconds within which tests count as equally quick


@dataclass(frozen=True)
class Baseline:
    """The state of the tests before anything was changed."""

    runner: str
    order: tuple[str, ...]  # every collected test, in run order
    results: dict[str, TestResult]  # of the first run, without coverage
    flaky: tuple[str, ...] = ()  # ended differently when run again
    unsteady: tuple[str, ...] = ()  # of the goal: ended differently when run again
    not_run: tuple[str, ...] = ()  # did not fit the time the baseline had
    left_out: tuple[tuple[str, str], ...] = ()  # files that cannot be collected: path, message
    seconds: float = 0.0  # of one whole run of the suite
    coverage: dict[str, dict[str, tuple[int, ...]]] = field(default_factory=dict)  # test -> path -> lines

    @cached_property
    def passing(self) -> tuple[str, ...]:
        """The tests that may not fail afterwards: they passed each time."""
        flaky = set(self.flaky)
        return tuple(i for i in self.order if i in self.results and self.results[i].passed and i not in flaky)

    @property
    def complete(self) -> bool:
        """Whether every collected test was run."""
        return not self.not_run

    def duration(self, ids: Iterable[str]) -> float:
        """Seconds these tests took, together, at the baseline."""
        return sum(self.results[i].duration for i in ids if i in self.results)

    @cached_property
    def usual(self) -> float:
        """Seconds that a run of the suite should take once the goal passes: what fails now may take very long.

        Of a run that was cut nobody knows what the test under way would have taken: the others tell.
        """
        if self.not_run and self.results:
            passed = sum(r.duration for r in self.results.values() if r.passed)
            return min(self.seconds, passed * len(self.order) / len(self.results))
        return max(0.0, self.seconds - sum(r.duration for r in self.results.values() if not r.passed))

    def limits(self, ids: Iterable[str]) -> dict[str, float]:
        """How long each test may take later, in seconds: ten times its own time, and never less than two."""
        return {
            i: max(2.0, 10 * self.results[i].duration + 1) for i in ids if i in self.results and self.results[i].passed
        }

    @cached_property
    def _by_line(self) -> dict[tuple[str, int], list[str]]:
        index: dict[tuple[str, int], list[str]] = {}
        for test_id in self._quickest(self.passing):
            for path, lines in self.coverage.get(test_id, {}).items():
                for line in lines:
                    index.setdefault((path, line), []).append(test_id)
        return index

    def covering(self, path: str, line: int) -> list[str]:
        """The passing tests that execute a line, quickest first."""
        return self._by_line.get((path, line), [])

    def touching(self, paths: Iterable[str]) -> list[str]:
        """The passing tests that execute any line of these files, quickest first."""
        wanted = set(paths)
        return self._quickest(i for i in self.passing if wanted & self.coverage.get(i, {}).keys())

    def _quickest(self, ids: Iterable[str]) -> list[str]:
        """Quick tests before slow ones, in steps: a busy machine is not to change the order of the quick ones."""
        return sorted(ids, key=lambda i: (int(self.results[i].duration / STEP), i))

    def localizable(self) -> list[TestResult]:
        """The results with the coverage that was collected, for fault localization."""
        return [
            TestResult(**{**_fields(r), "coverage": {p: frozenset(n) for p, n in self.coverage.get(i, {}).items()}})
            for i, r in self.results.items()
        ]

    def to_json(self) -> dict[str, Any]:
        plain = {f.name: getattr(self, f.name) for f in fields(self)}  # a copy of all the lines would take its time
        return {**plain, "results": {i: result_to_json(r) for i, r in self.results.items()}}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Baseline:
        return cls(
            runner=data["runner"],
            order=tuple(data["order"]),
            results={i: result_from_json(r) for i, r in data["results"].items()},
            flaky=tuple(data["flaky"]),
            unsteady=tuple(data.get("unsteady", ())),
            not_run=tuple(data["not_run"]),
            left_out=tuple((path, message) for path, message in data["left_out"]),
            seconds=data["seconds"],
            coverage={i: {p: tuple(n) for p, n in c.items()} for i, c in data["coverage"].items()},
        )


def test_file(test_id: str, files: Collection[str]) -> str:
    """The file of a test, "" if none is known. In pytest's ids it stands there; of unittest's dotted names it is the
    longest part that is a file."""
    if "::" in test_id:
        path = test_id.split("::")[0]
        return path if path in files else ""
    parts = test_id.split(".")
    names = ("/".join(parts[:end]) + ".py" for end in range(len(parts), 0, -1))
    return next((name for name in names if name in files), "")


test_file.__test__ = False  # type: ignore[attr-defined]


def _fields(result: TestResult) -> dict[str, Any]:
    return {name: getattr(result, name) for name in _KEPT}


def result_to_json(result: TestResult) -> dict[str, Any]:
    """A result without its coverage, in builtins."""
    return {**_fields(result), "frames": [[f.path, f.line, f.function] for f in result.frames]}


def result_from_json(data: dict[str, Any]) -> TestResult:
    """The inverse of `result_to_json`."""
    return TestResult(**{**data, "frames": tuple(Frame(*f) for f in data["frames"])})
