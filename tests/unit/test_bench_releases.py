"""The bench of bugs that people fixed: which changes between two releases are tasks, and what is printed of them."""

from __future__ import annotations

import pytest

from scripts.bench_repair.attempt import Row
from scripts.bench_repair.changes import MOST, changed, changes
from scripts.bench_repair.libraries import RELEASES
from scripts.bench_repair.releases import Fix, bug_of, known, load, report

OLD = '''\
"""A file."""
import re

WORD = re.compile("[a-z]+")
__version__ = "1.0"


class Box:
    """A box."""

    size = 3

    @property
    def half(self):
        return self.size / 2

    @half.setter
    def half(self, value):
        self.size = value * 2

    def fits(self, item):
        """Whether it does."""
        return item.size < self.size


def words(text):
    return WORD.findall(text)


def both(text):
    return words(text), words(text)
'''


def names(*edits: tuple[str, str], old: str = OLD) -> list[str]:
    """What is a task when the old text is edited to the new one."""
    new = old
    for before, after in edits:
        assert before in new
        new = new.replace(before, after)
    return [change.name for change in changes(old, new)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("item.size < self", "item.size <= self", ["Box.fits"]),
        ("value * 2", "value + value", ["Box.half#2"]),
        ("[a-z]+", "[A-Za-z]+", ["WORD"]),
        ("size = 3", "size = 4", ["Box.size"]),
        ("import re", "import re\nimport os", [""]),
        ("class Box:", "class Box(dict):", [""]),
        ("Whether it does.", "Whether the item is small enough.", []),
        ("return item.size", "# smaller\n        return item.size", []),
        ("return item.size < self.size", "return (item.size  <  self.size)", ["Box.fits"]),
    ],
)
def test_what_changed_is_told_by_definition(before: str, after: str, expected: list[str]) -> None:
    assert names((before, after)) == expected


def test_a_new_parameter_and_a_lost_name_are_no_bug_of_one_function() -> None:
    assert names(("def words(text)", "def words(text, flags)")) == [""]
    assert names(("words(text), words(text)", "tokens(text), tokens(text)"), ("def words", "def tokens")) == [""]


def test_several_definitions_are_tasks_of_their_own_and_one_together() -> None:
    assert names(("size < self", "size <= self"), ("[a-z]", "[a-zA-Z]")) == ["WORD", "Box.fits", ""]


def test_a_large_change_is_no_task() -> None:
    many = "\n".join(f"    text += '{n}'" for n in range(MOST + 1))
    assert names(("def words(text):", f"def words(text):\n{many}")) == []


def test_lines_are_counted_on_the_longer_side_of_each_difference() -> None:
    assert changed(["a", "b", "c"], ["a", "x", "y", "c"]) == 2
    assert changed(["a", "b", "c"], ["a"]) == 2


def test_a_change_is_taken_back_where_it_was_made() -> None:
    new = OLD.replace("item.size < self", "item.size <= self").replace("half", "hälfte")
    (change,) = (each for each in changes(OLD.replace("half", "hälfte"), new) if each.name)
    assert new.splitlines()[change.line - 1].strip() == "return item.size <= self.size"
    planted = bug_of(known("parse"), "box.py", change).planted(new.encode())
    assert planted.decode() == OLD.replace("half", "hälfte")


def test_the_list_of_fixes_is_whole() -> None:
    fixes = load()
    assert len({fix.bug for fix in fixes}) == len(fixes) >= 20
    pins = {line.split(" ")[0] for line in RELEASES.read_text().splitlines()}
    for fix in fixes:
        assert known(fix.library) and fix.what and 0 < fix.lines <= MOST
        assert {f"{fix.library}=={fix.old}", f"{fix.library}=={fix.new}"} <= pins


def test_what_is_verified_but_other_than_the_release_is_shown_to_be_read() -> None:
    fixes = [Fix("parse", "1.0", "1.1", "parse.py", name, 1, "t", f"what {name}") for name in ("a", "b", "c", "d")]
    kinds = [("fixed", True), ("fixed", False), ("exhausted", False)]
    rows = [Row(fix.bug, "parse", "1.1", 1, "abc", status, same, patch=f"patch of {fix.name}")
            for fix, (status, same) in zip(fixes, kinds, strict=False)]  # fmt: skip
    said = "\n".join(report(fixes, rows))
    assert "3 of 4 bugs tried" in said and "2 verified, 1 of them the program of the release" in said
    assert "what b\npatch of b" in said and "patch of a" not in said and "patch of c" not in said
    assert "exhausted  parse-1.1-parse-c (1): what c" in said
