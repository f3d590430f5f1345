"""Fault localization: which lines of the code under test are worth changing, from what ran and what failed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from coder_tools.contract import TestResult

from coder.repair.contract import Suspect

TRACEBACK = 0.6  # how far the deepest project frame of a failure lifts its line towards 1
DECAY = 0.5  # of that lift, for each frame further out

Place = tuple[str, int]


def localize(results: Sequence[TestResult], goal: Sequence[str], is_source: Callable[[str], bool]) -> list[Suspect]:
    """Rank the lines that a failing goal test executed, most suspicious first.

    The score is Ochiai's (Abreu et al. 2006): failing / sqrt(all failing * (failing + passing)), over tests that
    executed the line, raised for lines in the traceback of a failure. Without any coverage (a module that cannot be
    imported) the traceback alone speaks. Ties keep the order of path and line.
    """
    wanted = set(goal)
    failing = [r for r in results if r.id in wanted]
    passing = [r for r in results if r.id not in wanted and r.passed]
    scores = _ochiai(_hits(failing, is_source), _hits(passing, is_source), sum(bool(r.coverage) for r in failing))
    reasons = dict.fromkeys(scores, ("executed by the failing test",))
    for place, lift in _traceback(failing, is_source).items():
        score = scores.get(place, 0.0)
        scores[place] = score + (1 - score) * lift
        reasons[place] = (*reasons.get(place, ()), "in the traceback of the failure")
    ranked = sorted(scores, key=lambda place: (-scores[place], place))
    return [Suspect(path, line, round(scores[path, line], 6), reasons[path, line]) for path, line in ranked]


def _hits(results: Iterable[TestResult], is_source: Callable[[str], bool]) -> dict[Place, int]:
    """How many of the tests executed each line."""
    known: dict[str, bool] = {}
    hits: dict[Place, int] = {}
    for result in results:
        for path, lines in result.coverage.items():
            if path not in known:
                known[path] = is_source(path)
            if known[path]:
                for line in lines:
                    hits[path, line] = hits.get((path, line), 0) + 1
    return hits


def _ochiai(failed: Mapping[Place, int], passed: Mapping[Place, int], total: int) -> dict[Place, float]:
    return {place: n / math.sqrt(total * (n + passed.get(place, 0))) for place, n in failed.items()}


def _traceback(failing: Sequence[TestResult], is_source: Callable[[str], bool]) -> dict[Place, float]:
    """The lift of each line in a failure's traceback, the deepest frame in the code under test most."""
    lifts: dict[Place, float] = {}
    for result in failing:
        lift = TRACEBACK
        for frame in reversed([f for f in result.frames if is_source(f.path)]):
            place = (frame.path, frame.line)
            lifts[place] = max(lifts.get(place, 0.0), lift)
            lift *= DECAY
    return lifts
