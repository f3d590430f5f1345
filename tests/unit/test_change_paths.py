"""Which paths a change may name."""

from __future__ import annotations

import pytest

from coder_sandbox.faults import SnapshotError
from coder_sandbox.objects import FILE, LINK, Entry, entry_of
from coder_sandbox.paths import checked

ENTRIES = {
    "a.py": entry_of(b"a\n", FILE),
    "pkg/b.py": entry_of(b"b\n", FILE),
    "link": Entry(LINK, "0" * 40, 3),
}


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "../x", "pkg/../../x", "./a.py", "pkg//b.py", "pkg/", "nul\0.py",
        ".git/config", "pkg/.git/hooks/x", ".GIT/config", "git~1/config", ".git",
        ".g\u200cit/config", ".GIT. /config", ".git::$INDEX_ALLOCATION/config", "GIT~1", "a\\.git\\config", ".git:x",
        "link/x", "link", "pkg", "a.py/x", "n" * 256, "d/" * 2001 + "x",
    ],
)  # fmt: skip
def test_refused(path):
    with pytest.raises(SnapshotError, match="cannot be changed"):
        checked({path: b"x"}, ENTRIES, {})


def test_deleting_what_is_not_there_is_refused():
    with pytest.raises(SnapshotError, match="no such file"):
        checked({"nothing.py": None}, ENTRIES, {})


def test_a_file_below_a_file_of_the_same_change_is_refused():
    with pytest.raises(SnapshotError, match="is a file, not a directory"):
        checked({"new": b"", "new/x": b""}, ENTRIES, {})


@pytest.mark.parametrize(
    "path",
    [
        "a.py",
        "new.py",
        "new/dir/x.py",
        ".gitignore",
        "pkg/git.py",
        "naïve.py",
        "with space",
        "...",
        "a.git",
        "b:c",
        " .",
    ],
)
def test_accepted(path):
    assert checked({path: b"x"}, ENTRIES, {}) == {path: b"x"}


def test_a_link_may_be_deleted_and_a_file_put_below_it():
    assert checked({"link": None, "link/x": b"x"}, ENTRIES, {}) == {"link": None, "link/x": b"x"}


def test_what_changes_nothing_is_dropped():
    assert checked({"a.py": b"a\n", "pkg/b.py": b"c\n"}, ENTRIES, {}) == {"pkg/b.py": b"c\n"}


def test_the_message_is_printable():
    with pytest.raises(SnapshotError) as caught:
        checked({"../\x1b[31m\udce9": b"x"}, ENTRIES, {})
    assert str(caught.value).isprintable()
