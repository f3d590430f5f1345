"""Ten one-token bugs planted in a library that the world uses: coder finds the way back for at least eight.

The user's checkout is byte for byte as it was until the patch is applied, and again once it is taken back.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "sdist"
CODER = (sys.executable, "-P", "-m", "coder.cli.main")
SECONDS = 90  # of one fix
NEEDED = 8


def _module(name: str) -> Any:
    spec = util.spec_from_file_location(f"e2e_{name}", HERE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


plant = _module("plant")
BUGS = plant.load()

pytestmark = [pytest.mark.network, pytest.mark.slow]
BACKENDS = [pytest.param("bwrap", marks=pytest.mark.bwrap), pytest.param("docker", marks=pytest.mark.docker)]


def label(bug: Any) -> str:
    return f"{bug.rule.replace(' ', '-')}-{bug.line}"


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """One process at a time; the kernel lets go of the lock however the process ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """more-itertools as its authors release it, tests included, in a git repository."""
    pip = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-deps", "--no-binary", ":all:", "--require-hashes", "--dest", str(CACHE)]
    with locked(CACHE / "lock"):
        if not list(CACHE.glob("more_itertools-*.tar.gz")):
            subprocess.run([*pip, "-r", str(HERE / "more-itertools.txt")], check=True)
        (archive,) = CACHE.glob("more_itertools-*.tar.gz")
    place = tmp_path_factory.mktemp("library")
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data")
    (repository,) = place.iterdir()
    git = ["git", "-C", str(repository), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for argv in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "as released"]):
        subprocess.run([*git, *argv], check=True)
    return repository


def content(repository: Path) -> Mapping[str, tuple[int, bytes]]:
    """Every file with its mode and bytes, those of .git included."""
    files = (path for path in repository.rglob("*") if path.is_symlink() or path.is_file())
    return {
        str(path): (path.lstat().st_mode, os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes())
        for path in files
    }


@dataclass
class Attempt:
    """What one fix came to, and what the checkout was like after each step. False also where a step was not reached."""

    bug: Any
    result: Mapping[str, Any]
    log: str
    untouched: bool
    applied: bool = False
    passes: bool = False  # the suite, once applied
    undone: bool = False

    @property
    def fixed(self) -> bool:
        return bool(self.result["status"] == "fixed")


def coder(home: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"CODER_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [*CODER, *argv], env=env, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def attempt(bug: Any, library: Path, sandbox: str, python: Path, place: Path) -> Attempt:
    """Plant a bug in a copy of the library, have it fixed, apply the patch, and take it back."""
    home, repository = place / "home", place / "more-itertools"
    home.mkdir(parents=True)
    shutil.copytree(library, repository, symlinks=True)
    bug.plant(repository)
    before = content(repository)
    argv = [f"--repo={repository}", "--json", "--no-apply", "--model=none"]
    command = " ".join([str(python), *plant.QUICK])
    argv += [f"--sandbox={sandbox}", f"--time={SECONDS}s", f"--test-cmd={command}"]
    done = coder(home, "fix", *argv)
    assert done.stdout, f"no result (exit code {done.returncode}): {done.stderr}"
    found = Attempt(bug, json.loads(done.stdout), done.stderr, untouched=content(repository) == before)
    if found.fixed:
        run = found.result["run_id"]
        applied = coder(home, "apply", run)
        changed = {path for path, now in content(repository).items() if before.get(path) != now}
        found.applied = changed == {str(repository / file) for file in found.result["files"]}
        found.log += applied.stderr
        found.passes = suite_passes(repository, python)
        found.log += coder(home, "undo", run).stderr
        found.undone = content(repository) == before
    return found


def suite_passes(repository: Path, python: Path) -> bool:
    """By a plain run, outside coder, that writes nothing into the repository."""
    argv = [str(python), "-B", *plant.QUICK, "-q", "-p", "no:cacheprovider"]
    return subprocess.run(argv, cwd=repository, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("sandbox", BACKENDS)
def test_what_is_called_fixed_is_and_at_least_eight_are(
    sandbox: str, library: Path, target_python: Path, tmp_path: Path
) -> None:
    found = [attempt(bug, library, sandbox, target_python, tmp_path / label(bug)) for bug in BUGS]
    print([(label(a.bug), a.result["seconds"]["total"]) for a in found])
    for each in found:
        assert each.untouched, f"{label(each.bug)}: the checkout was written to before `coder apply`"
        assert each.result["status"] in ("fixed", "not_fixed"), each.result["reason"] + each.log
        assert "a fault in coder itself" not in each.result["reason"], each.log
    for each in (a for a in found if a.fixed):
        assert each.applied, each.log
        assert each.passes, each.result["patch"]
        assert each.undone, each.log
    missed = {label(a.bug): (a.bug.old, a.bug.new, a.result["reason"]) for a in found if not a.fixed}
    assert len(found) - len(missed) >= NEEDED, missed


def test_bugs_are_those_of_the_seed(library: Path) -> None:
    """The list holds what the draw gives, in its order: nothing was picked by hand."""
    drawn = [(b.path, b.start, b.new) for b in plant.drawn(library)]
    places = [drawn.index((b.path, b.start, b.new)) for b in BUGS]
    assert places == sorted(places) and places[-1] < 2 * len(BUGS)
    assert len(BUGS) == 10 and len({b.rule for b in BUGS}) >= 5
