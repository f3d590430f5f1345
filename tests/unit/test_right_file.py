"""An edit changes the file and the function that it is for, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from coder_tools.edit import EditRefused, rewrite
from coder_tools.formats import edits_in
from coder_tools.protect import is_protected
from coder_tools.toolbox import Toolbox
from coder_tools.workspace import Workspace

BLOCK = "<<<<<<< SEARCH\ny = 1\n=======\ny = 2\n>>>>>>> REPLACE\n"


def run(files: dict[str, str], arguments: dict[str, Any]) -> tuple[str, dict[str, bytes | None]]:
    changes: dict[str, bytes | None] = {}
    data = {path: text.encode() for path, text in files.items()}
    result = Toolbox(Workspace(data.__getitem__, list(data), changes, is_protected), {}).run("edit_file", arguments)
    assert result.ok == bool(changes)
    return result.text, changes


HEADINGS = [
    *[(head, "b.py") for head in ("b.py", "### b.py", "### `b.py`", "**b.py**", "**`b.py`**", "`b.py`:", "# b.py")],
    *[
        (head, "b.py")
        for head in ("In `b.py`:", "// b.py", "- b.py", "- `b.py`", "1. b.py", "2) `b.py`:", "File: b.py")
    ],
    *[(head, "b.py") for head in ("b.py (new)", "<file>b.py</file>", "And now in b.py:", "Path: `b.py`")],
    *[("src/my file.py", "src/my file.py"), ("### `src/run`", "src/run"), ("Makefile", "Makefile")],
    *[("## docker/Dockerfile", "docker/Dockerfile"), ("b.py\n\nThe limit is too low there:", "b.py")],
]


@pytest.mark.parametrize(("head", "path"), HEADINGS)
@pytest.mark.parametrize("fence", ["", "```python\n"])
def test_each_block_is_for_the_file_that_its_heading_names(head: str, path: str, fence: str) -> None:
    text = f"a.py\n{BLOCK}\n{head}\n{fence}{BLOCK}"
    assert [arguments["path"] for _, arguments in edits_in(text)] == ["a.py", path]
    assert [arguments["path"] for _, arguments in edits_in(f"{head}\n{fence}{BLOCK}")] == [path]


@pytest.mark.parametrize(
    ("between", "path"),
    [
        ("", "a.py"),
        ("Then the second place:\n", "a.py"),
        ("The same in `a.py` below:\n", "a.py"),
        ("This is how b.py calls it, so it must be changed too:\n", ""),
    ],
)
def test_a_block_without_a_heading_is_for_the_file_before_unless_another_is_spoken_of(between: str, path: str) -> None:
    assert [arguments["path"] for _, arguments in edits_in(f"a.py\n{BLOCK}{between}{BLOCK}")] == ["a.py", path]


def test_a_block_under_a_sentence_is_for_the_one_file_that_it_speaks_of() -> None:
    assert [a["path"] for _, a in edits_in(f"The limit in b.py is wrong, it should be 2:\n\n{BLOCK}")] == ["b.py"]
    assert [a["path"] for _, a in edits_in(f"Either a.py or b.py is wrong:\n{BLOCK}")] == []
    assert edits_in(f"It should be:\n{BLOCK}") == []


@pytest.mark.parametrize("path", ["billing/utils.py", "other/utils.py", "/repo/billing/utils.py"])
def test_a_path_that_leads_to_no_file_does_not_change_one_higher_up(path: str) -> None:
    load = "def load(p):\n    return open(p)\n"
    arguments = {"path": path, "function": "load", "replace": "def load(p):\n    return 2"}
    text, changes = run({"utils.py": load, "src/billing/util.py": load}, arguments)
    assert not changes and ("no file" in text or "not relative" in text)


@pytest.mark.parametrize("path", ["/repo/src/utils.py", "utils.py", "./src/utils.py", "/src/utils.py"])
def test_a_path_that_can_only_be_one_file_still_is(path: str) -> None:
    _, changes = run({"src/utils.py": "x = 1\n"}, {"path": path, "search": "x = 1", "replace": "x = 2"})
    assert changes == {"src/utils.py": b"x = 2\n"}


def test_an_edit_stays_in_the_function_that_it_names() -> None:
    file = {"a.py": "def f():\n    return x\n\n\ndef g():\n    return y\n"}
    lines = {"path": "a.py", "search": "    return x", "replace": "    return z"}
    text, changes = run(file, {**lines, "function": "g"})
    assert not changes and "`search` is at line 2, and g is lines 5 to 6" in text
    assert run(file, {**lines, "function": "f"})[1]
    assert "not in a.py" in run(file, {**lines, "function": "h"})[0]


@pytest.mark.parametrize(
    "content",
    ["def a():\n    return 2\n", "LIMIT = 4\n", "import math\n\n\ndef a():\n    return 2\n"],
)
def test_a_part_of_a_file_is_not_taken_for_the_whole(content: str) -> None:
    there = b"import math\n\nLIMIT = 3\n\n\ndef a():\n    return 1\n\n\ndef b():\n    return math.pi\n"
    with pytest.raises(EditRefused, match="leaves out"):
        rewrite("calc.py", there, content)


def test_an_import_that_is_still_needed_is_not_left_out() -> None:
    there = b"import math\nfrom os import path as where\n\n\ndef b(n):\n    return where.join(math.pi, n)\n"
    with pytest.raises(EditRefused, match="leaves out the import of math, where"):
        rewrite("calc.py", there, "def b(n):\n    return where.join(math.e, n)\n")
    assert rewrite("calc.py", there, "import math\n\n\ndef b(n):\n    return math.e\n").how == "rewritten"
    assert rewrite(
        "calc.py", there, "from math import e as math, tau as where\n\n\ndef b(n):\n    return math, where\n"
    )


def test_a_renamed_function_is_no_lost_one() -> None:
    assert rewrite(
        "a.py", b"def a():\n    pass\n\n\ndef b():\n    pass\n", "def a():\n    pass\n\n\ndef c():\n    pass\n"
    )


def test_what_is_had_from_another_file_now_is_no_lost_definition() -> None:
    there = b"def a():\n    pass\n\n\nclass B:\n    def c(self):\n        pass\n"
    assert rewrite("a.py", there, "from b import B, a\n").how == "rewritten"
    with pytest.raises(EditRefused, match=r"leaves out B, B\.c"):
        rewrite("a.py", there, "from b import a\n")
