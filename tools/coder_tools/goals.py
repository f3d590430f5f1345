"""From what a person calls a test to the ids that the runner has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

NEAREST = 5
SHORTEST_PART = 3  # characters of a part of an id that may stand for it

_WORDING = re.compile(
    r"^(?:please\s+)?(?:(?:fix|repair|make|run)\s+)?(?:the\s+)?(?:(?:failing|failed|broken|red)\s+)?(?:(?:unit\s*)?tests?\b(?![/.]|::)\s*:?\s*)?",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[`\"'“‘]([^`\"'“”‘’]+)[`\"'”’]")
_UNITTEST = re.compile(r"^(\w+) ?\(([\w.$]+)\)$")  # as unittest and Maven print a test: "test_c (tests.test_a.TestB)"
# What test tools print before and after the name of a test that failed.
_BEFORE = re.compile(
    r"(?:[\s●•✖✗✘✕×▶❯↳>*]|---\s|\[ERROR\]|(?:FAIL(?:ED|URE)?|ERROR|not ok|test|at)\b:?\s|"
    r"\d+/\d+ Test +#\d+:|\d+ -\s|\d+\)\s|Start +\d+:\s|#\sSubtest:\s|location:\s)+",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:\s*\(\d[\d.]* ?m?s\)|\s\d[\d.]* ?m?s|(?:\s\.{3})?\sFAILED|\s*\.*\**\(?(?:Failed|Timeout)\b.*|"
    r"\s*\.*\*\*\*[A-Z].*|\s\((?:SEGFAULT|BUS_ERROR|ILLEGAL|NUMERICAL|OTHER_FAULT|Not Run|\w+ aborted)\)|"
    r"\s\[(?:build|setup) failed\]|"
    r"\s\(line \d+\)|\s(?:-- )?Time elapsed.*|\s<<<.*|:\d+(?::\d+)?(?::?\s.*|:)?)$",
    re.DOTALL,
)


class GoalError(Exception):
    """No test, or more than one, has this name. `names`: the nearest ones, or all that match."""

    def __init__(self, kind: Literal["missing", "ambiguous"], goal: str, names: Sequence[str]) -> None:
        verb = "no test matches" if kind == "missing" else "more than one test matches"
        super().__init__(f"{verb} {goal!r}" + (f": {', '.join(names[:NEAREST])}" if names else ""))
        self.kind = kind
        self.names = list(names)


def resolve(goal: str, ids: Sequence[str]) -> list[str]:
    """The ids that `goal` names, in run order.

    A full id, a file, directory, class or function, a parametrised test with or without its parameters, a unique
    part of an id, in pytest's or in dotted form; "failing test X" and quotes around the name are taken off. Raises
    GoalError if that names no test, or tests that have no more in common than the part of the name.
    """
    for name in _names(goal):
        found = _match(name, ids)
        if found:
            return found
    raise GoalError("missing", goal, _nearest(goal, ids))


def _names(goal: str) -> Iterable[str]:
    """What in the goal may be the name, most certain first."""
    text = goal.strip()
    quoted = [part.strip() for part in _QUOTED.findall(text)]
    plain = _WORDING.sub("", text, count=1).strip().strip("`\"'“”‘’").rstrip(".:,!").strip()
    words = [word.strip("`\"'“”‘’.,:;!()") for word in plain.split()]
    marked = [word for word in words if "::" in word or "." in word or "_" in word]
    printed = map(_printed, (plain, *quoted))
    found = [text, plain, *quoted, *printed, *(marked if len(words) > 1 else ())]
    return dict.fromkeys(name for name in found if name)


def _printed(text: str) -> str:
    """The name of a test, or of a file, without what a tool prints around it."""
    before = _BEFORE.match(text)
    return _AFTER.sub("", text[before.end() :] if before else text).strip()


def without_parameters(test_id: str) -> str:
    """`test_c[1-2]` -> `test_c`."""
    return test_id.split("[", 1)[0] if test_id.endswith("]") else test_id


def _dotted(test_id: str) -> str:
    """`tests/test_a.py::TestB::test_c` -> `tests.test_a.TestB.test_c`."""
    path, _, rest = test_id.partition("::")
    return ".".join([path.removesuffix(".py").replace("/", "."), *rest.split("::")]) if rest else test_id


def _match(name: str, ids: Sequence[str]) -> list[str]:
    """The tests of the first reading of the name that any test fits. Raises GoalError if they are unrelated."""
    name = name.removeprefix("./")
    shown = _UNITTEST.match(name)
    if shown:
        test, where = shown.groups()
        name = where if where.endswith(f".{test}") else f"{where}.{test}"
    for fits, shared in _readings(name):
        found = [test_id for test_id in ids if fits(test_id)]
        owners = list(dict.fromkeys(shared(test_id) for test_id in found))
        if len(owners) > 1:
            raise GoalError("ambiguous", name, owners)
        if found:
            return found
    return []


_Reading = tuple[Callable[[str], bool], Callable[[str], str]]


def _readings(name: str) -> list[_Reading]:
    """(which ids the name fits, what they must have in common), strictest first."""
    directory = name.rstrip("/") + "/"

    def path(test_id: str) -> str:
        return test_id.split("::", 1)[0]

    def folder(test_id: str) -> str:
        return path(test_id).rpartition("/")[0] or test_id

    def up_to_name(test_id: str) -> str:
        """The id up to the class or module that is called for."""
        for mark in (f"::{name}::", f".{name}."):
            if mark in test_id:
                return test_id[: test_id.index(mark) + len(mark)].rstrip(":.")
        return test_id

    def ends(test_id: str) -> bool:
        tails = {test_id, without_parameters(test_id), _dotted(test_id), _dotted(without_parameters(test_id))}
        return any(tail.endswith((f"::{name}", f".{name}", f"/{name}")) for tail in tails)

    words = _words(name)
    bare = not re.search(r"\s", name)

    def inside(test_id: str) -> tuple[str, ...]:
        """The words of the id up to those of the name, which stand in it in this order; () if they do not."""
        for own in _wordings(test_id):
            at = next((n for n in range(len(own)) if own[n : n + len(words)] == words), -1)
            if at >= 0:
                return own[: at + len(words)]
        return ()

    def at_end(test_id: str) -> bool:
        """Whether the words of the id end with those of the name; or those of a package's full name with them."""
        wordings = _wordings(test_id)
        longer = bare and len(wordings[-1]) > 1 and words[-len(wordings[-1]) :] == wordings[-1]
        return longer or any(own[-len(words) :] == words for own in wordings)

    several = len(words) > 1
    is_module = bare and "." in name.partition("/")[0]  # `example.org/shop/cart`, as Go names a directory
    return [
        (lambda test_id: test_id == name, lambda test_id: test_id),
        (lambda test_id: name in (without_parameters(test_id), _dotted(test_id)), without_parameters),
        (lambda test_id: path(test_id) == name, path),
        (lambda test_id: test_id.startswith((f"{name}::", f"{name}.")), lambda test_id: name),
        (lambda test_id: _dotted(test_id).startswith(f"{name}."), lambda test_id: name),
        (lambda test_id: test_id.startswith(directory), lambda test_id: directory),
        (ends, without_parameters),
        (lambda test_id: path(test_id).endswith(f"/{name}"), path),
        (lambda test_id: is_module and name.endswith(f"/{folder(test_id)}"), folder),
        (lambda test_id: name.startswith("/") and name.endswith(f"/{path(test_id)}"), path),
        (lambda test_id: path(test_id).removesuffix(".py").endswith((f"/{name}", f".{name}")), path),
        (lambda test_id: f"::{name}::" in test_id or f".{name}." in test_id, up_to_name),
        (lambda test_id: name in _stems(path(test_id)), path),
        (lambda test_id: len(name) >= SHORTEST_PART and name in test_id, without_parameters),
        (lambda test_id: several and at_end(test_id), without_parameters),
        (lambda test_id: several and bool(inside(test_id)), lambda test_id: " ".join(inside(test_id))),
    ]


def _stems(path: str) -> tuple[str, ...]:
    """How people call a file of tests: `CartTest` for CartTest.java, `cart.test` and `cart` for cart.test.js."""
    stem = re.sub(r"\.\w+$", "", path.rpartition("/")[2])
    return stem, re.sub(r"[._-](?:test|spec)$", "", stem)


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+", text))


def _wordings(test_id: str) -> list[tuple[str, ...]]:
    """The words of an id: all of them, without its file's suffix, without its file (as Go names a test)."""
    path, mark, name = test_id.partition("::")
    own = _words(name.removeprefix("example ") if mark else name)
    stem = path.rsplit(".", 1)[0] if "." in path.rpartition("/")[2] else path
    return [(*_words(path), *own), (*_words(stem), *own), (*_words(path.rpartition("/")[0]), *own)]


def _nearest(goal: str, ids: Sequence[str]) -> list[str]:
    """Ids whose function is spelt most like a word of the goal."""
    by_function: dict[str, str] = {}
    for test_id in dict.fromkeys(map(without_parameters, ids)):
        by_function.setdefault(re.split(r"::|\.", test_id)[-1], test_id)
    names = [re.split(r"::|/|\.(?!py\b)", without_parameters(name))[-1] for name in _names(goal)]
    close: list[str] = []
    for cutoff in (0.5, 0.0):  # something is better than nothing: the reader sees how the tests are called
        for name in sorted(set(names), key=lambda name: (" " in name, -len(name))):
            close += difflib.get_close_matches(name, by_function, n=NEAREST, cutoff=cutoff)
        if close:
            break
    return [by_function[function] for function in dict.fromkeys(close)][:NEAREST]
