"""`python -m scripts.bench_repair.releases`: bugs that people fixed between two releases. See docs/repair-bench.md."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

from scripts.bench_repair.attempt import SECONDS, Row, attempt, commit_of_coder, read_rows, write_row
from scripts.bench_repair.changes import Change, changes
from scripts.bench_repair.libraries import CACHE, PIP, Library, Release, archive, by_name, set_up, unpack
from scripts.bench_repair.plant import Bug, run_tests

FIXES = Path(__file__).with_name("fixes.json")
FOUND = CACHE / "found.json"
SEED = 20261124
MANY = 40  # changed definitions: a release with more is a rewriting, and takes hours

_SRC = ("-o", "pythonpath=src")

OTHERS = (
    Library("humanize", "src/humanize", ["tests"], [*_SRC, "--ignore=tests/test_benchmarks.py"]),
    Library("isodate", "src/isodate", ["tests"], _SRC),
    Library("lark", "lark", ["tests"]),
    Library("markdown", "markdown", ["tests"], ["-o", "python_classes="]),
    Library("marshmallow", "src/marshmallow", ["tests"], _SRC),
    Library("more-itertools", "more_itertools", ["tests"]),
    Library("parse", "parse", ["tests"], ["-o", "addopts="]),
    Library("parso", "parso", ["test"]),
    Library("python-slugify", "slugify", ["tests"]),
    Library("tinydb", "tinydb", ["tests"], ["-o", "addopts="]),
    Library("unidiff", "unidiff", ["tests"]),
    Library("voluptuous", "voluptuous", ["voluptuous/tests"]),
    Library("webcolors", "src/webcolors", ["tests"], _SRC),
    Library("xmltodict", ".", ["tests"], leave_out=r"^tests/|setup\.py"),
)


@dataclass(frozen=True)
class Fix:
    """What changed in `name` of `path` between two releases. `test`: one that fails without. `what`: in our words."""

    library: str
    old: str
    new: str
    path: str
    name: str
    lines: int
    test: str
    what: str = ""

    @property
    def bug(self) -> str:
        """Its name among the rows."""
        return f"{self.library}-{self.new}-{Path(self.path).stem}-{self.name or 'file'}"


def main() -> None:
    """Parse the command line and do as it says."""
    options = _options()
    set_up()
    if options.find:
        for name in options.find.split(","):
            find(known(name), options.skip, options.versions)
        return
    fixes = load()
    rows = read_rows(options.out)
    done = {row.bug for row in rows}
    for fix in [each for each in fixes if each.bug not in done][: options.limit]:
        rows.append(attempt_fix(fix, options.seed))
        write_row(options.out, rows[-1])
        print(f"{fix.bug}: {rows[-1].status}, {rows[-1].seconds:.1f} s", file=sys.stderr, flush=True)
    print("\n".join(report(fixes, rows)))


def load() -> list[Fix]:
    return [Fix(**entry) for entry in json.loads(FIXES.read_text())]


def attempt_fix(fix: Fix, seed: int) -> Row:
    """Take the change back in the release that made it, and have coder mend that."""
    library = known(fix.library)
    with tempfile.TemporaryDirectory() as place:
        old, new = (unpack(release(library, each), Path(place, each)) / fix.path for each in (fix.old, fix.new))
        change = next(each for each in between(old, new) if each.name == fix.name)
    bug = bug_of(library, fix.path, change, fix.new)
    return replace(attempt(release(library, fix.new), bug, seed, commit_of_coder()), bug=fix.bug)


def report(fixes: Sequence[Fix], rows: Sequence[Row]) -> list[str]:
    """The figures, what coder did in place of what the release did, and what it could not do."""
    own = {row.bug: row for row in rows}
    tried = [(fix, own[fix.bug]) for fix in fixes if fix.bug in own]
    verified = [(fix, row) for fix, row in tried if row.verified]
    same = sum(row.same for _, row in verified)
    commits = ", ".join(sorted({row.commit for _, row in tried}))
    said = [
        f"{len(tried)} of {len(fixes)} bugs tried, {SECONDS} s each, coder at {commits}",
        f"{len(verified)} verified, {same} of them the program of the release; to be read:",
    ]
    said += [f"{fix.bug}: {fix.what}\n{row.patch}" for fix, row in verified if not row.same]
    missed = [(fix, row) for fix, row in tried if not row.verified]
    return said + [f"{row.status:10} {fix.bug} ({fix.lines}): {fix.what}; {row.reason[:80]}" for fix, row in missed]


def known(name: str) -> Library:
    """SystemExit if there is none of this name."""
    return next((library for library in OTHERS if library.name == name), None) or by_name([name])[0]


def find(library: Library, skip: int, most: int) -> None:
    """Write down each change between neighbouring releases without which a test of the later one fails.

    Which of them are fixes a person must say, who puts those with `what` into FIXES, and what they need into RELEASES.
    """
    versions = published(library)[skip : skip + most + 1]
    for new, old in pairwise(versions):
        for fix, change in found(library, old, new):
            with FOUND.open("a") as stream:
                stream.write(json.dumps(asdict(fix)) + "\n")
            print(f"{fix}\n{change.old}--- was that, and became\n{change.new}", flush=True)
            print("\n".join(pinned(release(library, version)) for version in (old, new)), flush=True)


def pinned(version: Release) -> str:
    """Its line in RELEASES."""
    digest = hashlib.sha256(archive(version).read_bytes()).hexdigest()
    return f"{version.name}=={version.version} --hash=sha256:{digest}"


def published(library: Library) -> list[str]:
    """Its versions, newest first."""
    argv = [*PIP[:-1], "index", "versions", library.name]  # quiet, it would print nothing
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    listed = re.search(r"^Available versions: (.*)$", said, re.M)
    return listed[1].split(", ") if listed else []


def release(library: Library, version: str) -> Release:
    return Release(**vars(library), version=version)


def found(library: Library, old: str, new: str) -> Iterator[tuple[Fix, Change]]:
    """The changes that a test notices twice; none where the later release does not pass as it is."""
    with tempfile.TemporaryDirectory() as place:
        try:
            after = unpack(release(library, new), Path(place, "new"))
            before = unpack(release(library, old), Path(place, "old"))
        except (subprocess.CalledProcessError, ValueError):
            print(f"{library.name} {old} or {new}: no source distribution", file=sys.stderr, flush=True)
            return
        candidates = [(p, c) for p in library.modules(after) for c in between(before / p, after / p)]
        code, failing = run_tests(library, after) if 0 < len(candidates) <= MANY else (0, [])
        said = f"{len(candidates)} candidates, as released {code} {' '.join(failing[:5])}"
        print(f"{library.name} {old} to {new}: {said}", file=sys.stderr, flush=True)
        if code != 0 or len(candidates) > MANY:
            return
        alone: set[str] = set()
        for path, change in candidates:
            if not change.name and path in alone:
                continue  # a part of it is a task already
            if test := noticed_by(library, after, path, change):
                alone.add(path)
                yield Fix(library.name, old, new, path, change.name, change.lines, test), change


def between(old: Path, new: Path) -> Sequence[Change]:
    """What changed between two versions of a file; nothing if it is new, or if this Python cannot read one of them."""
    try:
        return list(changes(old.read_text(), new.read_text()))
    except (OSError, SyntaxError, ValueError):
        return []


def noticed_by(library: Library, repository: Path, path: str, change: Change) -> str | None:
    """A test that fails twice with the change taken back, in a suite that can still be collected."""
    file = repository / path
    original = file.read_bytes()
    file.write_bytes(bug_of(library, path, change).planted(original))
    try:
        code, failing = run_tests(library, repository)
        if code != 1 or not failing:
            return None
        again = run_tests(library, repository, failing[:20])[1]
        return next((test for test in again if test in failing), None)
    finally:
        file.write_bytes(original)


def bug_of(library: Library, path: str, change: Change, rule: str = "release") -> Bug:
    return Bug(library.name, rule, path, change.line, change.start, change.new, change.old)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench_repair.releases", description=__doc__)
    parser.add_argument("--find", default="", help="names of libraries to look for such bugs in, instead")
    parser.add_argument("--skip", type=int, default=0, help="newest releases that --find leaves out")
    parser.add_argument("--versions", type=int, default=8, help="pairs of releases that --find looks at")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--limit", type=int, default=None, help="attempts made in this call; the next goes on")
    parser.add_argument("--out", type=Path, default=CACHE / "releases.jsonl", help="a JSON line for each bug tried")
    return parser.parse_args()


if __name__ == "__main__":
    main()
