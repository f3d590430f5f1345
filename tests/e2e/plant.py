"""Plants one-token bugs in a package, by rules of its own and a seed.

`python tests/e2e/plant.py REPOSITORY` chooses the bugs of planted.json: drawn rule by rule in the order of the seed,
each is kept if it makes some of the package's tests fail, and neither hangs nor keeps the package from being
imported. Whether coder can fix a bug plays no part.
"""

from __future__ import annotations

import ast
import json
import random
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SEED = 20260101
WANTED = 10
PLANTED = Path(__file__).with_name("planted.json")
FILES = ("more_itertools/more.py", "more_itertools/recipes.py")
SLOW = (
    "tests/test_recipes.py::PrimeFunctionTests",
    "tests/test_more.py::TestSerialize",
    "tests/test_more.py::TestConcurrentTee",
    "tests/test_more.py::DiscreteFourierTransformTests",
    "tests/test_recipes.py::PolynomialFromRootsTests::test_large",
    "tests/test_recipes.py::RunningMedianTests::test_vs_statistics_median",
    "tests/test_more.py::ExtractTests::test_all_orderings",
    "tests/test_more.py::TestRandomOrderedRange::test_lcg_mitigation",
    "tests/test_more.py::TestSynchronized::test_concurrent_calls",
    "tests/test_more.py::CallbackIterTests::test_abort",
    "tests/test_more.py::TimeLimitedTests::test_basic",
)
"""Four classes of some eight hundred tests take three quarters of the suite's time, seven tests half of the rest."""
QUICK = ("-m", "pytest", *(f"--deselect={name}" for name in SLOW))

COMPARISONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "is": "is not", "is not": "is"}
COMPARISONS |= {"in": "not in", "not in": "in"}
ARITHMETIC = {"+": "-", "-": "+", "*": "+", "//": "*", "%": "//"}
ASSIGNMENTS = {"+=": "-=", "-=": "+="}
BOOLEAN = {"and": "or", "or": "and"}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
METHODS = {"append": "appendleft", "appendleft": "append", "popleft": "pop", "pop": "popleft"}

Change = tuple[int, str, str]
"""A byte offset, what stands there, and what is to stand there."""


@dataclass(frozen=True)
class Bug:
    """Replace `old` at byte `start` of `path` by `new`."""

    rule: str
    path: str
    line: int
    start: int
    old: str
    new: str

    def plant(self, repository: Path) -> None:
        """Put it into the file. ValueError if the file is not the one it was made for."""
        file = repository / self.path
        content = file.read_bytes()
        end = self.start + len(self.old.encode())
        if content[self.start : end] != self.old.encode():
            raise ValueError(f"{self.path}:{self.line} does not hold {self.old!r}")
        file.write_bytes(content[: self.start] + self.new.encode() + content[end:])


class Text:
    """Source in which places are bytes."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.starts = [0, *(match.end() for match in re.finditer(b"\n", source))]

    def start(self, node: ast.expr) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr) -> int:
        return self.starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)

    def line(self, place: int) -> int:
        return self.source.count(b"\n", 0, place) + 1

    def between(self, first: ast.expr, second: ast.expr, swaps: Mapping[str, str]) -> Iterator[Change]:
        """The operator that stands between two expressions, parentheses aside, if it is one to swap."""
        begin = self.end(first)
        text = self.source[begin : self.start(second)].decode()
        words = (rf"\b{word}\b" if word.isalpha() else re.escape(word) for word in sorted(swaps, key=len, reverse=True))
        if match := re.search("|".join(words), text):
            yield begin + len(text[: match.start()].encode()), match[0], swaps[match[0]]


def operators(node: ast.AST, text: Text) -> Iterator[tuple[str, Change]]:
    """(rule, change) for the operator of a node."""
    match node:
        case ast.Compare(left=left, ops=[_], comparators=[right]):
            rule, found = "comparison", text.between(left, right, COMPARISONS)
        case ast.BinOp(left=left, right=right, op=ast.Add() | ast.Sub() | ast.Mult() | ast.FloorDiv() | ast.Mod()):
            rule, found = "arithmetic", text.between(left, right, ARITHMETIC)
        case ast.AugAssign(target=target, value=value, op=ast.Add() | ast.Sub()):
            rule, found = "arithmetic", text.between(target, value, ASSIGNMENTS)
        case ast.BoolOp(values=[left, right, *_]):
            rule, found = "boolean", text.between(left, right, BOOLEAN)
        case ast.UnaryOp(op=ast.Not()):
            rule, found = "dropped not", iter([(text.start(node), "not ", "")])
        case _:
            return
    for change in found:
        yield rule, change


def words(node: ast.AST, text: Text, parameters: Sequence[str]) -> Iterator[tuple[str, Change]]:
    """(rule, change) for the name or constant that a node is."""
    match node:
        case ast.Constant(value=bool(value)):
            yield "flag", (text.start(node), str(value), str(not value))
        case ast.Constant(value=int(value)):
            yield "constant", (text.start(node), str(value), str(value - 1 if value else 1))
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            yield "call", (text.start(node), name, CALLS[name])
        case ast.Attribute(attr=name) if name in METHODS:
            yield "method", (text.end(node) - len(name), name, METHODS[name])
        case ast.Name(id=name, ctx=ast.Load()) if name in parameters[:-1]:
            yield "wrong name", (text.start(node), name, parameters[parameters.index(name) + 1])


def sites(path: str, source: bytes) -> Iterator[Bug]:
    """Every one-token bug of the rules in the functions of a file."""
    text = Text(source)
    for function in (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)):
        parameters = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        for node in (node for statement in function.body for node in ast.walk(statement)):
            for rule, (start, old, new) in (*operators(node, text), *words(node, text, parameters)):
                if source.startswith(old.encode(), start):  # not a number written another way, such as 0x10
                    yield Bug(rule, path, text.line(start), start, old, new)


def drawn(repository: Path, seed: int = SEED) -> Iterator[Bug]:
    """All bugs of all files, in turns by rule, each rule's in an order of the seed."""
    by_rule = defaultdict(list)
    for path in FILES:
        for bug in sites(path, (repository / path).read_bytes()):
            by_rule[bug.rule].append(bug)
    chance = random.Random(seed)
    rules = sorted(by_rule)
    chance.shuffle(rules)
    for rule in rules:
        chance.shuffle(by_rule[rule])
    while any(by_rule.values()):
        for rule in rules:
            if by_rule[rule]:
                yield by_rule[rule].pop()


def failing(repository: Path) -> list[str] | None:
    """The tests that fail, by the quick suite; None if it hangs, cannot be imported, or is broken all over."""
    argv = [sys.executable, *QUICK, "-q", "-rfE", "--no-header", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(argv, cwd=repository, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return None
    found = re.findall(r"^FAILED (\S+)", done.stdout, re.M)
    unique = sorted(set(found))
    return None if done.returncode not in (0, 1) or len(unique) > 20 else unique


def choose(repository: Path) -> Sequence[Bug]:
    """The first WANTED bugs of the draw that make tests fail."""
    chosen: list[Bug] = []
    for bug in drawn(repository):
        original = (repository / bug.path).read_bytes()
        bug.plant(repository)
        broken = failing(repository)
        if broken:  # a test that fails by chance is no goal
            broken = [test for test in failing(repository) or () if test in broken]
        (repository / bug.path).write_bytes(original)
        print(bug.rule, f"{bug.path}:{bug.line}", repr(bug.old), repr(bug.new), broken, file=sys.stderr)
        if broken:
            chosen.append(bug)
        if len(chosen) == WANTED:
            break
    return chosen


def load() -> Sequence[Bug]:
    return [Bug(**entry) for entry in json.loads(PLANTED.read_text())]


if __name__ == "__main__":
    PLANTED.write_text(json.dumps([asdict(bug) for bug in choose(Path(sys.argv[1]))], indent=1) + "\n")
