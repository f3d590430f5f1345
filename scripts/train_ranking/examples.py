"""One planted bug as an example: the features of the edit that takes it back, and of others that do not."""

from __future__ import annotations

import ast
import os
import random
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coder.repair.localize import localize
from coder.repair.propose import score_all
from coder.repair.rank import Scored
from coder_sandbox.choose import open_sandbox
from coder_sandbox.contract import Limits, Workspace
from coder_sandbox.toolchain import find_toolchain
from coder_tools.contract import TestResult
from coder_tools.protect import is_protected
from coder_tools.testing import Suite
from scripts.bench_repair.libraries import Library, python
from scripts.bench_repair.plant import Bug, Reach
from scripts.bench_repair.rules import Function, Text
from scripts.bench_repair.same import same_program

EDITS = 6_000  # looked at for one bug
BEST, OTHERS = 150, 100  # wrong edits kept: those scored best, and some of the rest
BESIDE = 160  # tests run that do not reach the bug: in a real run they clear the lines that others share with it
SECONDS = 60.0


@dataclass(frozen=True)
class Example:
    """(kind, features) of edits; the first `right` ones restore the original. `place`: of the best one, from 1."""

    bug: str
    right: int
    edits: Sequence[tuple[str, dict[str, float]]]
    place: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def example(library: Library, repository: Path, bug: Bug, reach: Reach) -> Example | None:
    """Plant the bug, run the tests that reach it and some beside them, and score.

    None if no test notices, or no edit is the way back.
    """
    file = repository / bug.path
    original = file.read_bytes()
    file.write_bytes(bug.planted(original))
    try:
        reaching = reach.tests(bug.path, bug.line)
        results = _run(library, repository, [*reaching, *reach.others(reaching, BESIDE)] if reaching else [])
        failing = [result for result in results if not result.passed]
        if not failing or any(result.outcome == "missing" for result in results):
            return None
        return _scored(repository, bug, original, results, failing)
    finally:
        file.write_bytes(original)


def _run(library: Library, repository: Path, tests: Sequence[str]) -> list[TestResult]:
    """The tests' results with coverage, in a sandbox as in a run of coder."""
    if not tests:
        return []
    toolchain = find_toolchain(repository, os.environ, str(python()))
    place = Workspace(
        worktree=repository,
        inside=repository,
        python=toolchain.python,
        mounts=toolchain.mounts,
        label="train",
        env=toolchain.env,
    )
    sandbox = open_sandbox("auto", place, Limits())
    try:
        suite = Suite(sandbox, repository, "pytest", library.args)
        return suite.run(tests, timeout=SECONDS, test_timeout=10.0, coverage=True)
    finally:
        sandbox.close()


def _scored(
    repository: Path, bug: Bug, original: bytes, results: Sequence[TestResult], failing: Sequence[TestResult]
) -> Example | None:
    def read(path: str) -> bytes:
        try:
            return (repository / path).read_bytes()
        except OSError as error:
            raise KeyError(path) from error

    def is_source(path: str) -> bool:
        return path.endswith(".py") and (repository / path).is_file() and not is_protected(path, files)

    files = {result.id.split("::")[0] for result in results}
    suspects = localize(results, [result.id for result in failing], is_source, read)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of compiling `x is 1` and the like
        ranker, scored = score_all(read, suspects, failing, limit=EDITS)
        scored.sort(key=lambda entry: (-entry.score, entry.edit.start, entry.edit.text))
        right = set(ways_back(scored, bug, original))
    if not right:
        return None
    wrong = [place for place in range(len(scored)) if place not in right]
    chance = random.Random(bug.name)
    kept = [*wrong[:BEST], *chance.sample(wrong[BEST:], min(OTHERS, len(wrong[BEST:])))]
    chosen = [scored[place] for place in (*sorted(right), *kept)]
    edits = [(each.edit.kind, ranker.features(each.edit, each.site, each.suspicion)) for each in chosen]
    return Example(bug.name, len(right), edits, place=min(right) + 1)


def ways_back(scored: Sequence[Scored], bug: Bug, original: bytes) -> Iterator[int]:
    """The places of the edits that make the function with the bug the original program again.

    Of the file nothing else is compiled: thousands of edits are asked.
    """
    start, end = _around(original, bug.start)
    grown = len(bug.planted(original)) - len(original)
    frame = "" if original[:start].endswith(b"\n") or not start else "if 1:\n" + _indent(original, start)
    wanted = frame + original[start:end].decode()
    for place, entry in enumerate(scored):
        module, edit = entry.site.module, entry.edit
        first, last = module.byte_offset(edit.start), module.byte_offset(edit.end)
        if module.path != bug.path or first < start or last > end + grown:
            continue
        text = module.raw[start:first] + edit.text.encode() + module.raw[last : end + grown]
        try:
            if same_program(wanted, frame + text.decode()):
                yield place
        except SyntaxError:
            continue


def _around(content: bytes, place: int) -> tuple[int, int]:
    """The bytes of the outermost function around a place."""
    text = Text(content)
    functions = (node for node in ast.walk(ast.parse(content)) if isinstance(node, Function))
    return next((start, end) for start, end in map(text.span, functions) if start <= place < end)


def _indent(content: bytes, place: int) -> str:
    return content[content.rfind(b"\n", 0, place) + 1 : place].decode()
