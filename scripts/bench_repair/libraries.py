"""The libraries that bugs are planted in, as their authors release them, and the environment their tests run in."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "bench-repair"
SOURCES = Path(__file__).with_name("sources.txt")
RELEASES = Path(__file__).with_name("releases.txt")
ENVIRONMENT = ROOT / "requirements-bench.lock"
PIP = (sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "--quiet")


@dataclass(frozen=True)
class Library:
    """`package`: where its modules are. `where`: its tests. `args`: what else pytest is given.

    `held_out`: used for nothing but measuring.
    """

    name: str
    package: str
    where: Sequence[str]
    args: Sequence[str] = ()
    held_out: bool = False
    leave_out: str = r"/(tests?|_version|conftest)\b|__main__|/cli\.py|compat"

    @property
    def label(self) -> str:
        """What its source distribution is kept under."""
        return self.name

    @property
    def pin(self) -> str:
        """The requirement of its source distribution, with its version and hash, on one line."""
        text = SOURCES.read_text().replace("\\\n", " ")
        return next(line for line in text.splitlines() if re.match(rf"{re.escape(self.name)}==", line))

    def modules(self, repository: Path) -> list[str]:
        """Its source files."""
        found = sorted(path.relative_to(repository).as_posix() for path in (repository / self.package).rglob("*.py"))
        return [path for path in found if not re.search(self.leave_out, path)]

    def command(self, tests: Sequence[str] = ()) -> list[str]:
        """What Python is called with to run its tests, or some of them."""
        return ["-m", "pytest", *self.args, *(tests or self.where)]


@dataclass(frozen=True)
class Release(Library):
    """One of the versions of a library whose bug fixes are measured with."""

    version: str = ""

    @property
    def label(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def pin(self) -> str:
        """As above; without a hash for a version that no list names yet."""
        bare = f"{self.name}=={self.version}"
        return next((line for line in RELEASES.read_text().splitlines() if line.startswith(f"{bare} ")), bare)


LIBRARIES = (
    Library("cachetools", "src/cachetools", ["tests"], ["-o", "pythonpath=src"], held_out=True),
    Library("glom", "glom", ["glom/test"], ["--deselect=glom/test/test_cli.py"], held_out=True),
    Library("tabulate", "tabulate", ["test"], held_out=True),
    Library("tomlkit", "tomlkit", ["tests"], held_out=True),
    Library("boltons", "boltons", ["tests"], ["-o", "pythonpath=."]),
    Library("semver", "src/semver", ["tests"], ["-o", "addopts=", "-o", "pythonpath=src tests"]),
    Library("toolz", "toolz", ["toolz"], ["-o", "filterwarnings="]),
    Library("sqlparse", "sqlparse", ["tests"], ["--ignore=tests/test_dos_prevention.py"]),
    Library("pyrsistent", "pyrsistent", ["tests"]),
    Library("mistune", "src/mistune", ["tests"], ["-o", "pythonpath=src"]),
)


def by_name(names: Sequence[str]) -> list[Library]:
    """The libraries of these names, all if there are none. SystemExit for a name that is not known."""
    known = {library.name: library for library in LIBRARIES}
    if missing := set(names) - set(known):
        raise SystemExit(f"no such library: {', '.join(sorted(missing))}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(LIBRARIES)


def python() -> Path:
    """The interpreter of the environment that the libraries are tested in."""
    return CACHE / "venv" / "bin" / "python"


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time; the kernel lets go of the lock however the process ends."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def set_up() -> None:
    """Make the environment from its lock file, unless it is there."""
    stamp = CACHE / "venv" / ".locked"
    with _alone():
        if not stamp.exists() or stamp.read_bytes() != ENVIRONMENT.read_bytes():
            venv.create(CACHE / "venv", clear=True, symlinks=True)
            command = [*PIP, "--python", str(python()), "install", "--require-hashes", "-r", str(ENVIRONMENT)]
            subprocess.run(command, check=True)
            stamp.write_bytes(ENVIRONMENT.read_bytes())


def archive(library: Library) -> Path:
    """Its source distribution, fetched by pip and checked against its pinned hash unless it is there already."""
    place = CACHE / "sources" / library.label
    with _alone():
        if not list(place.glob("*.tar.gz")):
            place.mkdir(parents=True, exist_ok=True)
            pin = place / "pin.txt"
            pin.write_text(library.pin + "\n")
            command = [*PIP, "download", "--no-deps", "--no-binary", library.name]
            command += ["--require-hashes"] * ("--hash=" in library.pin)
            subprocess.run([*command, "--dest", str(place), "-r", str(pin)], check=True)
    (found,) = place.glob("*.tar.gz")
    return found


def unpack(library: Library, to: Path) -> Path:
    """The repository of the library in the new directory `to`."""
    beside = to.with_name(f"{to.name}.unpacked")
    with tarfile.open(archive(library)) as tar:
        tar.extractall(beside, filter="data")
    (top,) = beside.iterdir()
    top.rename(to)
    shutil.rmtree(beside)
    return to


def make_repository(directory: Path) -> None:
    """Make a directory a git repository of its own: coder would take one around it for what it is to mend."""
    who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for argv in (("init", "-q"), ("add", "-A", "-f"), (*who, "commit", "-qm", "as released")):
        subprocess.run(["git", "-C", str(directory), *argv], check=True)
