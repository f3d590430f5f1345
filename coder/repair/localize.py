"""Fault localization: which lines of the code under test are worth changing, from what ran and what failed."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from coder.repair.assertion import feeding_calls
from coder.repair.contract import Suspect
from coder.repair.slice import Slicer, Step
from coder.repair.source import FUNCTIONS, Module, module_at
from coder_tools.contract import TestResult

COVERAGE = 0.8  # what the coverage alone can make of a line: the rest is for what the lifts below know
TRACEBACK = 0.6  # how far the deepest project frame of a failure lifts its line towards 1
DECAY = 0.5  # of that lift, for each frame further out
NAMED = 0.3  # the lift of a function that the failing test is named after
SAME_FUNCTION = 0.1  # the lift of the other lines of the function that failed
FEEDING = 0.25  # the lift of a function whose result the failing assertion is made of
SLICED = 0.15  # the lift of a statement on which what the failing assertion saw depends at once; farther ones lift less
SWITCHED = 0.6  # the lift of a condition one outcome of which, turned round, makes the failing test pass
CHANGED = 0.3  # the lift of a line that the latest change touched; earlier ones lift less
MENTIONED = 0.5  # the lift of a line that a message names, where no test could run

Place = tuple[str, int]
Lift = dict[Place, tuple[float, str]]  # place -> how far towards 1, and why
_IN_MESSAGE = re.compile(r"""([\w./\\-]+\.py)(?:", line |:)(\d+)""")
_MODULE = re.compile(r"(?:from|module|named) '([A-Za-z_][\w.]*)'")
_QUOTED = re.compile(r"'([A-Za-z_]\w*)'")


def localize(
    results: Sequence[TestResult],
    goal: Sequence[str],
    is_source: Callable[[str], bool],
    read: Callable[[str], bytes] | None = None,
    changed: Mapping[Place, float] | None = None,
    switched: Collection[Place] = (),
) -> list[Suspect]:
    """Rank the lines that a failing goal test executed, most suspicious first.

    The score is a share of Ochiai's (Abreu et al. 2006), failing / sqrt(all failing * (failing + passing)), over tests
    that executed the line, raised for lines in the traceback of a failure. Without any coverage (a module that cannot
    be imported) the traceback and the places a message names speak. With `read`, which gives a file's bytes (KeyError
    if there is none), functions named like the failing test and those whose results the failing assertion is made of
    are raised too, with what these results depend on, and the lines of a statement are taken together. `changed` gives
    the lines that recent changes touched, from 1 for the latest; `switched` are conditions one outcome of which, turned
    round, makes a failing test pass (coder/repair/switch.py). Ties keep the order of path and line.
    """
    wanted = set(goal)
    failing = [r for r in results if r.id in wanted and not r.passed]
    passing = [r for r in results if r.passed]
    run, passed = _hits(failing, is_source), _hits(passing, is_source)
    scores = _ochiai(run, passed, sum(bool(r.coverage) for r in failing))
    total = sum(bool(r.coverage) for r in passing)
    reasons = {place: [_words(n, len(failing), passed.get(place, 0), total)] for place, n in run.items()}
    modules = _Modules(read)
    lifts = [_traceback(failing, is_source)]
    if not scores:
        lifts.append(_mentioned(failing, is_source, modules))
    lifts += [_function_lift(lifts[0], scores, modules), _named(failing, scores, modules)]
    lifts += [_feeding(failing, scores, modules), _changed(changed or {}, scores)]
    lifts += _dependences(failing, is_source, scores, modules, switched)
    for lift in lifts:
        for place, (height, why) in lift.items():
            score = scores.get(place, 0.0)
            scores[place] = score + (1 - score) * height
            reasons.setdefault(place, []).append(why)
    merged = _by_statement(scores, modules)
    ranked = sorted(merged, key=lambda place: (-merged[place][0], place))
    return [Suspect(*place, round(merged[place][0], 6), tuple(reasons[merged[place][1]])) for place in ranked]


def _words(failed: int, failing: int, passed: int, passing: int) -> str:
    if not passing:
        return f"executed by {failed} of {failing} failing tests"
    return f"executed by {failed} of {failing} failing and {passed} of {passing} passing tests"


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
    return {place: COVERAGE * n / math.sqrt(total * (n + passed.get(place, 0))) for place, n in failed.items()}


def _traceback(failing: Sequence[TestResult], is_source: Callable[[str], bool]) -> Lift:
    """The lift of each line in a failure's traceback, the deepest frame in the code under test most."""
    lifts: Lift = {}
    for result in failing:
        height, why = TRACEBACK, "the deepest frame of the traceback in the code under test"
        for frame in reversed([f for f in result.frames if is_source(f.path)]):
            place = (frame.path, frame.line)
            if lifts.get(place, (0.0, ""))[0] < height:
                lifts[place] = (height, why)
            height, why = height * DECAY, "in the traceback of the failure"
    return lifts


def _mentioned(failing: Sequence[TestResult], is_source: Callable[[str], bool], modules: _Modules) -> Lift:
    """Places that the messages name: `File "x.py", line 3`, and uses of a quoted name in a quoted module."""
    lifts: Lift = {}
    for result in failing:
        files: dict[str, None] = {}
        for match in _IN_MESSAGE.finditer(result.message):
            path = _known(match.group(1).replace("\\", "/"), is_source)
            if path:
                files[path] = None
                lifts[path, int(match.group(2))] = (MENTIONED, "named by the failure's message")
        for match in _MODULE.finditer(result.message):
            files.update(dict.fromkeys(_module_files(match.group(1), is_source)))
        names = set(_QUOTED.findall(result.message))
        for place in (place for path in files for place in modules.uses(path, names)):
            lifts.setdefault(place, (MENTIONED * DECAY, "uses a name from the failure's message"))
    return lifts


def _known(path: str, is_source: Callable[[str], bool]) -> str:
    """The path as the repository knows it: the message may have it absolute."""
    parts = path.lstrip("./").split("/")
    return next((tail for tail in ("/".join(parts[n:]) for n in range(len(parts))) if is_source(tail)), "")


def _module_files(name: str, is_source: Callable[[str], bool]) -> Iterator[str]:
    base = name.replace(".", "/")
    for folder in ("", "src/", "lib/"):
        for ending in (".py", "/__init__.py"):
            if is_source(folder + base + ending):
                yield folder + base + ending


def _function_lift(frames: Lift, scores: Mapping[Place, float], modules: _Modules) -> Lift:
    """The executed lines of the functions in which a failure was raised."""
    spans = {
        (path, span)
        for (path, line), (height, _) in frames.items()
        for _, span in modules.functions(path)
        if height == TRACEBACK and line in span
    }
    lines = {place for place in scores for path, span in spans if place[0] == path and place[1] in span}
    return dict.fromkeys(lines - set(frames), (SAME_FUNCTION, "in the function that failed"))


def _named(failing: Sequence[TestResult], scores: Mapping[Place, float], modules: _Modules) -> Lift:
    """The executed lines of functions whose name the failing test's name contains."""
    tests = [_parts(result.id) for result in failing]
    lifts: Lift = {}
    for path in {path for path, _ in scores}:
        for name, span in modules.functions(path):
            words = _parts(name)
            best = max((len(words) / len(test) for test in tests if words and words <= test), default=0.0)
            for line in span if best else ():
                if (path, line) in scores:
                    lifts[path, line] = (NAMED * min(1.0, 0.4 + best), f"in `{name}`, which the test's name names")
    return lifts


def _feeding(failing: Sequence[TestResult], scores: Mapping[Place, float], modules: _Modules) -> Lift:
    """The executed lines of functions whose results reach the failing assertion."""
    calls: dict[str, float] = {}
    for result in failing:
        for name, weight in _asserted(result, modules).items():
            calls[name] = max(weight, calls.get(name, 0.0))
    lifts: Lift = {}
    for path in {path for path, _ in scores}:
        for name, span in modules.functions(path):
            weight = calls.get(name, 0.0)
            for line in span if weight else ():
                if (path, line) in scores and lifts.get((path, line), (0.0, ""))[0] < FEEDING * weight:
                    lifts[path, line] = (FEEDING * weight, f"in `{name}`, whose result the failing assertion looks at")
    return lifts


def _asserted(result: TestResult, modules: _Modules) -> Mapping[str, float]:
    """The functions whose results the failing assertion looks at; none where it is not an assertion of the test."""
    own = [frame for frame in result.frames if frame.path == result.id.split("::")[0]]
    module = modules.get(own[-1].path) if own and own[-1] is result.frames[-1] else None
    return feeding_calls(module, own[-1].line) if module else {}


def _dependences(
    failing: Sequence[TestResult],
    is_source: Callable[[str], bool],
    scores: Mapping[Place, float],
    modules: _Modules,
    switched: Collection[Place],
) -> Iterator[Lift]:
    """What the failures depend on, and the conditions that would mend them with what these are computed from."""
    executed: defaultdict[str, set[int]] = defaultdict(set)
    for path, line in scores:
        executed[path].add(line)
    slicer = Slicer(executed, modules.get)
    seeds: list[tuple[float, Step]] = []
    for result in failing:
        if asserted := _asserted(result, modules):
            seeds += [(weight, step) for name, weight in asserted.items() for step in slicer.results_of(name)]
        elif frames := [frame for frame in result.frames if is_source(frame.path)]:
            seeds += [(1.0, step) for step in slicer.at(frames[-1].path, frames[-1].line)]
    why = "what the failing assertion saw depends on it"
    yield {place: (SLICED * weight, why) for place, weight in slicer.weigh(seeds).items()}
    conditions = [(1.0, step) for path, line in switched for step in slicer.at(path, line)]
    why = "a condition is computed from it whose outcome, turned round once, makes a failing test pass"
    yield {place: (SWITCHED * weight**2, why) for place, weight in slicer.weigh(conditions).items() if weight < 1}
    why = "a failing test passes when the outcome of its condition is turned round once"
    yield dict.fromkeys(switched, (SWITCHED, why))


def _changed(changed: Mapping[Place, float], scores: Mapping[Place, float]) -> Lift:
    """The executed lines that were changed not long ago."""
    why = "changed not long ago"
    return {place: (CHANGED * weight, why) for place, weight in changed.items() if place in scores}


def hit_rates(ranked: Sequence[Sequence[Suspect]], planted: Sequence[Place], within: Sequence[int]) -> list[float]:
    """The share of planted bugs whose line is among the first `n` suspects, for each `n` of `within`.

    `ranked[i]` are the suspects of the run in which the bug `planted[i]` was to be found.
    """
    places = [[(suspect.path, suspect.line) for suspect in suspects] for suspects in ranked]
    found = [own.index(place) + 1 if place in own else None for own, place in zip(places, planted, strict=True)]
    return [sum(rank is not None and rank <= n for rank in found) / max(1, len(found)) for n in within]


def _parts(name: str) -> frozenset[str]:
    """The words of a name; of a test's id those of its class and function."""
    last = re.sub(r"\[.*\]$", "", name).replace("::", ".").split(".")[-2:]
    last = [part for part in last if "/" not in part and part != "py"]
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", " ".join(last))
    return frozenset(word.lower() for word in words) - {"test", "tests", "case"}


def _by_statement(scores: Mapping[Place, float], modules: _Modules) -> dict[Place, tuple[float, Place]]:
    """The first line of each statement -> its highest score and the line that has it."""
    found: dict[Place, tuple[float, Place]] = {}
    for place in sorted(scores):
        first = modules.first_line(place)
        if first not in found or scores[place] > found[first][0]:
            found[first] = (scores[place], place)
    return found


class _Modules:
    """The parsed files, each once; without a reader there are none."""

    def __init__(self, read: Callable[[str], bytes] | None) -> None:
        self._read = read
        self._parsed: dict[str, Module | None] = {}

    def get(self, path: str) -> Module | None:
        if path not in self._parsed:
            self._parsed[path] = module_at(path, self._read) if self._read else None
        return self._parsed[path]

    def functions(self, path: str) -> list[tuple[str, range]]:
        """Name and lines of every function."""
        module = self.get(path)
        nodes = [node for node in module.parents if isinstance(node, FUNCTIONS)] if module else []
        return [(node.name, range(node.lineno, (node.end_lineno or node.lineno) + 1)) for node in nodes]

    def uses(self, path: str, names: set[str]) -> Iterator[Place]:
        """The lines on which one of the names stands."""
        module = self.get(path)
        for number, line in enumerate(module.text.splitlines() if module else (), 1):
            if names.intersection(re.findall(r"\w+", line)):
                yield path, number

    def first_line(self, place: Place) -> Place:
        """The first line of the simple statement a line belongs to; other lines stand for themselves."""
        module = self.get(place[0])
        own = module.statements_at(place[1]) if module else []
        if own and not hasattr(own[-1], "body") and not hasattr(own[-1], "cases"):
            return place[0], own[-1].lineno
        return place
