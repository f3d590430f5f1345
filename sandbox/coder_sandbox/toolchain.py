"""Finds the Python that a repository's tests are run with, and what has to be shown in the sandbox for it.

Nothing inside the repository is executed for that: environments are read as files. The one thing that is run, and
not from the repository, is a version manager's shim on the user's PATH, to learn which Python it stands for.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from coder_sandbox.contract import Mount, SandboxError
from coder_sandbox.installation import Interpreter, Unusable, absolute, environment, installation

SHIM_SECONDS = 10.0
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Toolchain:
    """An interpreter for a sandbox, with all it needs."""

    python: Path  # as seen inside
    mounts: tuple[Mount, ...]
    env: Mapping[str, str]  # variables that make it the active environment
    source: str  # where it was found, in words, and what was passed over on the way
    image: str = ""  # the container image it is in, "" for the host's own


def find_toolchain(repo: Path, environ: Mapping[str, str], python: str | None = None) -> Toolchain:
    """The repository's own environment, else the active one, else the Python on PATH.

    `python` names an interpreter instead, by path (relative to the repository) or by its name on PATH. What is
    there and cannot be used is passed over, which `source` says. Raises SandboxError if nothing is left.
    """
    repo = absolute(repo)
    home = Path(environ.get("HOME") or Path.home())
    passed_over: list[str] = []
    wanted = _named(repo, environ, python) if python else _candidates(repo, environ)
    for source, path in wanted:
        try:
            if path.is_dir() and not (path / "conda-meta").is_dir():
                found = environment(path, home)
            elif path.is_dir():
                found = installation(path / "bin" / "python", home)
            else:
                found = installation(_behind_shim(path, repo, environ), home)
        except (Unusable, OSError) as reason:
            passed_over.append(f"{source} ({path}) {reason}")
            continue
        return _toolchain(found, "; ".join([source, *passed_over]), environ, home)
    raise SandboxError(_nothing(repo, python, passed_over))


def _nothing(repo: Path, python: str | None, passed_over: list[str]) -> str:
    what = f"The interpreter {python!r} cannot be used" if python else f"No Python was found to test {repo} with"
    reasons = "".join(f"\n  {reason}" for reason in passed_over)
    return f"{what}.{reasons}\nMake an environment (python3 -m venv .venv) with the tests' needs in it, or name one."


def _named(repo: Path, environ: Mapping[str, str], python: str) -> Iterator[tuple[str, Path]]:
    if "/" in python:
        yield "named", repo / python
    else:
        yield from _on_path(repo, environ, python)


def _candidates(repo: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Where a Python may be, best first: what it is called, and its directory or its program."""
    if os.path.lexists(repo / ".venv"):
        yield ".venv", repo / ".venv"
    if (repo / "venv" / "pyvenv.cfg").is_file():
        yield "venv", repo / "venv"
    if environ.get("UV_PROJECT_ENVIRONMENT"):
        yield "UV_PROJECT_ENVIRONMENT", repo / environ["UV_PROJECT_ENVIRONMENT"]
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if environ.get(variable):
            yield "active environment", Path(environ[variable])
    for path in _poetry(repo, environ):
        yield "poetry", path
    for name in ("python3", "python"):
        yield from _on_path(repo, environ, name)


def _on_path(repo: Path, environ: Mapping[str, str], name: str) -> Iterator[tuple[str, Path]]:
    """A program on PATH; what PATH holds of the repository itself, or relative to it, does not count."""
    places = [place for place in environ.get("PATH", SYSTEM_PATH).split(os.pathsep) if Path(place).is_absolute()]
    found = shutil.which(name, path=os.pathsep.join(p for p in places if not _inside(Path(p), repo)))
    if found and not _inside(Path(found), repo):
        yield "PATH", Path(found)


def _inside(path: Path, repo: Path) -> bool:
    real_repo = Path(os.path.realpath(repo))
    real = Path(os.path.realpath(path))
    return real == real_repo or real_repo in real.parents


def _poetry(repo: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """The environments that poetry keeps for this repository outside of it, newest first.

    Their names are computed as poetry does: to ask poetry itself would run what poetry.toml points at.
    """
    if not (repo / "poetry.lock").is_file():
        return
    try:
        project = tomllib.loads((repo / "pyproject.toml").read_text())
    except (OSError, ValueError):
        return
    name = project.get("project", {}).get("name") or project.get("tool", {}).get("poetry", {}).get("name")
    if not isinstance(name, str):
        return
    cache = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or Path.home()) / ".cache")
    kept = environ.get("POETRY_VIRTUALENVS_PATH") or str(
        Path(environ.get("POETRY_CACHE_DIR") or Path(cache) / "pypoetry") / "virtualenvs"
    )
    digest = base64.urlsafe_b64encode(hashlib.sha256(os.fsencode(os.path.realpath(repo))).digest()).decode()[:8]
    prefix = re.sub(r'[ $`!*@"\\\r\n\t/]', "_", name.lower())[:42] + f"-{digest}-py"
    if Path(kept).is_dir():
        found = [path for path in Path(kept).iterdir() if path.name.startswith(prefix)]
        yield from sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def _behind_shim(program: Path, repo: Path, environ: Mapping[str, str]) -> Path:
    """The interpreter that a program on PATH stands for: pyenv and asdf put scripts there that choose one."""
    with program.open("rb") as file:
        if file.read(2) != b"#!" or _inside(program, repo):
            return program
    wanted = _wanted_version(repo)
    choices = [{**environ, "PYENV_VERSION": wanted}] if wanted and "PYENV_VERSION" not in environ else []
    for choice in (*choices, environ):
        argv = [str(program), "-I", "-S", "-c", "import sys; print(sys.executable)"]
        try:
            done = subprocess.run(
                argv, env=choice, cwd="/", capture_output=True, text=True, check=False, timeout=SHIM_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise Unusable(f"does not answer within {SHIM_SECONDS:g} s") from None
        if done.returncode == 0 and done.stdout.strip():
            return Path(done.stdout.strip())
    raise Unusable(f"stands for no Python: {done.stderr.strip()}")


def _wanted_version(repo: Path) -> str | None:
    """What .python-version asks for, if it is plainly a version."""
    try:
        lines = (repo / ".python-version").read_text("utf-8", "replace").split()
    except OSError:
        return None
    return lines[0] if lines and re.fullmatch(r"3(\.\d+){1,2}", lines[0]) else None


def _toolchain(found: Interpreter, source: str, environ: Mapping[str, str], home: Path) -> Toolchain:
    env = {"PATH": f"{found.python.parent}:{SYSTEM_PATH}"}
    mounts = found.mounts
    if found.environment:
        env["VIRTUAL_ENV"] = str(found.environment)
    else:
        base = Path(environ.get("PYTHONUSERBASE") or home / ".local")
        packages = tuple(Mount(path, path) for path in sorted(base.glob("lib/python3.*/site-packages")))
        mounts += packages
        if packages:
            env["PYTHONUSERBASE"] = str(base)
    return Toolchain(found.python, mounts, env, source)
