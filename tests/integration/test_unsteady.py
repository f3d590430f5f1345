"""A goal that fails by chance: no patch may be called a fix of it because it passed when chance would have it so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coder.errors import NothingToFix
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
    wrong = {1, 3}  # chance has a say here as well: fewer than one run in a thousand is not told
    repo = make({"lots.py": LOTS, "test_lots.py": TESTS})
    for _ in wrong:
        try:
            result = fix(repo, "test_pick", time=30.0)
        except NothingToFix:
            continue  # it passed both times
        if result.status == "fixed":  # then by one that does away with chance
            assert "os.urandom(1)[0]" not in [line[1:].strip() for line in result.patch.splitlines() if line[:1] == "+"]
            assert result.verification.goal_passed == 1
        else:
            assert "by chance" in result.reason or "the time was up" in result.reason


@pytest.mark.bwrap
def test_a_test_that_fails_by_chance_is_no_goal_where_another_fails_always(
    make: Callable[..., Path], fix: Callable[..., Result]
) -> None:
    lots = LOTS.replace("os.urandom(1)[0] % len(items)", "len(items) and 0")
    tests = TESTS.replace("import pick", "import pick").replace("def test_pick():", "def test_pick():\n    wait()")
    wait = "import sys\ndef wait():\n    assert sys.gettrace(), 'passes when it is traced'\n"
    result = fix(make({"lots.py": lots, "test_lots.py": wait + tests}), "")
    assert result.status == "fixed", result.reason
    assert result.goal_tests == ["test_lots.py::test_total"]
    assert "found += item" in result.patch
