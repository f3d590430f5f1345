"""The sets of small programs: classic algorithms with one wrong line each, and tasks that no patch can do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coder.evaluate.dataset import apply_patch, load

SETS = Path(__file__).parents[2] / "eval_repos"
INSTANCES = load(SETS / "algorithms")
IMPOSSIBLE = load(SETS / "impossible")


def failing(directory: Path) -> tuple[set[str], int]:
    """`name/test id` of what fails, and how many tests there are; all programs in one process."""
    argv = [sys.executable, "-B", "-m", "pytest", "-q", "-rfE", "--no-header", "-p", "no:cacheprovider", "--tb=no"]
    env = {"PATH": os.environ["PATH"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(argv, cwd=directory, env=env, capture_output=True, text=True, timeout=120, check=False)
    counts = re.findall(r"(\d+) (?:passed|failed|error)", done.stdout)
    return set(re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.M)), sum(map(int, counts))


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("algorithms") / "all"
    shutil.copytree(SETS / "algorithms", place, ignore=shutil.ignore_patterns("__pycache__"))
    return place


def test_each_defect_fails_its_goal_and_nothing_else(copied: Path) -> None:
    wanted = {f"{each.id}/{test}" for each in INSTANCES for test in each.fail_to_pass}
    failed, number = failing(copied)
    assert failed == wanted
    assert number >= 6 * len(INSTANCES)


def test_each_reference_makes_everything_pass(copied: Path) -> None:
    for instance in INSTANCES:
        patch = (instance.source / "reference.patch").read_text()
        changed = [line for line in patch.splitlines() if re.match(r"[-+](?![-+])", line)]
        assert len(changed) <= 2, f"{instance.id}: one line is to be wrong"
        apply_patch(copied / instance.id, patch)
    assert failing(copied)[0] == set()


def test_enough_of_every_family() -> None:
    families = {instance.kind.split(":")[0] for instance in INSTANCES}
    assert len(INSTANCES) >= 40
    assert families == {
        "graphs",
        "searching",
        "sorting",
        "dynamic programming",
        "parsing",
        "numerics",
        "recursion",
        "linked structures",
    }


def test_impossible_tasks_fail_their_goal_alone(tmp_path: Path) -> None:
    shutil.copytree(SETS / "impossible", tmp_path / "all", ignore=shutil.ignore_patterns("__pycache__"))
    failed, number = failing(tmp_path / "all")
    assert failed == {f"{each.id}/{test}" for each in IMPOSSIBLE for test in each.fail_to_pass}
    assert len(IMPOSSIBLE) == len(failed) == 20 and number >= 3 * 20
    assert all(each.expect == "not_fixed" for each in IMPOSSIBLE)
