"""Runs killed at seeded instants and resumed, against the unbroken run: `make kills-resume` prints how they ended.

A kill is SIGKILL to the process, at a seeded place in the run's record and a seeded moment after it. With
`--power-loss` (`make power-loss`) the disk loses at that moment what was not written to it durably, too.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disk import Disk, why_not

ROOT = Path(__file__).resolve().parent.parent.parent
POLICIES = ("scripted", "search")
TARGET = ROOT / ".venv-target"
MOST = 4  # kills of one run
PRICES = (
    "def total(prices):\n    return sum(prices)\n\n\ndef cheapest(prices):\n    return max(prices)\n\n\n"
    "def count(prices):\n    return len(prices)\n"
)
TESTS = (
    "from shop.prices import cheapest, count, total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n\n\n"
    "def test_cheapest():\n    assert cheapest([3, 1, 2]) == 1\n\n\n"
    "def test_count():\n    prices = [1, 2]\n    cheapest(prices)\n    assert count(prices) == 2\n"
)


@dataclass(frozen=True)
class Ended:
    """One run with its kills: its result, and what it left that could be there twice."""

    result: dict[str, Any]
    steps: tuple[int, ...]  # their numbers in the record
    told: tuple[str, ...]  # what the supervisor did, as the record has it
    tested: str  # the commits of the tested states
    asked: int  # calls that the model really got
    kills: int
    events: int


def repository(place: Path) -> Path:
    for name, text in {"shop/__init__.py": "", "shop/prices.py": PRICES, "tests/test_prices.py": TESTS}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


@dataclass(frozen=True)
class Kill:
    """When a process is killed: so many seconds after the run's record has so many events, on any machine."""

    events: int
    seconds: float


def drive(place: Path, sandbox: str, policy: str, kills: Sequence[Kill] = (), *, disk: Disk | None = None) -> Ended:
    """Run to the end; the n-th process is killed at the n-th instant, each after that goes on with the run."""
    repo, home = repository(place / "repo"), (disk.path if disk else place) / "home"
    command = [sys.executable, str(Path(__file__).with_name("drive.py")), str(repo), str(home), sandbox, policy]
    own = {"VIRTUAL_ENV": str(TARGET), "KILLS_ASKED": str(place / "asked")}
    env = {k: v for k, v in os.environ.items() if not k.startswith("CODER_")} | own
    killed = 0
    for kill in (*kills, None):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, start_new_session=True
        )
        if kill is not None and _reached(process, home, kill):
            _kill(process, home, disk)
        out, err = process.communicate()
        if process.returncode != -signal.SIGKILL:
            break
        killed += 1
    if process.returncode:
        raise AssertionError(f"the run ended with {process.returncode}: {err.decode()[-2000:]}")
    if repository_of(repo) != repository_of(repository(place / "as it was")):
        raise AssertionError("the user's files are not what they were")
    asked = place / "asked"
    return _ended(json.loads(out.decode().splitlines()[-1]), killed, asked.stat().st_size if asked.exists() else 0)


def repository_of(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def _ended(result: dict[str, Any], kills: int, asked: int) -> Ended:
    place = Path(result["run_dir"])
    events = [json.loads(line) for line in (place / "events.jsonl").read_text().splitlines()]
    own = [e for e in events if e["node"] == "supervisor"]
    refs = ["git", f"--git-dir={place / 'base.git'}", "for-each-ref", "--format=%(refname) %(objectname)"]
    asked_git = subprocess.run([*refs, "refs/coder/tested"], capture_output=True, text=True, check=False)
    return Ended(
        result,
        steps=tuple(e["data"]["number"] for e in events if e["kind"] == "step"),
        told=tuple(f"{e['kind']} at {e['data'].get('step')}" for e in own if e["kind"] not in ("step", "decision")),
        tested=asked_git.stdout + asked_git.stderr,
        asked=asked,
        kills=kills,
        events=len(events),
    )


def _kill(process: subprocess.Popen[bytes], home: Path, disk: Disk | None) -> None:
    if disk is None:
        process.send_signal(signal.SIGKILL)
        return
    before = {log: _acknowledged(log) for log in home.glob("runs/*/events.jsonl")}
    disk.cut(process)
    for log, lines in before.items():
        if lines and not (log.exists() and log.read_bytes().startswith(lines)):
            raise AssertionError(f"the power loss took {len(lines)} bytes of the record that were said to be kept")


def _acknowledged(log: Path) -> bytes:
    """The record up to the last decision of the supervisor after which there is more: it was on the disk then."""
    lines = log.read_bytes().splitlines(keepends=True)
    decided = (n for n in range(len(lines) - 1, 0, -1) if b'"kind": "decision"' in lines[n - 1])
    return b"".join(lines[: next(decided, 0)])


def _reached(process: subprocess.Popen[bytes], home: Path, kill: Kill) -> bool:
    """Wait for the instant; whether the process is still there then."""
    while process.poll() is None:
        logs = list(home.glob("runs/*/events.jsonl"))
        if sum(log.read_bytes().count(b"\n") for log in logs) >= kill.events:
            with suppress(subprocess.TimeoutExpired):
                process.wait(kill.seconds)
            break
        time.sleep(0.01)
    return process.poll() is None


def compare(whole: Ended, broken: Ended) -> str:
    """What a killed and resumed run did differently from the unbroken one; "" if nothing that matters."""
    if whole.result["status"] != broken.result["status"]:
        return f"status: {broken.result['status']} ({broken.result['reason']}) instead of {whole.result['status']}"
    for key in ("patch", "goal_tests", "files"):
        if whole.result[key] != broken.result[key]:
            return f"{key}: {broken.result[key]!r} instead of {whole.result[key]!r}"
    counts = ("steps", "think_steps", "act_steps", "model_calls", "prompt_tokens", "completion_tokens", "rollbacks")
    for key in counts:
        if whole.result["counts"][key] != broken.result["counts"][key]:
            return f"counts.{key}: {broken.result['counts'][key]} instead of {whole.result['counts'][key]}"
    for key in whole.result["drift"].keys() - {"per_minute"}:
        if whole.result["drift"][key] != broken.result["drift"][key]:
            return f"drift.{key}: {broken.result['drift'][key]} instead of {whole.result['drift'][key]}"
    for name in ("steps", "told", "tested"):  # nothing twice, nothing left out
        if getattr(whole, name) != getattr(broken, name):
            return f"{name} in the record: {getattr(broken, name)} instead of {getattr(whole, name)}"
    if not whole.asked <= broken.asked <= whole.asked + broken.kills:
        return f"the model was asked {broken.asked} times instead of {whole.asked}, with {broken.kills} kills"
    return ""


@dataclass(frozen=True)
class Attempt:
    """One killed run: which it was, how often it was killed, and what it did differently ("" for nothing)."""

    which: tuple[str, str]
    kills: int
    said: str


class Campaign:
    """Runs by their number: the same seed kills at the same places of the record, wherever it begins."""

    def __init__(
        self, seed: int, sandboxes: Sequence[str], policies: Sequence[str] = POLICIES, *, power_loss: bool = False
    ) -> None:
        self._seed, self._power_loss = seed, power_loss
        self._ways = [(sandbox, policy) for policy in policies for sandbox in sandboxes]
        self._wholes: dict[tuple[str, str], Ended] = {}

    def attempt(self, number: int) -> Attempt:
        """Kill run `number` up to `MOST` times and see it through."""
        rng = random.Random(f"{self._seed} {number}")
        which = self._ways[number % len(self._ways)]
        whole = self._whole(which)
        places = sorted(rng.sample(range(whole.events), rng.randint(1, MOST)))
        kills = [Kill(place, rng.uniform(0, 0.3)) for place in places]
        with tempfile.TemporaryDirectory(prefix="coder-kills-") as place:
            disk = Disk(Path(place)) if self._power_loss else None
            try:
                broken = drive(Path(place), *which, kills, disk=disk)
            except AssertionError as error:
                return Attempt(which, len(kills), f"{kills}: {error}")
            finally:
                if disk is not None:
                    disk.close()
        said = compare(whole, broken)
        return Attempt(which, broken.kills, f"{kills}: {said}" if said else "")

    def _whole(self, which: tuple[str, str]) -> Ended:
        if which not in self._wholes:
            with tempfile.TemporaryDirectory(prefix="coder-kills-") as place:
                self._wholes[which] = drive(Path(place), *which)
        return self._wholes[which]


def main() -> None:
    """Run until so many kills were made."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first run, to go on where a part ended")
    parser.add_argument("--sandbox", action="append", choices=("bwrap", "docker"))
    parser.add_argument("--policy", action="append", choices=POLICIES)
    parser.add_argument("--power-loss", action="store_true", help="the disk loses what it was not given durably")
    given = parser.parse_args()
    if given.power_loss and (why := why_not()):
        raise SystemExit(f"no disk can lose its power here: {why}")
    campaign = Campaign(
        given.seed, given.sandbox or ("bwrap", "docker"), given.policy or POLICIES, power_loss=given.power_loss
    )
    kills, wrong, number = 0, [], given.first
    while kills < given.kills:
        made = campaign.attempt(number)
        number += 1
        kills += made.kills
        print(f"run {number - 1}, {' '.join(made.which)}: {made.kills} kills {made.said}".rstrip(), flush=True)
        wrong += [made] if made.said else []
    print(f"{kills} kills in {number - given.first} runs, {len(wrong)} ended otherwise than the unbroken run")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
