"""A planted bug with the tests that reach it, and some beside them, run under coverage as a run of coder does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coder.nodes.goal import EXCUSED
from coder_sandbox.choose import open_sandbox
from coder_sandbox.contract import Limits, Workspace
from coder_sandbox.toolchain import find_toolchain
from coder_tools.contract import TestResult
from coder_tools.protect import is_protected
from coder_tools.testing import Suite, TestRunFailed
from scripts.bench_repair.libraries import Library, python
from scripts.bench_repair.plant import Bug, Reach

BESIDE = 160  # tests run that do not reach the bug: in a real run they clear the lines that others share with it
SECONDS = 60.0


@dataclass(frozen=True)
class Traced:
    """The results, and the suite that is still open."""

    repository: Path
    original: bytes  # of the file with the bug
    results: Sequence[TestResult]
    suite: Suite

    @property
    def failing(self) -> list[TestResult]:
        return [result for result in self.results if not result.passed and result.outcome not in EXCUSED]

    def read(self, path: str) -> bytes:
        """The bytes of a file. KeyError if there is none."""
        try:
            return (self.repository / path).read_bytes()
        except OSError as error:
            raise KeyError(path) from error

    @property
    def is_source(self) -> Callable[[str], bool]:
        """Whether a file is code under test."""
        files = {result.id.split("::")[0] for result in self.results}
        return lambda path: (
            path.endswith(".py") and (self.repository / path).is_file() and not is_protected(path, files)
        )


@contextmanager
def traced(library: Library, repository: Path, bug: Bug, reach: Reach) -> Iterator[Traced | None]:
    """Plant the bug and run the tests; None if none of them notices. Afterwards the repository is as it was."""
    file = repository / bug.path
    original = file.read_bytes()
    tests = reach.tests(bug.path, bug.line)
    file.write_bytes(bug.planted(original))
    try:
        with _opened(library, repository) as suite:
            found = Traced(repository, original, _run(suite, tests, reach), suite)
            yield found if found.failing else None
    finally:
        file.write_bytes(original)


def _run(suite: Suite, tests: Sequence[str], reach: Reach) -> list[TestResult]:
    """Nothing where the tests cannot be collected any more; a test that was not reached in time is left out."""
    wanted = [*tests, *reach.others(tests, BESIDE)] if tests else []
    try:
        results = suite.run(wanted, timeout=SECONDS, test_timeout=10.0, coverage=True)
    except TestRunFailed:
        return []
    return [result for result in results if result.outcome != "missing"]


@contextmanager
def _opened(library: Library, repository: Path) -> Iterator[Suite]:
    toolchain = find_toolchain(repository, os.environ, str(python()))
    place = Workspace(
        worktree=repository,
        inside=repository,
        python=toolchain.python,
        mounts=toolchain.mounts,
        label="bench",
        env=toolchain.env,
    )
    sandbox = open_sandbox("auto", place, Limits())
    try:
        yield Suite(sandbox, repository, "pytest", library.args)
    finally:
        sandbox.close()
