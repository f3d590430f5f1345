"""The same thing done by another command is the same action."""

from __future__ import annotations

from typing import Any

import pytest

from coder.supervisor.actions import END, actions_of
from coder.trajectories.contract import Call


def sh(command: str) -> list[tuple[str, str]]:
    return [(a.kind, a.target) for a in actions_of(Call("bash", {"command": command}))]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("bash", {"command": "cat src/a.py"}),
        ("bash", {"command": "cd /testbed && cat ./src/a.py"}),
        ("execute_bash", {"command": "cat -n src/a.py 2>/dev/null"}),
        ("bash", {"command": "nl -ba src/a.py"}),
        ("bash", {"command": "timeout 10 cat src/a.py"}),
        ("run_shell_command", {"command": "cd src && cat a.py"}),
        ("shell", {"command": ["bash", "-lc", "cat src/a.py"]}),
        ("read_file", {"path": "src/a.py"}),
        ("ReadFile", {"file_path": "./src/a.py"}),
        ("mcp__fs__read-file", {"path": "src/a.py"}),
        ("str_replace_editor", {"command": "view", "path": "src/a.py"}),
    ],
)
def test_a_whole_file_is_the_same_read_however_it_is_read(name: str, arguments: dict[str, Any]) -> None:
    [action] = actions_of(Call(name, arguments))
    assert (action.kind, action.target, action.first, action.last) == ("read", "src/a.py", 1, END)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("bash", {"command": "sed -n '5,20p' src/a.py"}),
        ("bash", {"command": "cat src/a.py | sed -n 5,20p"}),
        ("bash", {"command": "nl -ba src/a.py | sed -n '5,20p'"}),
        ("bash", {"command": "awk 'NR>=5 && NR<=20' src/a.py"}),
        ("read_file", {"path": "src/a.py", "start": 5, "end": 20}),
        ("view", {"path": "src/a.py", "view_range": [5, 20]}),
        ("Read", {"file_path": "src/a.py", "offset": 5, "limit": 16}),
    ],
)
def test_lines_of_a_file_are_the_same_read(name: str, arguments: dict[str, Any]) -> None:
    [action] = actions_of(Call(name, arguments))
    assert (action.kind, action.target, action.first, action.last) == ("read", "src/a.py", 5, 20)


def test_how_talkative_a_test_run_is_makes_no_difference_and_what_it_selects_does() -> None:
    assert sh("pytest tests/a.py") == sh("python -m pytest -x -q tests/a.py --tb=short") == [("test", "tests/a.py")]
    assert sh("pytest tests/a.py") != sh("pytest tests/b.py")
    assert sh("pytest tests/a.py -k one") != sh("pytest tests/a.py -k two")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("grep -rn foo src/", [("search", "foo in src")]),
        ("rg foo | head -20", [("search", "foo")]),
        ("cat a.py | grep foo", [("search", "foo in a.py")]),
        ("cat > a.py <<'EOF'\nx = 1\nEOF", [("edit", "a.py")]),
        ("echo 'x = 1' >> a.py", [("edit", "a.py")]),
        ("sed -i 's/a/b/' a.py && pytest", [("edit", "a.py"), ("test", "")]),
        ("head -50 a.py", [("read", "a.py")]),
        ("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && git diff", [("finish", ""), ("search", "git diff")]),
        ("black . && ruff check --fix .", [("format", "black ."), ("format", "ruff check .")]),
        ("sleep 5; ps aux", [("wait", "sleep"), ("wait", "ps")]),
        ("FOO=1 python repro.py", [("run", "python repro.py")]),
        ("echo 'an open quote", []),
        ("", [("run", "")]),
    ],
)
def test_commands_are_understood_by_what_they_do(command: str, expected: list[tuple[str, str]]) -> None:
    assert sh(command) == expected or (not expected and sh(command)[0][0] == "run")


def test_edits_are_the_same_by_their_syntax_tree() -> None:
    def key(new: str) -> str:
        return actions_of(Call("edit_file", {"path": "a.py", "search": "x = 1", "replace": new}))[0].key

    assert key("x = (2)  # two") == key("x = 2")
    assert key("x = 2") != key("x = 3")


def test_an_unknown_tool_is_what_it_was_called_with() -> None:
    one, two = (actions_of(Call("frobnicate", {"n": n}))[0] for n in (1, 2))
    assert one.kind == "run" and one.key != two.key


@pytest.mark.parametrize("value", [None, 1, [], {}, "\0", "a" * 100_000, "(((", "<<EOF"])
def test_no_argument_is_too_strange(value: Any) -> None:
    for name in ("bash", "read_file", "edit_file", "search", "", "x"):
        assert actions_of(Call(name, {"command": value, "path": value, "view_range": value}))


def test_several_edits_in_one_call_are_one_of_each_file() -> None:
    one, two = {"old_string": "a", "new_string": "b"}, {"old_string": "c", "new_string": "d"}
    [action] = actions_of(Call("MultiEdit", {"file_path": "src/a.py", "edits": [one, two]}))
    assert (action.kind, action.target, action.old, action.new) == ("edit", "src/a.py", "a\nc", "b\nd")
    assert action.key != actions_of(Call("MultiEdit", {"file_path": "src/a.py", "edits": [one]}))[0].key
    edits = [{"path": "src/a.py", "search": "a", "replace": "b"}, {"path": "b.py", "search": "c", "replace": "d"}]
    actions = actions_of(Call("edit_file", {"path": "src/a.py", "edits": edits}))
    assert [(action.target, action.new) for action in actions] == [("src/a.py", "b"), ("b.py", "d")]
