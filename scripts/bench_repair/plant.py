"""Plants bugs: every place of every rule, drawn by a seed, each kept only if the library's own tests notice it."""

from __future__ import annotations

import ast
import json
import random
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.bench_repair.libraries import Library, python
from scripts.bench_repair.rules import RULES, Function, Place, Text

PLANTED = Path(__file__).with_name("planted")
SOME = 40  # tests that are asked whether they notice a bug
LIMIT = 60.0  # seconds for one run of a suite: a bug that hangs is as good as any, but cannot be told from a slow one


@dataclass(frozen=True)
class Bug:
    """Bytes [start, start + len(old)) of `path` become `new`. `line` is where."""

    library: str
    rule: str
    path: str
    line: int
    start: int
    old: str
    new: str

    @property
    def name(self) -> str:
        return f"{self.library}-{Path(self.path).stem}-{self.line}-{self.rule.replace(' ', '-')}"

    def planted(self, content: bytes) -> bytes:
        """The file's content with the bug. ValueError if it is not the file that the bug was made for."""
        end = self.start + len(self.old.encode())
        if content[self.start : end] != self.old.encode():
            raise ValueError(f"{self.path}:{self.line} does not hold {self.old!r}")
        return content[: self.start] + self.new.encode() + content[end:]


def bugs_of(library: Library, path: str, content: bytes) -> Iterator[Bug]:
    """Every bug of every rule in the functions of one file; some may not compile."""
    text = Text(content)
    tree = ast.parse(content)
    for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
        for node in _own(function):
            for name, rule in RULES.items():
                for start, end, new in rule(Place(node, function, text)):
                    yield Bug(library.name, name, path, text.line(start), start, content[start:end].decode(), new)


def _own(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function's body, those of functions within it left out: they come by themselves."""
    pending: list[ast.AST] = [*function.body]
    while pending:
        node = pending.pop()
        if isinstance(node, Function):
            continue
        yield node
        if not isinstance(node, ast.JoinedStr):
            pending += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr_context)]


def _compiles(content: bytes) -> bool:
    try:
        ast.parse(content)
    except (SyntaxError, ValueError):
        return False
    return True


def drawn(library: Library, repository: Path, seed: int) -> Iterator[Bug]:
    """All bugs of a library, in turns by rule, each rule's in an order of the seed; one a line at most."""
    by_rule: defaultdict[str, list[Bug]] = defaultdict(list)
    for path in library.modules(repository):
        for bug in bugs_of(library, path, (repository / path).read_bytes()):
            by_rule[bug.rule].append(bug)
    chance = random.Random(f"{seed} {library.name}")
    rules = sorted(by_rule)
    chance.shuffle(rules)
    for rule in rules:
        by_rule[rule].sort(key=lambda bug: (bug.path, bug.start, bug.new))
        chance.shuffle(by_rule[rule])
    lines: set[tuple[str, int]] = set()
    while any(by_rule.values()):
        for rule in rules:
            while by_rule[rule]:
                bug = by_rule[rule].pop()
                if (bug.path, bug.line) not in lines and _compiles(bug.planted((repository / bug.path).read_bytes())):
                    lines.add((bug.path, bug.line))
                    yield bug
                    break


def run_tests(library: Library, repository: Path, tests: Sequence[str] = (), *more: str) -> tuple[int, list[str]]:
    """Exit code and failing tests of a plain run of these tests (of all if none are given); -1 if it takes too long."""
    argv = [str(python()), *library.command(tests), "-q", "-rfE", "--no-header", "-p", "no:cacheprovider", *more]
    try:
        done = subprocess.run(argv, cwd=repository, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return -1, []
    found = re.findall(r"^(?:FAILED|SUBFAILED\S*) (\S+::.*?)(?: - .*)?$", done.stdout, re.M)
    return done.returncode, sorted(set(found))


class Reach:
    """Which tests run a line: only they can notice a bug there, and running a few of them is quick."""

    def __init__(self, library: Library, repository: Path) -> None:
        """Run the suite once under coverage. SystemExit if it does not pass as released."""
        with tempfile.TemporaryDirectory() as place:
            config, report = Path(place, "rc"), Path(place, "report.json")
            config.write_text(f"[run]\ndynamic_context = test_function\nsource = {library.package}\n")
            runner = [str(python()), "-m", "coverage"]
            options = [f"--rcfile={config}", f"--data-file={place}/data"]
            suite = [*library.command(), "-q", "-p", "no:cacheprovider"]
            run = subprocess.run([*runner, "run", *options, *suite], cwd=repository, capture_output=True, text=True)
            if run.returncode != 0:
                raise SystemExit(f"{library.name}: the suite does not pass as released:\n{run.stdout[-2000:]}")
            written = [*runner, "json", *options, "--show-contexts", "-o", str(report)]
            subprocess.run(written, cwd=repository, capture_output=True, check=True)
            files = json.loads(report.read_text())["files"]
        self._contexts: dict[str, dict[str, list[str]]] = {path: found["contexts"] for path, found in files.items()}
        listing = [str(python()), *library.command(), "--collect-only", "-q", "-p", "no:cacheprovider"]
        listed = subprocess.run(listing, cwd=repository, capture_output=True, text=True, check=True)
        self._ids: defaultdict[str, list[str]] = defaultdict(list)
        for test in re.findall(r"^(\S+::.*)$", listed.stdout, re.M):
            self._ids[test.split("[")[0].rpartition("::")[2]].append(test)

    def tests(self, path: str, line: int) -> list[str]:
        """The ids of some tests that run the line, or the statement that began a little above."""
        lines = self._contexts.get(path, {})
        contexts = next((found for back in range(6) if (found := lines.get(str(line - back)))), [])
        names = dict.fromkeys(context.rpartition(".")[2] for context in contexts)
        return [test for name in names for test in self._ids.get(name, [])][:SOME]

    def others(self, tests: Sequence[str], most: int) -> list[str]:
        """At most so many tests besides these, taken from all over the suite."""
        rest = [test for found in self._ids.values() for test in found if test not in set(tests)]
        return rest[:: max(1, -(-len(rest) // most))]


def noticed(library: Library, repository: Path, tests: Sequence[str]) -> bool:
    """Whether a test that passed at the base fails now, and fails again: one that fails by chance is no goal."""
    code, failing = run_tests(library, repository, tests, "-x")
    return code == 1 and bool(failing) and run_tests(library, repository, failing)[1] == failing


def choose(library: Library, repository: Path, seed: int, wanted: int) -> list[Bug]:
    """The first `wanted` bugs of the draw that the tests notice. The repository is left as it was."""
    reach = Reach(library, repository)
    chosen: list[Bug] = []
    for bug in drawn(library, repository, seed):
        tests = reach.tests(bug.path, bug.line)
        kept = bool(tests) and _kept(library, repository, bug, tests)
        print(
            f"{'kept' if kept else 'not noticed':12} {bug.name} {bug.old!r} -> {bug.new!r}", file=sys.stderr, flush=True
        )
        if kept:
            chosen.append(bug)
        if len(chosen) == wanted:
            break
    return chosen


def _kept(library: Library, repository: Path, bug: Bug, tests: Sequence[str]) -> bool:
    file = repository / bug.path
    original = file.read_bytes()
    file.write_bytes(bug.planted(original))
    try:
        return noticed(library, repository, tests)
    finally:
        file.write_bytes(original)


def load(file: Path) -> list[Bug]:
    return [Bug(**entry) for entry in json.loads(file.read_text())["bugs"]]


def save(file: Path, seed: int, bugs: Sequence[Bug]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"seed": seed, "bugs": [asdict(bug) for bug in bugs]}, indent=1) + "\n")
