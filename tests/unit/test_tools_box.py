"""The tools as a model calls them: forgiving in form, strict in effect."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coder_tools.protect import is_protected
from coder_tools.toolbox import Toolbox, schemas
from coder_tools.workspace import Workspace

FILES = {
    "src/calc.py": b"def add(a, b):\n    return a - b\n\n\ndef sub(a, b):\n    return a - b + 0\n",
    "tests/test_calc.py": b"from src.calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
}


def toolbox(**options: Any) -> Toolbox:
    made = Workspace(FILES.__getitem__, list(FILES), {}, is_protected)
    return Toolbox(made, {}, **options)


def test_schemas_are_short() -> None:
    assert len(schemas()) == 9
    assert len(str(schemas())) < 3000


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("read_file", {"path": "src/calc.py"}),
        ("read", {"file_path": "src/calc.py"}),
        ("ReadFile", {"path": "src/calc.py", "start": "1", "end": 2.0}),
        ("functions.read_file", {"filename": "calc.py"}),
        ("default_api:read-file", '{"path": "src/calc.py"}'),
        ("read_fiel", {"arguments": {"path": "src/calc.py"}}),
        ("cat", {"path": "./src/calc.py", "unknown": 1}),
        ("read_files", {"paths": ["src/calc.py"]}),
        ("read_file", {"Path": "src/calc.py"}),
        ("read_file", {"pth": "src/calc.py"}),
        ("readFile", {"filePath": "src/calc.py"}),
        ("str_replace_based_edit_tool", {"command": "view", "path": "src/calc.py", "view_range": [1, -1]}),
        ("read_file", '"{\\"path\\": \\"src/calc.py\\"}"'),
        ("read_file", {"name": "read_file", "arguments": {"path": "src/calc.py"}}),
        ("read_file", {"path": "src/calc.py:2"}),
        ("read_file", {"path": "src/calc.py", "start": "1-2"}),
        ("read_file", {"path": "src/calc.py", "offset": 2, "limit": 1}),
    ],
)
def test_near_misses_are_understood(name: str, arguments: Any) -> None:
    result = toolbox().run(name, arguments)
    assert result.ok and result.name == "read_file" and "return a - b" in result.text


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("teleport", {}, "The tools are: list_files"),
        ("read_file", {}, "needs `path`"),
        ("read_file", {"path": "src/calc.py", "start": "soon"}, "whole number"),
        ("read_file", {"path": "src/cals.py"}, "Did you mean src/calc.py"),
        ("read_file", {"path": "../../etc/passwd"}, "leads out"),
        ("read_file", "not json", "no JSON object"),
        ("read_file", ["src/calc.py"], "no JSON object"),
        ("edit_file", {"path": "src/calc.py", "replace": "x"}, "needs `search`"),
        ("edit_file", {"path": "src/calc.py", "search": "return a - b", "replace": "x"}, "2 times"),
        ("edit_file", {"path": "src/calc.py", "search": "    return a - b\n\n"}, "needs `replace`.* send it empty"),
        ("edit_file", {"path": "src/calc.py", "search": "    return a - b\n\n", "replace": None}, "needs `replace`"),
        ("edit_file", {"path": "src/calc.py", "function": "add"}, "needs `replace`"),
        ("read_file", {"paths": ["src/calc.py", "tests/test_calc.py"]}, "One path a call"),
        (
            "edit_file",
            {"path": "src/calc.py", "edits": [{"search": "a"}, {"search": "b"}]},
            "none of the 2.*\nEdit 1 .*\nEdit 2 ",
        ),
        ("multi_edit", {"edits": [{"search": "a", "replace": "b"}, {"search": "b", "replace": "c"}]}, "needs `path`"),
        (
            "edit_file",
            {"path": "src/calc.py", "edits": [{"search": "+ 0", "replace": f"+ {n}"} for n in range(1, 50)]},
            "at most 40",
        ),
        (
            "edit_file",
            {"path": "tests/test_calc.py", "search": "== 3", "replace": "== -1"},
            "it is a test. Change the code",
        ),
        ("insert", {"path": "src/calc.py", "line": 3, "text": "x = 1"}, "give `insert_line`, the line after which"),
        (
            "edit_file",
            {"path": "src/calc.py", "insert_line": 99, "insert_text": "x = 1"},
            "no line 99.* it has",
        ),
        ("insert", {"path": "src/calc.py", "insert_line": 1, "insert_text": "x = ("}, "no longer parse"),
        ("insert", {"path": "src/calc.py", "insert_line": 1}, "needs `replace`"),
        ("insert", {"path": "tests/test_calc.py", "insert_line": 1, "insert_text": "x = 1"}, "it is a test"),
        ("text_editor", {"command": "undo_edit", "path": "src/calc.py"}, "no undo"),
        (
            "create_file",
            {"path": "src/new.py", "content": "# ... rest of the code\n"},
            "`# ... rest of the code` stands",
        ),
        ("create_file", {"path": "conftest.py", "content": "x = 1"}, "test configuration"),
        ("create_file", {"path": "src/calc.py", "content": "x = 1"}, "leaves out add, sub.* use edit_file"),
        ("create_file", {"path": "/tmp/x.py", "content": "x = 1"}, "not relative"),
        ("create_file", {"path": "d" * 256 + ".py", "content": "x = 1"}, "too long"),
        ("create_file", {"path": "d/" * 600 + "x.py", "content": "x = 1"}, "too long"),
        ("create_file", {"path": "d\udc00.py", "content": "x = 1"}, "half a character"),
        ("create_file", {"path": ".git/hooks/pre-commit", "content": "x"}, "belongs to git"),
    ],
)
def test_every_error_says_what_to_do_and_changes_nothing(name: str, arguments: Any, words: str) -> None:
    box = toolbox()
    result = box.run(name, arguments)
    assert not result.ok and not result.changed and box.workspace.changes == {}
    assert re.search(words, result.text), result.text


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("edit_file", {"old_string": "- b + 0", "newText": "+ b + 0"}),
        ("edit_file", {"oldText": "- b + 0", "newString": "+ b + 0"}),
        ("edit_file", {"search": "- b + 0", "replacement_text": "+ b + 0"}),
        ("edit_file", {"search": "- b + 0", "replace": None, "with": "+ b + 0"}),
        ("edit_file", {"search": "- b + 0", "replce": "+ b + 0"}),
        ("edit", {"edits": [{"old_string": "- b + 0", "new_string": "+ b + 0"}]}),
        ("edit", {"edits": {"old_string": "- b + 0", "new_string": "+ b + 0"}}),
        ("multi_edit", {"edits": '[{"old_string": "- b + 0", "new_string": "+ b + 0"}]'}),
        ("multi_edit", {"edits": '{"oldText": "- b + 0", "newText": "+ b + 0"}'}),
        ("str_replace_editor", {"command": "str_replace", "old_str": "- b + 0", "new_str": "+ b + 0"}),
        ("replace_function", {"name": "sub", "code": "def sub(a, b):\n    return a + b + 0"}),
    ],
)
def test_edits_by_other_names_are_understood(name: str, arguments: dict[str, Any]) -> None:
    box = toolbox()
    assert box.run(name, {"path": "src/calc.py"} | arguments).ok
    assert box.workspace.changes == {"src/calc.py": FILES["src/calc.py"].replace(b"- b + 0", b"+ b + 0")}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("str_replace_based_edit_tool", {"command": "insert", "insert_line": 1, "insert_text": "# new\n"}),
        ("str_replace_editor", {"command": "insert", "insert_line": "1", "new_str": "# new"}),
        ("insert", {"insertLine": 1, "text": "# new"}),
    ],
)
def test_lines_are_inserted_after_the_one_that_is_named(name: str, arguments: dict[str, Any]) -> None:
    box = toolbox()
    result = box.run(name, {"path": "src/calc.py"} | arguments)
    assert result.ok and result.name == "edit_file", result.text
    first, rest = FILES["src/calc.py"].split(b"\n", 1)
    assert box.workspace.changes == {"src/calc.py": first + b"\n# new\n" + rest}


def test_the_four_commands_of_a_text_editor_work() -> None:
    box = toolbox()

    def edit(command: str, path: str, **more: Any) -> str:
        result = box.run("str_replace_based_edit_tool", {"command": command, "path": path, **more})
        assert result.ok, result.text
        return result.text

    assert "src/calc.py" in edit("view", "src") and "tests/test_calc.py" in edit("view", ".")
    assert "lines 1 to 2" in edit("view", "src/calc.py", view_range=[1, 2])
    edit("create", "src/new.py", file_text="x = 1\n")
    edit("insert", "src/new.py", insert_line=0, insert_text="# first\n")
    edit("str_replace", "src/new.py", old_str="x = 1", new_str="x = 2\n")
    assert box.workspace.changes == {"src/new.py": b"# first\nx = 2\n"}


def test_lines_are_deleted_by_an_empty_replacement() -> None:
    box = toolbox()
    assert box.run("edit_file", {"path": "src/calc.py", "search": " + 0", "replace": ""}).ok
    assert b"+ 0" not in box.workspace.read("src/calc.py")


def test_a_part_of_a_file_is_read_by_any_name() -> None:
    for part in ({"view_range": [2, 2]}, {"start": "2-2"}, {"lines": "2-2"}, {"offset": 2, "limit": 1}):
        text = toolbox().run("read_file", {"path": "src/calc.py"} | part).text
        assert "lines 2 to 2 of" in text, part


def test_an_edit_shows_what_it_made() -> None:
    box = toolbox()
    result = box.run(
        "str_replace", {"file": "src/calc.py", "old_str": "    return a - b\n\n", "new_str": "    return a + b\n\n"}
    )
    assert result.ok and result.changed and "\n    return a + b" in result.text
    assert box.workspace.changes == {"src/calc.py": FILES["src/calc.py"].replace(b"a - b\n\n", b"a + b\n\n")}


def test_a_function_is_replaced_by_name() -> None:
    box = toolbox()
    assert box.run(
        "edit_file", {"path": "src/calc.py", "function": "sub", "code": "def sub(a, b):\n    return a - b"}
    ).ok
    assert box.workspace.changes["src/calc.py"] == FILES["src/calc.py"].replace(b" + 0", b"")


def test_json_content_is_written_as_it_was_meant() -> None:
    box = toolbox()
    assert box.run("write_file", {"path": "a.json", "content": '{"a": 1}'}).ok
    assert box.run("create_file", {"path": "b.json", "content": {"a": 1}}).ok
    assert box.run("create_file", {"path": "c.txt", "content": ["one", "two"]}).ok
    changes = box.workspace.changes
    assert (changes["a.json"], changes["b.json"], changes["c.txt"]) == (
        b'{"a": 1}\n',
        b'{\n  "a": 1\n}\n',
        b"one\ntwo\n",
    )


def test_a_definition_comes_with_its_source_and_uses() -> None:
    text = toolbox().run("find_definition", {"symbol": "add"}).text
    assert "function add" in text and "\n    return a - b" in text and "tests/test_calc.py:5" in text


def test_identical_calls_in_one_message_are_run_once() -> None:
    call = ("edit_file", {"path": "src/calc.py", "function": "sub", "replace": "def sub(a, b):\n    return 1"})
    results = toolbox().run_all([call, call, ("read_file", {"path": "src/calc.py"}), call])
    assert [r.changed for r in results] == [True, False, False, False]
    assert [r.repeated for r in results] == [False, True, False, True]
    assert "same call as above" in results[1].text


def test_a_flood_of_calls_is_stopped() -> None:
    results = toolbox().run_all([("search", {"pattern": f"add{n}"}) for n in range(100)])
    assert len(results) == 100 and "at most 8 calls" in results[8].text and "at most 8" not in results[7].text


def test_a_repeated_question_is_answered_by_what_is_known_until_something_changes() -> None:
    box = toolbox()
    ask = ("read_file", {"path": "src/calc.py"})
    assert not box.run(*ask).repeated
    again = box.run("cat", {"file": "src/calc.py"})
    assert again.repeated and again.text.startswith("You already have this") and "src/calc.py, 6 lines" in again.text
    box.run("create_file", {"path": "new.py", "content": "x = 1"})
    assert not box.run(*ask).repeated


def test_tests_and_the_end_are_left_to_the_caller() -> None:
    assert [toolbox().run(name, {}).asks for name in ("run_tests", "pytest", "finish", "submit", "ls")] == [
        "test", "test", "finish", "finish", "",
    ]  # fmt: skip


def test_answers_are_never_longer_than_allowed() -> None:
    box = toolbox(limit=500)
    box.run("create_file", {"path": "big.txt", "content": "word " * 50_000})
    box.run("create_file", {"path": "long.txt", "content": "word\n" * 50_000})
    for call in (
        ("read_file", {"path": "big.txt"}),
        ("read_file", {"path": "long.txt"}),
        ("search", {"pattern": "word"}),
    ):
        assert len(box.run(*call).text) <= 600


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    ["list_files", "read_file", "search", "find_definition", "edit_file", "create_file", "multi_edit", "grep", "x"]
)
keys = st.sampled_from(
    ["path", "start", "end", "pattern", "name", "search", "replace", "function", "content", "old", "edits", "diff"]
)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    names,
    st.dictionaries(keys, json_values | st.sampled_from(["src/calc.py", "add", "a - b"]), max_size=4) | json_values,
)
def test_whatever_a_model_sends_gets_an_answer_and_no_test_is_touched(name: str, arguments: Any) -> None:
    box = toolbox()
    result = box.run(name, arguments)
    assert result.text
    assert not any(is_protected(path) for path in box.workspace.changes)
