"""Whole runs over small repositories in real sandboxes: what a user asks for, and what coder says at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder import run
from coder.record.events import Event
from coder.record.result import Result
from coder.record.store import RunStore

PRICES = """\
def total(prices, discount=0):
    result = 0
    for price in prices:
        result += price
    if discount > 0:
        result -= discount
    return result


def cheapest(prices):
    return max(prices)


def is_free(price):
    return price <= 0
"""
TESTS = """\
import pytest
from shop.prices import cheapest, is_free, total

def test_total():
    assert total([1, 2]) == 3

def test_discount():
    assert total([5], discount=2) == 3

def test_cheapest():
    assert cheapest([3, 1, 2]) == 1

@pytest.mark.parametrize("price", [0, -1])
def test_is_free(price):
    assert is_free(price)
"""
SHOP = {"shop/__init__.py": "", "shop/prices.py": PRICES, "tests/test_prices.py": TESTS}
GOAL = "tests/test_prices.py::test_cheapest"

Fix = Callable[..., Result]


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file of a folder, by the hash of its content."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_a_failing_test_is_fixed_and_verified(
    make: Callable[..., Path], fix: Fix, isolating: str, store: RunStore
) -> None:
    repo = make(SHOP)
    before = fingerprint(repo)
    result = fix(repo, "failing test test_cheapest", sandbox=isolating)
    assert result.status == "fixed", result.reason
    assert result.goal_tests == [GOAL]
    assert "min(prices)" in result.patch
    assert result.verification.scope == "all"
    assert (result.verification.goal_passed, result.verification.still_passing) == (1, 4)
    assert result.sandbox == isolating
    assert fingerprint(repo) == before
    assert list((Path(result.run_dir) / "worktrees").iterdir()) == []


@pytest.mark.bwrap
def test_a_branch_that_went_the_wrong_way_is_said_to_have(make: Callable[..., Path], fix: Fix) -> None:
    events: list[Event] = []
    wrong = PRICES.replace("discount > 0", "discount > len(prices) * 4")
    result = fix(make({**SHOP, "shop/prices.py": wrong.replace("max", "min")}), "test_discount", events.append)
    assert result.status == "fixed", result.reason
    planned = {event.kind: event.data for event in events if event.node == "plan"}
    assert planned["switched"]["conditions"] == [["shop/prices.py", 5]]
    assert planned["suspects"]["top"][0]["line"] == 5
    assert "turned round once" in " ".join(planned["suspects"]["top"][0]["reasons"])


@pytest.mark.bwrap
class TestWords:
    """Bad input: clear words and the right exit code."""

    def test_an_unknown_test_is_refused_with_the_nearest_names(self, make: Callable[..., Path], fix: Fix) -> None:
        result = fix(make(SHOP), "failing test test_cheepest")
        assert result.exit_code == 2
        assert "test_cheapest" in result.reason

    def test_an_ambiguous_name_lists_its_matches(self, make: Callable[..., Path], fix: Fix) -> None:
        files = {**SHOP, "tests/test_more.py": "def test_total():\n    assert True\n"}
        result = fix(make(files), "failing test test_total")
        assert result.exit_code == 2
        assert "tests/test_more.py::test_total" in result.reason
        assert "tests/test_prices.py::test_total" in result.reason

    def test_a_passing_goal_is_nothing_to_fix(self, make: Callable[..., Path], fix: Fix) -> None:
        assert fix(make(SHOP), "test_total").exit_code == 4

    def test_no_tests_at_all(self, make: Callable[..., Path], fix: Fix) -> None:
        result = fix(make({"shop.py": PRICES}))
        assert result.exit_code == 3

    def test_nothing_can_be_collected(self, make: Callable[..., Path], fix: Fix) -> None:
        result = fix(make({"conftest.py": "import nowhere_to_be_found\n", "test_a.py": "def test_a(): pass\n"}))
        assert result.exit_code == 3
        assert "nowhere_to_be_found" in result.reason

    def test_a_missing_repository(self, tmp_path: Path, fix: Fix) -> None:
        assert fix(tmp_path / "nowhere").exit_code == 2

    def test_a_test_command_that_is_not_there(self, make: Callable[..., Path], fix: Fix) -> None:
        result = fix(make(SHOP), test_cmd="./no-such-runner --all")
        assert result.exit_code == 3
        assert "no-such-runner" in result.reason


@pytest.mark.bwrap
def test_what_ends_otherwise_the_second_time_is_flaky_and_what_only_minds_a_tracer_is_not(
    make: Callable[..., Path], fix: Fix
) -> None:
    chance = (
        "from pathlib import Path\n\nSEEN = Path(__file__).with_name('seen')\n\n"
        "def test_chance():\n    new = not SEEN.exists()\n    SEEN.touch()\n    assert new\n"
    )
    minding = "import sys\n\ndef test_minds():\n    assert sys.gettrace() is None\n"
    events: list[Event] = []
    repo = make({**SHOP, "tests/test_chance.py": chance, "tests/test_prices_of_tools.py": minding})
    fix(repo, GOAL, listen=events.append)
    done = next(event for event in events if (event.node, event.kind) == ("baseline", "done"))
    assert done.data["flaky"] == ["tests/test_chance.py::test_chance"]


def test_a_file_that_cannot_be_collected_is_named_and_left_out(make: Callable[..., Path], fix: Fix) -> None:
    events: list[Event] = []
    repo = make({**SHOP, "tests/test_broken.py": "import nowhere_to_be_found\n\ndef test_b():\n    pass\n"})
    result = fix(repo, "test_cheapest", events.append)
    assert result.status == "fixed", result.reason
    done = next(e for e in events if (e.node, e.kind) == ("baseline", "done"))
    assert done.data["left_out"] == ["tests/test_broken.py"]


ABSENT = "from shop.prices import total, dearest\n\n\ndef test_dearest():\n    assert dearest([3, 1]) == 3\n"


@pytest.mark.bwrap
@pytest.mark.parametrize("goal", ["test_dearest", "tests/test_prices.py", ""])
def test_what_the_only_test_file_imports_may_be_what_is_to_be_written(
    goal: str, make: Callable[..., Path], fix: Fix, scripted_policy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    added = (PRICES + "\n\ndef dearest(prices):\n    return max(prices)\n").encode()
    policy = scripted_policy([{"write": {"shop/prices.py": added}}])
    monkeypatch.setattr(run, "_policy", lambda request: (policy, "scripted", "test"))
    result = fix(make({**SHOP, "tests/test_prices.py": ABSENT}), goal)
    assert result.status == "fixed", result.reason
    assert result.goal_tests == ["tests/test_prices.py::test_dearest"]
    assert "cannot import name 'dearest'" in str(policy.views[1])


@pytest.mark.bwrap
@pytest.mark.parametrize("module", ["not_installed", "not_installed.deeper"])
def test_a_package_that_is_not_installed_is_a_fault_of_the_environment(
    module: str, make: Callable[..., Path], fix: Fix
) -> None:
    result = fix(make({**SHOP, "tests/test_prices.py": f"import {module}\n{ABSENT}"}), "test_dearest")
    assert result.exit_code == 3
    assert "tests/test_prices.py: ModuleNotFoundError: No module named 'not_installed'" in result.reason


@pytest.mark.bwrap
def test_contradictory_tests_are_not_fixed(make: Callable[..., Path], fix: Fix) -> None:
    lie = "\ndef test_impossible():\n    assert total([1]) == 1 and total([1]) == 2\n"
    result = fix(make({**SHOP, "tests/test_prices.py": TESTS + lie}), "test_impossible")
    assert result.exit_code == 1
    assert result.patch == ""


@pytest.mark.bwrap
def test_a_skipped_goal_does_not_pass(make: Callable[..., Path], fix: Fix) -> None:
    skipped = TESTS.replace("def test_cheapest", "@pytest.mark.skip\ndef test_cheapest")
    assert fix(make({**SHOP, "tests/test_prices.py": skipped}), "test_cheapest").exit_code == 1


@pytest.mark.bwrap
def test_a_test_that_hangs_is_cut_and_the_rest_goes_on(make: Callable[..., Path], fix: Fix) -> None:
    hang = "\nimport time\n\ndef test_hangs():\n    while True:\n        time.sleep(1)\n"
    result = fix(make({**SHOP, "tests/test_prices.py": TESTS + hang}), "test_cheapest", time=90.0)
    assert result.status == "fixed", result.reason
    assert result.verification.regressed == []


@pytest.mark.parametrize("goal", ["failing test test_cheepest", "test"])
def test_a_name_that_cannot_be_meant_is_refused_before_any_test_runs(
    goal: str, make: Callable[..., Path], fix: Fix
) -> None:
    seen: list[Event] = []
    result = fix(make(SHOP), goal, seen.append, sandbox="none")
    assert result.status == "usage_error" and "cheapest" in result.reason
    assert not [event for event in seen if event.kind == "progress"]


@pytest.mark.bwrap
def test_no_goal_means_every_failing_test(make: Callable[..., Path], fix: Fix) -> None:
    result = fix(make(SHOP))
    assert (result.status, result.goal_tests) == ("fixed", [GOAL])


@pytest.mark.bwrap
def test_unittest_is_a_target_too(make: Callable[..., Path], fix: Fix) -> None:
    tests = (
        "import unittest\nfrom shop.prices import cheapest, total\n\n\nclass TestPrices(unittest.TestCase):\n"
        "    def test_cheapest(self):\n        self.assertEqual(cheapest([3, 1]), 1)\n\n"
        "    def test_total(self):\n        self.assertEqual(total([3, 1]), 4)\n"
    )
    repo = make({"shop/__init__.py": "", "shop/prices.py": PRICES, "tests/__init__.py": "", "tests/test_p.py": tests})
    result = fix(repo, "test_cheapest", test_cmd="python -m unittest discover")
    assert result.status == "fixed", result.reason
    assert result.goal_tests == ["tests.test_p.TestPrices.test_cheapest"]


@pytest.mark.bwrap
@pytest.mark.parametrize("node", ["baseline", "plan", "edit", "test", "analyze", "verify"])
def test_interrupted_at_any_node_it_leaves_nothing_and_resumes(
    node: str, make: Callable[..., Path], fix: Fix, store: RunStore, processes_with: Callable[[str], list[int]]
) -> None:
    def interrupt(event: Event) -> None:
        if (event.node, event.kind) == (node, "begin"):
            raise KeyboardInterrupt

    result = fix(make(SHOP), "test_cheapest", interrupt)
    assert result.exit_code == 130
    [summary] = store.list()
    assert (summary.status, summary.resumable) == ("interrupted", True)
    assert processes_with(str(Path(result.run_dir) / "worktrees")) == []
    assert not any((Path(result.run_dir) / "worktrees").glob("*"))
    seen: list[str] = []
    again = run.resume(result.run_id, store, lambda e: seen.append(e.node) if e.kind == "begin" else None)
    assert again.status == "fixed", again.reason
    assert seen[0] == node
    assert again.counts.steps == 6


@pytest.mark.bwrap
def test_a_run_that_is_over_is_not_resumed(make: Callable[..., Path], fix: Fix, store: RunStore) -> None:
    from coder.errors import UsageError

    result = fix(make(SHOP), "test_cheapest")
    with pytest.raises(UsageError, match="over"):
        run.resume(result.run_id, store, lambda event: None)


@pytest.mark.bwrap
def test_the_time_budget_holds(make: Callable[..., Path], fix: Fix) -> None:
    lie = "\ndef test_impossible():\n    assert total([1]) == 1 and total([1]) == 2\n"
    slow = "\ndef test_slow():\n    import time\n    time.sleep(3)\n"
    result = fix(make({**SHOP, "tests/test_prices.py": TESTS + lie + slow}), "test_impossible", time=4.0)
    assert result.status in ("not_fixed", "environment_error")
    assert result.seconds.total < 4.0 + 5.0  # the step under way has a limit of its own


@pytest.mark.bwrap
def test_an_explicit_reachable_scope_says_what_was_not_run(make: Callable[..., Path], fix: Fix) -> None:
    files = {**SHOP, "other.py": "def one():\n    return 1\n"}
    files["tests/test_other.py"] = "from other import one\n\ndef test_one():\n    assert one() == 1\n"
    result = fix(make(files), "test_cheapest", verify="reachable")
    assert result.status == "fixed", result.reason
    assert (result.verification.scope, result.verification.not_run) == ("reachable", 1)


def test_no_sandbox_is_never_none(make: Callable[..., Path], fix: Fix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coder_sandbox.choose.probe", lambda kind: (False, f"{kind} is not here; install it"))
    result = fix(make(SHOP), "test_cheapest", sandbox="auto")
    assert result.exit_code == 3
    assert "install it" in result.reason
