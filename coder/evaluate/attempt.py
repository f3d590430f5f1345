"""One instance: its own directory, its own coder process, and the verdict."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from coder.errors import CoderError
from coder.evaluate.dataset import Instance
from coder.evaluate.outcome import Outcome, Verdict
from coder.evaluate.verdict import Room, judge, sandboxed_suite

CODER = (sys.executable, "-P", "-m", "coder.cli.main")
GRACE = 60.0  # seconds past its budget before a run is interrupted
ENDING = 20.0  # seconds from the interrupt to the kill: sandboxes and worktrees are put away


@dataclass(frozen=True)
class Settings:
    """What every instance of a set is run with. `time` is in seconds, of one run."""

    sandbox: str = "auto"
    image: str = ""
    model: str = "auto"
    time: float = 600.0
    seed: int = 0
    command: Sequence[str] = CODER
    room: Room = sandboxed_suite


class Stopped(Exception):
    """The set was interrupted while the instance was under way; it has no outcome."""


def attempt(instance: Instance, settings: Settings, home: Path, log: Path, stop: Event) -> Outcome:
    """Run coder on an instance and judge what it says. Whatever goes wrong is an outcome of status "error".

    `home` becomes CODER_HOME, `log` takes what coder writes to stderr. Raises Stopped once `stop` is set.
    """
    started = time.monotonic()
    with _scratch(instance) as scratch:
        result: Mapping[str, Any] = {}
        verdict = None
        try:
            repo = instance.materialise(Path(scratch).resolve() / instance.id)
            result = _run(instance, settings, repo, home, log, stop)
            seconds = time.monotonic() - started
            if result["status"] == "fixed":
                room = Path(scratch).resolve() / "clean-room"
                verdict = _judge(instance, settings, str(result.get("patch", "")), room)
        except Stopped:
            raise
        except Exception as error:  # whatever it is, it must not end the set
            seconds = time.monotonic() - started
            words = str(error) if isinstance(error, CoderError) else f"{type(error).__name__}: {error}"
            result = {"status": "error", "reason": words}
    return _outcome(instance, result, verdict, seconds)


@contextmanager
def _scratch(instance: Instance) -> Iterator[Path]:
    """A directory for one instance; of a harness that was killed, the next run's sweep removes it."""
    from coder_sandbox.owner import temporary_directory

    made = temporary_directory(f"eval-{instance.id}")
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _judge(instance: Instance, settings: Settings, patch: str, room: Path) -> Verdict:
    if not patch:
        return Verdict(error="fixed without a patch")
    room.mkdir()
    opened = partial(settings.room, image=settings.image) if settings.image else settings.room
    return judge(instance, patch, sandbox=settings.sandbox, scratch=room, timeout=settings.time, room=opened)


def arguments(instance: Instance, settings: Settings, repo: Path) -> list[str]:
    """The command line of one run."""
    argv = [*settings.command, "fix"]
    argv += ["--repo", str(repo), "--json", "--no-apply", "--sandbox", settings.sandbox, "--model", settings.model]
    argv += ["--time", f"{settings.time:g}s", "--seed", str(settings.seed)]
    if settings.image:
        argv += ["--image", settings.image]
    if instance.test_cmd:
        argv += ["--test-cmd", instance.test_cmd]
    for test in instance.tests:
        argv += ["--test", test]
    return [*argv, "--", instance.goal] if instance.goal else argv


def _run(instance: Instance, settings: Settings, repo: Path, home: Path, log: Path, stop: Event) -> Mapping[str, Any]:
    """The result that coder prints, or one of status "error" with the end of its stderr."""
    with tempfile.TemporaryFile() as out, log.open("wb") as err:
        process = subprocess.Popen(
            arguments(instance, settings, repo),
            cwd=repo.parent,
            env=os.environ | {"CODER_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,  # Ctrl-C reaches the harness alone, which then interrupts each run once
        )
        in_time = _wait(process, settings.time + GRACE, stop)
        out.seek(0)
        printed = out.read()
    if stop.is_set():
        raise Stopped
    try:
        result = json.loads(printed)
        if in_time and isinstance(result, dict) and isinstance(result.get("status"), str):
            return result
    except ValueError:
        pass
    said = log.read_bytes()[-2000:].decode(errors="replace").strip()
    how = f"exit code {process.returncode}" if in_time else f"not done after {settings.time + GRACE:.0f} s"
    return {"status": "error", "reason": f"coder gave no result ({how}): {said}"}


def _wait(process: subprocess.Popen[bytes], seconds: float, stop: Event) -> bool:
    """Wait for the end; False if it had to be ended because the time was up or `stop` was set."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if stop.is_set() or time.monotonic() > deadline:
            _end(process)
            return False
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt coder as a user would, and kill whatever of it is still there after a while."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=ENDING)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _outcome(instance: Instance, result: Mapping[str, Any], verdict: Verdict | None, seconds: float) -> Outcome:
    counts = result.get("counts") or {}
    return Outcome(
        id=instance.id,
        kind=instance.kind,
        expect=instance.expect,
        needs=instance.needs,
        status=result["status"],
        seconds=round(seconds, 3),
        reason=str(result.get("reason") or ""),
        patch=str(result.get("patch") or ""),
        run_id=str(result.get("run_id") or ""),
        policy=str(result.get("policy") or ""),
        model=str(result.get("model") or ""),
        sandbox=str(result.get("sandbox") or ""),
        candidates=int(counts.get("candidates", 0)),
        model_calls=int(counts.get("model_calls", 0)),
        verdict=verdict,
    )
