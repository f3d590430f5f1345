"""Edits with something around them that models are used to: fences, `*** Begin Patch`, a path only in the diff."""

from __future__ import annotations

from typing import Any

import pytest

from coder_tools.protect import is_protected
from coder_tools.toolbox import Toolbox, ToolResult
from coder_tools.workspace import Workspace

FILES = {"a.py": b"x = 1\ny = 2\n", "f.py": b"def f():\n    return 1\n", "a.md": b"# A\n"}
PATCH = "*** Begin Patch\n*** Update File: a.py\n@@\n-x = 1\n+x = 2\n y = 2\n*** End Patch"
DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-x = 1\n+x = 2\n y = 2\n"
CHANGED = {"a.py": b"x = 2\ny = 2\n"}
F = {"f.py": b"def f():\n    return 2\n"}


def run(name: str, arguments: Any) -> tuple[ToolResult, dict[str, bytes | None]]:
    changes: dict[str, bytes | None] = {}
    result = Toolbox(Workspace(FILES.__getitem__, list(FILES), changes, is_protected), {}).run(name, arguments)
    return result, changes


@pytest.mark.parametrize(
    ("name", "arguments", "changed"),
    [
        ("apply_patch", {"input": PATCH}, CHANGED),
        ("apply_patch", PATCH, CHANGED),
        ("apply_patch", {"path": "a.py", "patch": PATCH}, CHANGED),
        ("edit_file", {"diff": PATCH}, CHANGED),
        ("apply_patch", {"input": PATCH.replace("@@", "@@ class Box:")}, CHANGED),
        (
            "apply_patch",
            {"input": "*** Begin Patch\n*** Add File: n.py\n+z = 1\n+w = 2\n*** End Patch"},
            {"n.py": b"z = 1\nw = 2\n"},
        ),
        ("edit_file", {"diff": DIFF}, CHANGED),
        ("apply_diff", f"diff --git a/a.py b/a.py\nindex 1..2 100644\n{DIFF}", CHANGED),
        ("edit_file", {"path": "a.py", "diff": f"```diff\n{DIFF}```"}, CHANGED),
        ("edit_file", {"diff": f"```diff\n{DIFF}```\n"}, CHANGED),
        ("edit_file", {"path": "f.py", "function": "f", "replace": "```python\ndef f():\n    return 2\n```"}, F),
        (
            "edit_file",
            {"path": "f.py", "search": "```python\n    return 1\n```", "replace": "```\n    return 2\n```"},
            F,
        ),
        ("create_file", {"path": "n.txt", "content": "```\nhello\n```"}, {"n.txt": b"hello\n"}),
        ("create_file", {"path": "n.md", "content": "```\nhello\n```"}, {"n.md": b"```\nhello\n```\n"}),
        (
            "create_file",
            {"path": "n.txt", "content": "```\na\n```\nb\n```\nc\n```"},
            {"n.txt": b"```\na\n```\nb\n```\nc\n```\n"},
        ),
    ],
)
def test_what_stands_around_an_edit_is_seen_through(name: str, arguments: Any, changed: dict[str, bytes]) -> None:
    result, changes = run(name, arguments)
    assert result.ok, result.text
    assert changes == changed


BOTH = PATCH.replace(
    "*** End", "*** Update File: f.py\n@@ def f():\n-    return 1\n+    return 2\n*** Add File: n.py\n+z = 1\n*** End"
)
SECOND = "--- a/f.py\n+++ b/f.py\n@@ -2 +2 @@\n-    return 1\n+    return 2\n"
DIFFS = f"{DIFF}{SECOND}--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+z = 1\n"


@pytest.mark.parametrize("patch", [BOTH, DIFFS, f"diff --git a/a.py b/a.py\n{DIFFS}"])
def test_a_patch_of_several_files_lands_whole_or_not_at_all(patch: str) -> None:
    for arguments in (patch, {"input": patch}, {"path": "a.py", "diff": patch}):
        result, changes = run("apply_patch", arguments)
        assert result.ok and changes == CHANGED | F | {"n.py": b"z = 1\n"}, result.text
    result, changes = run("apply_patch", {"input": patch.replace("return 1", "return 7")})
    assert not result.ok and not changes and "Edit 2 of 3 (f.py)" in result.text, result.text
    result, changes = run("apply_patch", {"input": patch.replace("z = 1", "z = (")})
    assert not result.ok and not changes and "Edit 3 of 3 (n.py)" in result.text, result.text


@pytest.mark.parametrize("what", ["Delete File: f.py", "Move to: b.py"])
def test_a_patch_that_moves_or_removes_a_file_is_refused(what: str) -> None:
    result, changes = run("apply_patch", {"input": PATCH.replace("*** End", f"*** {what}\n*** End")})
    assert not result.ok and not changes and "moved or removed" in result.text
