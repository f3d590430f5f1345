"""coder doctor"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from coder.cli.options import HERE, Json
from coder.cli.terminal import print_json, print_text

if TYPE_CHECKING:
    from coder_sandbox.toolchain import Toolchain

CANNOT = 3  # exit code: the environment cannot do it
_MOST_FILES = 200_000  # of a repository that is looked at
_PATIENCE = 60.0  # seconds that git has to say its version: a busy machine is no fault
_LEAST_FREE = 200 << 20  # bytes in the state directory; a run keeps a copy of the repository there


@dataclass(frozen=True)
class Check:
    """One thing looked at. `text`: what is there, or what is missing and how to get it."""

    name: str
    ok: bool
    text: str
    need: Literal["must", "one of the sandboxes", "optional"] = "must"


def command(
    repo: Annotated[Path, typer.Option(help="The repository to look at.", show_default=False)] = HERE,
    as_json: Json = False,
    pull: Annotated[
        str, typer.Option(metavar="NAME", help="First have Ollama get this model, such as gemma4:e4b.")
    ] = "",
) -> int:
    """Exit code 0 if a fix could run here: git, the repository's Python, a sandbox and the state directory; else 3."""
    if pull:
        _pull(pull)
    checks = []
    for look in _checks(repo.resolve()):
        checks.append(check := look())
        if not as_json:  # line by line: trying a sandbox's promises takes a moment
            mark = "ok" if check.ok else "missing" if check.need == "must" else "-"
            print_text(f"{mark:<8} {check.name:<12} {check.text}", hang=22)
    able = can_fix(checks)
    if as_json:
        print_json({"schema": "coder.doctor/1", "ok": able, "checks": [asdict(check) for check in checks]})
    else:
        print_text("\ncoder can work here" if able else "\ncoder cannot work here: see what is missing above")
    return 0 if able else CANNOT


def can_fix(checks: Sequence[Check]) -> bool:
    """Whether a fix could run: all that must be, and a sandbox."""
    must = all(check.ok for check in checks if check.need == "must")
    return must and any(check.ok for check in checks if check.need == "one of the sandboxes")


def _checks(repo: Path) -> list[Callable[[], Check]]:
    return [
        _git,
        lambda: _settings(repo),
        lambda: _python(repo),
        lambda: _runner(repo),
        lambda: _sandbox("bwrap"),
        lambda: _sandbox("docker"),
        _hardware,
        _model,
        _state,
    ]


def _git() -> Check:
    if shutil.which("git") is None:
        return Check("git", False, "not installed; install the package git")
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("git", False, f"it is there and does not work: {_in_words(error)}")
    said = done.stdout.strip() or done.stderr.strip()
    return Check("git", done.returncode == 0, said or f"it is there and ends with {done.returncode}, saying nothing")


def _in_words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _settings(repo: Path) -> Check:
    from coder.config import load
    from coder.errors import UsageError

    try:
        found = load(repo, {})
    except UsageError as error:
        return Check("settings", False, str(error))
    return Check("settings", True, "; ".join(found.warnings) or "can be read")


def _python(repo: Path) -> Check:
    try:
        found = _toolchain(repo)
    except Exception as error:  # whatever is wrong with the interpreter is what doctor is asked about
        return Check("python", False, _in_words(error))
    return Check("python", True, f"{found.python} ({found.source})")


def _runner(repo: Path) -> Check:
    """What would run the tests, and whether it is here; for Python that is pytest."""
    from coder_sandbox.contract import SandboxError
    from coder_sandbox.listing import list_files
    from coder_sandbox.programs import equip
    from coder_tools.runners.choose import choose_runner
    from coder_tools.runners.contract import Project

    try:
        files = tuple(list_files(repo, _MOST_FILES).files)
        chosen = choose_runner("", Project(files, lambda path: (repo / path).read_bytes()))
        if chosen.runner is None:
            return _pytest(repo)
        equip(_toolchain(repo), chosen.runner.needs, repo, os.environ)
    except SandboxError as error:
        return Check("tests", False, str(error), "optional")
    except Exception:  # no Python, or no repository: said by other checks
        return _pytest(repo)
    return Check("tests", True, f"{chosen.name} ({chosen.why}); only a model can fix them", "optional")


def _pytest(repo: Path) -> Check:
    """Looked for as a file: running the repository's interpreter would run what the repository put there."""
    try:
        python = Path(_toolchain(repo).python)
    except Exception:
        return Check("pytest", False, "no interpreter to have it", "optional")
    prefixes = {python.parent.parent}
    if not _is_isolated(python.parent.parent):
        prefixes.add(python.resolve().parent.parent)
    patterns = (
        "lib/python3*/site-packages/pytest",
        "lib/python3*/dist-packages/pytest",
        "lib/python3/dist-packages/pytest",
    )
    if any(next(prefix.glob(pattern), None) for prefix in prefixes for pattern in patterns):
        return Check("pytest", True, "there", "optional")
    return Check("pytest", False, f"not with {python}; install it there, unless the tests are unittest's", "optional")


def _is_isolated(prefix: Path) -> bool:
    """Whether this is a virtual environment that does not see the packages of the Python it was made with."""
    try:
        text = (prefix / "pyvenv.cfg").read_text(errors="replace").lower()
    except OSError:
        return False
    return "include-system-site-packages=true" not in text.replace(" ", "")


def _toolchain(repo: Path) -> Toolchain:
    from coder_sandbox.toolchain import find_toolchain

    return find_toolchain(repo, os.environ)


def _sandbox(kind: Literal["bwrap", "docker"]) -> Check:
    from coder_sandbox.choose import probe

    works, words = probe(kind)
    if not works:
        return Check(kind, False, words, "one of the sandboxes")
    from coder_sandbox.promises import check

    try:
        outcomes = list(check(kind))
    except Exception as error:  # whatever keeps it from being tried is what doctor is asked about
        return Check(kind, False, f"{words}; its promises cannot be tried: {_in_words(error)}", "one of the sandboxes")
    broken = [f"{outcome.promise}: {outcome.reason}" for outcome in outcomes if not outcome.ok]
    words += f"; {len(outcomes) - len(broken)} of {len(outcomes)} promises hold here"
    words += f". Broken: {'; '.join(broken)}" if broken else " (coder sandbox check)"
    return Check(kind, not broken, words, "one of the sandboxes")


def _hardware() -> Check:
    from coder.models.hardware import GIB, detect

    found = detect()
    return Check("hardware", True, f"{found.words()}; {found.for_model / GIB:.0f} GB for a model", "optional")


def _model() -> Check:
    """What --model auto would use, and what would fit this machine better."""
    from coder.models.choose import advise
    from coder.models.hardware import detect

    advice = advise(os.environ, detect())
    parts = [f"auto takes {advice.spec}: {advice.why}" if advice.spec else f"none, and none is needed: {advice.why}"]
    parts += [f"better: {advice.better}"] if advice.better else []
    parts += [f"too tight here: {', '.join(advice.tight)}"] if advice.tight else []
    return Check("model", bool(advice.spec), "; ".join(parts), "optional")


def _pull(name: str) -> None:
    """Have Ollama get a model, with a bar. EnvironmentFault if it does not."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from coder.errors import EnvironmentFault
    from coder.models.contract import ModelError
    from coder.models.ollama_server import OllamaServer, server_url

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"getting {name}", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"{name}: {what}", completed=done, total=total or None)

        try:
            OllamaServer(server_url(os.environ)).pull(name, progress)
        except ModelError as error:
            raise EnvironmentFault(str(error)) from None


def _state() -> Check:
    from coder.errors import EnvironmentFault
    from coder.record.storage import private_dir, write_atomic
    from coder.record.store import default_home

    home = default_home()
    try:
        private_dir(home)
        write_atomic(home / ".doctor", b"")
        (home / ".doctor").unlink()
        free = shutil.disk_usage(home).free
    except (EnvironmentFault, OSError) as error:
        return Check("state", False, str(error))
    if free < _LEAST_FREE:
        return Check("state", False, f"{home}: {free >> 20} MiB free is too little; set CODER_HOME to another disk")
    return Check("state", True, f"{home}, {free >> 30} GiB free")
