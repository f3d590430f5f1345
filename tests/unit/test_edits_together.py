"""Several edits in one call: all of them land, each exactly where it was meant, or nothing is written."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coder_tools.protect import is_protected
from coder_tools.toolbox import Toolbox, ToolResult
from coder_tools.workspace import Workspace

CALC = b"def add(a, b):\n    return a - b\n\n\ndef sub(a, b):\n    return a - b + 0\n"
FILES = {
    "src/calc.py": CALC,
    "src/shop.py": b"from src.calc import add\n\n\ndef total(cart):\n    return add(*cart)\n",
    "src/lib.rs": b"pub fn one() -> i32 {\n    2\n}\n\n#[cfg(test)]\nmod tests {\n    fn it() {}\n}\n",
    "tests/test_calc.py": b"from src.calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
}
FIXED = CALC.replace(b"a - b\n\n", b"a + b\n\n").replace(b" + 0", b"")
ADD = {"search": "    return a - b\n\n", "replace": "    return a + b\n\n"}
SUB = {"search": " + 0", "replace": ""}
BLOCK = "<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"
BLOCKS = BLOCK.format(**ADD) + BLOCK.format(search="    return a - b + 0\n", replace="    return a - b\n")


def box(files: dict[str, bytes] | None = None) -> Toolbox:
    known = FILES if files is None else files
    return Toolbox(Workspace(known.__getitem__, list(known), {}, is_protected), {})


def renamed(edit: dict[str, str], **names: str) -> dict[str, str]:
    return {names[key]: text for key, text in edit.items()}


OLD_NEW = [renamed(edit, search="old_string", replace="new_string") for edit in (ADD, SUB)]
CAMEL = [renamed(edit, search="oldText", replace="newText") for edit in (ADD, SUB)]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("edit_file", {"edits": [ADD, SUB]}),
        ("edit_file", {"edits": [SUB, ADD]}),
        ("MultiEdit", {"file_path": "src/calc.py", "edits": OLD_NEW}),
        ("edit_file", {"edits": CAMEL, "dryRun": False}),
        ("multi_edit", {"edits": str([ADD, SUB]).replace("'", '"')}),
        ("multi_edit", {"edits": [str(edit).replace("'", '"') for edit in (ADD, SUB)]}),
        ("edit_file", {"edits": {"1": ADD, "2": SUB}}),
        ("edit_file", {"edits": [list(ADD.values()), list(SUB.values())]}),
        ("edit_file", {"edits": [{"arguments": ADD}, {"arguments": SUB}]}),
        ("edit_file", {"changes": [ADD, SUB]}),
        ("edit_file", {**ADD, "edits": [SUB]}),
        ("edit_file", {**ADD, "edits": [SUB, ADD]}),
        ("edit_file", {"edits": [ADD, SUB, SUB, {"search": "def add", "replace": "def add"}]}),
        ("edit_file", {"edits": [ADD, {"function": "sub", "replace": "def sub(a, b):\n    return a - b"}]}),
        (
            "edit_file",
            {"edits": [{"diff": "@@ -1,2 +1,2 @@\n def add(a, b):\n-    return a - b\n+    return a + b\n"}, SUB]},
        ),
        ("replace_in_file", {"diff": BLOCKS}),
        ("apply_diff", {"diff": BLOCKS.replace("SEARCH\n", "SEARCH\n:start_line:2\n-------\n")}),
        ("replace_in_file", {"diff": BLOCKS.replace("<<<<<<<", "-------").replace(">>>>>>>", "+++++++")}),
        ("edit_file", {"content": BLOCKS}),
        ("edit_file", {"edits": BLOCKS}),
    ],
)
def test_edits_in_one_call_are_understood(name: str, arguments: dict[str, Any]) -> None:
    toolbox = box()
    result = toolbox.run(name, {"path": "src/calc.py"} | arguments)
    assert result.ok and result.changed and result.name == "edit_file", result.text
    assert toolbox.workspace.changes == {"src/calc.py": FIXED}
    assert "return a + b" in result.text and "Call run_tests" in result.text


def test_edits_of_several_files_land_together() -> None:
    toolbox = box()
    shop = {"filePath": "src/shop.py", "oldString": "add(*cart)", "newString": "add(*cart, 0)", "explanation": "why"}
    calc = {"filePath": "src/calc.py", "oldString": " + 0", "newString": ""}
    result = toolbox.run("multi_replace_string_in_file", {"explanation": "both", "replacements": [shop, calc]})
    assert result.ok and set(toolbox.workspace.changes) == {"src/shop.py", "src/calc.py"}, result.text
    assert "src/shop.py, " in result.text and "src/calc.py, " in result.text


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ([ADD, {"search": "return a * b", "replace": "x"}, SUB], "Edit 2 of 3 .src/calc.py, `return a . b`.: .*not in"),
        ([ADD, {"search": "return a", "replace": "x"}], "Edit 2 of 2 .*2 times"),
        ([ADD, {"search": " + 0"}], "Edit 2 of 2 .*needs `replace`"),
        ([{"search": " + 0", "replace": " +"}, ADD], "Edit 1 of 2 .*no longer parse"),
        ([ADD, {"path": "tests/test_calc.py", "search": "== 3", "replace": "== -1"}], "Edit 2 .*it is a test"),
        ([ADD, {"path": "src/lib.rs", "search": "fn it() {}", "replace": ""}], "Edit 2 .*holds tests"),
        ([ADD, {"path": "../x.py", "search": "a", "replace": "b"}], "Edit 2 .*leads out"),
        ([ADD, {"path": "src/cals.py", "search": "a", "replace": "b"}], "Edit 2 .*Did you mean"),
        ([ADD, {"search": "a", "replace": "b", "insert_line": "soon"}], "Edit 2: .*whole number"),
        ([{"search": "zz", "replace": "x"}, {"search": "yy", "replace": "x"}], "Edit 1 .*\n(.*\n)*Edit 2 "),
    ],
)
def test_the_one_that_fails_is_named_and_nothing_is_written(edits: list[dict[str, str]], words: str) -> None:
    toolbox = box()
    toolbox.workspace.write("src/new.py", b"x = 1\n")
    result = toolbox.run("edit_file", {"path": "src/calc.py", "edits": edits})
    assert not result.ok and not result.changed and toolbox.workspace.changes == {"src/new.py": b"x = 1\n"}
    assert result.text.startswith("Nothing was written, none of the") and re.search(words, result.text), result.text
    assert "Edit 1" not in result.text or "Edit 1" in words, "the others are not blamed"


def test_edits_that_parse_only_together_land() -> None:
    toolbox = box()
    opens = {"search": "    return a - b + 0\n", "replace": "    return (\n        a - b\n"}
    closes = {"search": "def sub(a, b):", "replace": "def sub(a, b, c=(1,\n)):"}
    text = {"search": "        a - b\n", "replace": "        a - b\n    )\n"}
    assert toolbox.run("edit_file", {"path": "src/calc.py", "edits": [opens, closes, text]}).ok
    assert toolbox.workspace.changes["src/calc.py"].endswith(b"return (\n        a - b\n    )\n")


def test_each_means_the_file_as_it_was_where_it_has_a_place_there() -> None:
    toolbox = box({"a.py": b"first = 1\nsecond = 2\n"})
    swap = [{"search": "first = 1", "replace": "second = 2"}, {"search": "second = 2", "replace": "first = 1"}]
    assert toolbox.run("edit_file", {"path": "a.py", "edits": swap}).ok
    assert toolbox.workspace.changes == {"a.py": b"second = 2\nfirst = 1\n"}
    toolbox = box({"a.py": b"a = 1\nb = 2\nc = 3\n"})
    inserts = [{"insert_line": 1, "text": "x = 1\ny = 1"}, {"insert_line": 2, "text": "z = 1"}]
    assert toolbox.run("edit_file", {"path": "a.py", "edits": inserts}).ok
    assert toolbox.workspace.changes == {"a.py": b"a = 1\nx = 1\ny = 1\nb = 2\nz = 1\nc = 3\n"}


def test_a_line_number_that_no_longer_holds_is_refused() -> None:
    toolbox = box({"a.py": b"a = 1\nb = 2\nc = 3\n"})
    more, then = {"search": "a = 1", "replace": "a = 1\nx = 1"}, {"search": "x = 1", "replace": "x = 2"}
    result = toolbox.run("edit_file", {"path": "a.py", "edits": [more, then, {"insert_line": 2, "text": "z = 1"}]})
    assert not result.ok and "Edit 3 of 3" in result.text and "Send it first" in result.text


def test_text_that_shows_blocks_is_what_an_edit_may_be_about() -> None:
    toolbox = box({"notes.md": b"One block:\n"})
    edit = {"path": "notes.md", "search": "One block:", "replace": f"One block:\n{BLOCKS}"}
    assert toolbox.run("edit_file", edit).ok
    assert toolbox.workspace.changes["notes.md"].decode() == f"One block:\n{BLOCKS}"


WORDS = ["alpha", "beta", "gamma", "x", "y", "if", "=", "+", "(", ")", "1", "2"]
line = st.builds(
    lambda depth, words: "    " * depth + " ".join(words),
    st.integers(0, 2),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
)
lines = st.lists(line, max_size=4)


@st.composite
def several(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int, list[str]]]]:
    """A file, and runs of its lines, none with another's, each with what is to stand there; in any order."""
    file = draw(st.lists(line, min_size=4, max_size=24))
    cuts = sorted(draw(st.sets(st.integers(0, len(file)), min_size=2, max_size=8)))
    runs = [(first, last, draw(lines)) for first, last in zip(cuts[::2], cuts[1::2], strict=False)]
    return file, draw(st.permutations(runs))


def text_of(parts: list[str]) -> str:
    return "".join(part + "\n" for part in parts)


def asked(file: list[str], runs: list[tuple[int, int, list[str]]]) -> list[dict[str, str]]:
    return [{"search": text_of(file[first:last]), "replace": text_of(new)} for first, last, new in runs]


def sent(file: list[str], edits: list[dict[str, str]]) -> tuple[ToolResult, str]:
    """The answer, and the file as it is then."""
    toolbox = box({"notes.txt": text_of(file).encode()})
    result = toolbox.run("edit_file", {"path": "notes.txt", "edits": edits})
    return result, toolbox.workspace.read("notes.txt").decode()


@settings(max_examples=300, deadline=None)
@given(several())
def test_edits_that_are_there_once_all_land_exactly(case: tuple[list[str], list[tuple[int, int, list[str]]]]) -> None:
    file, runs = case
    edits = asked(file, runs)
    result, after = sent(file, edits)
    text = text_of(file)
    wanted = list(file)
    for first, last, new in sorted(runs, reverse=True):
        wanted[first:last] = new
    if result.ok:
        assert after == text_of(wanted)
    else:
        once = all(sum(text.startswith(e["search"], at) for at in range(len(text))) == 1 for e in edits)
        assert after == text and (not once or after == text_of(wanted)), result.text


@settings(max_examples=200, deadline=None)
@given(several(), st.integers(0, 8))
def test_one_that_is_not_there_keeps_all_of_them_out(
    case: tuple[list[str], list[tuple[int, int, list[str]]]], at: int
) -> None:
    file, runs = case
    edits = [edit for edit in asked(file, runs) if edit["search"] != edit["replace"]]
    edits = [edit for number, edit in enumerate(edits) if edit not in edits[:number]]
    at %= len(edits) + 1
    edits.insert(at, {"search": "nothing of the kind\nstands here", "replace": "at all"})
    result, after = sent(file, edits)
    assert not result.ok and not result.changed and after == text_of(file)
    assert "is not in notes.txt" in result.text and (
        len(edits) == 1 or f"Edit {at + 1} of {len(edits)} " in result.text
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 99), min_size=2, max_size=6, unique=True), st.lists(line, max_size=6))
def test_edits_that_follow_from_each_other_are_made_in_turn(chain: list[int], others: list[str]) -> None:
    file = [*others, f"step {chain[0]};"]
    edits = [{"search": f"step {a};", "replace": f"step {b};"} for a, b in pairwise(chain)]
    result, after = sent(file, edits)
    assert result.ok and after == text_of([*others, f"step {chain[-1]};"]), result.text
