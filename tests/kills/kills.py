"""Runs killed at seeded instants and resumed, against the unbroken run: `make kills-resume` prints how they ended.

A kill is SIGKILL to the process, at a seeded place in the run's record and a seeded moment after it.
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

ROOT = Path(__file__).resolve().parent.parent.parent
POLICIES = ("scripted", "search")
TARGET = ROOT / ".venv-target"
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
    """One run with its kills: its result, and the numbers of the steps in its record."""

    result: dict[str, Any]
    steps: tuple[int, ...]
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


def drive(place: Path, sandbox: str, policy: str, kills: Sequence[Kill] = ()) -> Ended:
    """Run to the end; the n-th process is killed at the n-th instant, each after that goes on with the run."""
    repo, home = repository(place / "repo"), place / "home"
    command = [sys.executable, str(Path(__file__).with_name("drive.py")), str(repo), str(home), sandbox, policy]
    env = {k: v for k, v in os.environ.items() if not k.startswith("CODER_")} | {"VIRTUAL_ENV": str(TARGET)}
    killed = 0
    for kill in (*kills, None):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        if kill is not None and _reached(process, home, kill):
            process.send_signal(signal.SIGKILL)
        out, err = process.communicate()
        if process.returncode != -signal.SIGKILL:
            break
        killed += 1
    if process.returncode:
        raise AssertionError(f"the run ended with {process.returncode}: {err.decode()[-2000:]}")
    result = json.loads(out.decode().splitlines()[-1])
    log = (Path(result["run_dir"]) / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in log]
    steps = tuple(e["data"]["number"] for e in events if e["kind"] == "step")
    return Ended(result, steps, killed, len(events))


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
    if len(set(broken.steps)) != len(broken.steps) or broken.steps != whole.steps:
        return f"steps in the record: {broken.steps} instead of {whole.steps}"
    return ""


@dataclass(frozen=True)
class Attempt:
    """One killed run: which it was, how often it was killed, and what it did differently ("" for nothing)."""

    which: tuple[str, str]
    kills: int
    said: str


class Campaign:
    """Runs by their number: the same seed kills at the same places of the record, wherever it begins."""

    def __init__(self, seed: int, sandboxes: Sequence[str], policies: Sequence[str] = POLICIES, most: int = 4) -> None:
        self._seed, self._most = seed, most
        self._ways = [(sandbox, policy) for policy in policies for sandbox in sandboxes]
        self._wholes: dict[tuple[str, str], Ended] = {}

    def attempt(self, number: int) -> Attempt:
        """Kill run `number` up to `most` times and see it through."""
        rng = random.Random(f"{self._seed} {number}")
        which = self._ways[number % len(self._ways)]
        whole = self._whole(which)
        places = sorted(rng.sample(range(whole.events), rng.randint(1, self._most)))
        kills = [Kill(place, rng.uniform(0, 0.3)) for place in places]
        with tempfile.TemporaryDirectory(prefix="coder-kills-") as place:
            try:
                broken = drive(Path(place), *which, kills)
            except AssertionError as error:
                return Attempt(which, len(kills), f"{kills}: {error}")
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
    given = parser.parse_args()
    campaign = Campaign(given.seed, given.sandbox or ("bwrap", "docker"), given.policy or POLICIES)
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
