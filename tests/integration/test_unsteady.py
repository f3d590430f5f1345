"""A goal that fails by chance: no patch may be called a fix of it because it passed when chance would have it so."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from coder.evaluate.dataset import apply_patch
from coder.record.result import Result

LOTS = """
import os

def pick(items):
    index = os.urandom(1)[0] % len(items)
    return items[index]

def total(items):
    found = 0
    for item in items:
        found -= item
    return found
"""
TESTS = """
from lots import pick, total

def test_pick():
    assert pick([1, 2]) == 1

def test_total():
    assert total([1, 2]) == 3
"""


@pytest.mark.bwrap
def test_what_passes_now_and_then_is_not_fixed_by_a_patch_that_does_too(
    make: Callable[..., Path], fix: Callable[..., Result]
) -> None:
    repo = make({"lots.py": LOTS, "test_lots.py": TESTS})
    result = fix(repo, "test_pick", time=40.0)
    if result.status == "fixed":  # by one that does away with chance: nothing else passes thirteen times
        apply_patch(repo, result.patch)
        lots = runpy.run_path(str(repo / "lots.py"))
        assert all(lots["pick"]([1, 2]) == 1 for _ in range(100))
    elif result.status == "not_fixed":
        assert "by chance" in result.reason or "the time was up" in result.reason
    else:
        assert result.status == "already_passing"


@pytest.mark.bwrap
def test_a_test_that_fails_by_chance_is_no_goal_where_another_fails_always(
    make: Callable[..., Path], fix: Callable[..., Result]
) -> None:
    lots = LOTS.replace("os.urandom(1)[0] % len(items)", "len(items) and 0")
    tests = TESTS.replace("def test_pick():", "def test_pick():\n    wait()")
    wait = "import sys\ndef wait():\n    tools = getattr(sys, 'monitoring', None)\n"
    wait += "    assert sys.gettrace() or (tools and any(map(tools.get_tool, range(6)))), 'passes when it is traced'\n"
    result = fix(make({"lots.py": lots, "test_lots.py": wait + tests}), "")
    assert result.status == "fixed", result.reason
    assert result.goal_tests == ["test_lots.py::test_total"]
    assert "found += item" in result.patch
