"""One planted bug given to `coder fix` as a user would, and what came of it."""

from __future__ import annotations

import ast
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coder.evaluate.dataset import DatasetError, apply_patch
from coder.record.events import read_events
from scripts.bench_repair.libraries import CACHE, ROOT, Library, make_repository, python, unpack
from scripts.bench_repair.plant import Bug
from scripts.bench_repair.same import same_program

CODER = (sys.executable, "-P", "-m", "coder.cli.main")
SECONDS = 60
GRACE = 30


@dataclass
class Row:
    """What one bug came to. Times in seconds; `place`: of the bug's line among the suspects, 0 if not among the ten."""

    bug: str
    library: str
    rule: str
    seed: int
    commit: str
    status: str
    same: bool = False
    seconds: float = 0.0
    suite: float = 0.0
    candidates: int = 0
    per_second: float = 0.0
    place: int = 0
    reason: str = ""
    patch: str = ""
    phases: Mapping[str, float] = field(default_factory=dict)

    @property
    def verified(self) -> bool:
        return self.status == "fixed"


def read_rows(out: Path) -> list[Row]:
    """What an earlier call wrote there."""
    return [Row(**json.loads(line)) for line in out.read_text().splitlines()] if out.exists() else []


def write_row(out: Path, row: Row) -> None:
    """Add a line to the file, which is made if it is not there."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a") as stream:
        stream.write(json.dumps(asdict(row)) + "\n")


def commit_of_coder() -> str:
    """The commit that this repository is at, and whether it was changed since."""
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


def attempt(library: Library, bug: Bug, seed: int, commit: str) -> Row:
    """Time the suite once in a fresh copy, plant the bug, have it fixed, and look at the patch."""
    scratch = CACHE / "work"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix=f"{bug.name}-", ignore_cleanup_errors=True) as place:
        repository = unpack(library, Path(place) / library.name)
        file = repository / bug.path
        original = file.read_bytes()
        suite = _suite_seconds(library, repository)  # before: with the bug in it, it may have no end
        file.write_bytes(bug.planted(original))
        make_repository(repository)
        row = Row(bug.name, library.name, bug.rule, seed, commit, "error", suite=suite)
        result = _fix(library, repository, Path(place) / "home", seed)
        row.status, row.reason = result["status"], str(result.get("reason") or "")
        row.seconds = result.get("seconds", {}).get("total", 0.0)
        row.phases = {k: v for k, v in result.get("seconds", {}).items() if k != "total"}
        row.candidates = result.get("counts", {}).get("candidates", 0)
        row.patch = result.get("patch") or ""
        if run_dir := result.get("run_dir"):
            _read_record(Path(run_dir), row, bug, file.read_text())
        if row.verified:
            row.same = _restores(repository, row.patch, bug, original.decode())
    return row


def _suite_seconds(library: Library, repository: Path) -> float:
    argv = [str(python()), "-B", *library.command(), "-q", "-p", "no:cacheprovider"]
    started = time.monotonic()
    subprocess.run(argv, cwd=repository, capture_output=True, check=False, timeout=300)
    return time.monotonic() - started


def _fix(library: Library, repository: Path, home: Path, seed: int) -> Mapping[str, Any]:
    try:
        options = f"--time={SECONDS}s", f"--seed={seed}"
        return fix(repository, home, *options, tests=library.command(), timeout=SECONDS + GRACE)
    except subprocess.TimeoutExpired:
        return {"status": "error", "reason": f"not done {GRACE} s after its time was up"}
    except NoResult as error:
        return {"status": "error", "reason": str(error)}


class NoResult(SystemExit):
    """What coder said in place of a result: the words with which a script ends that does not catch it."""


def fix(
    repository: Path, home: Path, *options: str, tests: Sequence[str] = ("-m", "pytest"), timeout: float | None = None
) -> dict[str, Any]:
    """The JSON result of one `coder fix` without a model, `home` being where it keeps its runs.

    `tests`: what Python runs them with. Raises NoResult, and subprocess.TimeoutExpired.
    """
    argv = [*CODER, "fix", f"--repo={repository}", "--json", "--no-apply", "--model=none"]
    argv += [f"--test-cmd={shlex.join([str(python()), *tests])}", *options]
    home.mkdir(exist_ok=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {"CODER_HOME": str(home)}
    done = subprocess.run(argv, cwd=home, env=env, capture_output=True, text=True, timeout=timeout)
    try:
        result: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise NoResult(f"no result: {done.stderr[-1000:]}") from None
    return result


def _read_record(run_dir: Path, row: Row, bug: Bug, planted: str) -> None:
    """The place of the bug's line among the suspects, and the speed of the fastest full batch."""
    lines = lines_of(bug, planted)
    for event in read_events(run_dir / "events.jsonl"):
        match event.node, event.kind:
            case "plan", "suspects":
                places = [(suspect["path"], suspect["line"]) for suspect in event.data["top"]]
                found = (n for n, (path, line) in enumerate(places, 1) if path == bug.path and line in lines)
                row.place = next(found, 0)
            case "test", "candidates":
                row.per_second = max(row.per_second, event.data.get("per_second") or 0.0)


def lines_of(bug: Bug, planted: str) -> set[int]:
    """The first lines of the statement with the bug; of a lost statement those of the ones before and after it."""
    starts = sorted({node.lineno for node in ast.walk(ast.parse(planted)) if isinstance(node, ast.stmt)})
    before = [start for start in starts if start < bug.line]
    from_there = [start for start in starts if start >= bug.line]
    if bug.old.endswith("\n") and not bug.new:
        return {*before[-1:], *from_there[:1]}
    return {bug.line, *(before if bug.line not in starts else [])[-1:]}


def _restores(repository: Path, patch: str, bug: Bug, original: str) -> bool:
    """Whether the patch touches the file with the bug alone and makes it the original program again."""
    before = {path: path.read_bytes() for path in repository.rglob("*.py")}
    try:
        apply_patch(repository, patch)
    except DatasetError:
        return False
    changed = [path for path, content in before.items() if path.read_bytes() != content]
    file = repository / bug.path
    return changed == [file] and same_program(original, file.read_text())


def bugs_in_turns(bugs: Mapping[str, Sequence[Bug]]) -> Iterator[tuple[str, Bug]]:
    """(library, bug): the first of each library, then the second of each: a run cut short still says something."""
    for number in range(max(map(len, bugs.values()), default=0)):
        for library, of_it in bugs.items():
            if number < len(of_it):
                yield library, of_it[number]
