"""What a call does, whatever it is called: the same file read by cat, sed, head or a read tool is the same read."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from coder.supervisor.wording import word_set
from coder.trajectories.contract import Call

Kind = Literal["read", "search", "list", "edit", "test", "format", "wait", "run", "think", "finish"]
END = 10**9
"""The last line of a read that goes to the end of the file."""


@dataclass(frozen=True)
class Action:
    """One thing done. `target` is a path, a pattern, a selection of tests or a command, in its plain form."""

    kind: Kind
    target: str
    first: int = 1  # lines of a read
    last: int = END
    old: str = ""  # of an edit: the text replaced
    new: str = ""  # of an edit: the text put there

    @property
    def key(self) -> str:
        """Equal for actions that ask for, or do, the same thing."""
        lines = f":{self.first}-{self.last}" if self.kind == "read" else ""
        text = f"#{digest(plain_code(self.old) + chr(0) + plain_code(self.new))}" if self.kind == "edit" else ""
        return f"{self.kind} {self.target}{lines}{text}"

    @property
    def words(self) -> str:
        """For a reason shown to a person."""
        span = f" lines {self.first} to {self.last}" if self.kind == "read" and self.last < END else ""
        return f"{self.kind} {self.target}{span}".strip()


def actions_of(call: Call) -> list[Action]:
    """What a call does, in order; never empty."""
    from coder.supervisor.shell import actions_in

    name = _plain_name(call.name)
    arguments = {str(k).lower(): v for k, v in call.arguments.items()}
    command = _command(name, arguments)
    if command is not None:
        return actions_in(command) or [Action("run", command.strip())]
    return _edits(name, arguments) or [_of_tool(name, arguments)]


def _edits(name: str, arguments: Mapping[str, Any]) -> list[Action]:
    """What a call with a list of edits does to each file; [] for other calls."""
    edits = next((arguments[key] for key in ("edits", "replacements") if arguments.get(key)), None)
    if not isinstance(edits, list) or not all(isinstance(each, dict) for each in edits):
        return []
    shared = {key: value for key, value in arguments.items() if value is not edits}
    by_file: dict[str, list[Action]] = {}
    for each in edits:
        action = _of_tool(name, {**shared, **{str(key).lower(): value for key, value in each.items()}})
        by_file.setdefault(action.target, []).append(action)
    return [
        replace(made[0], old="\n".join(one.old for one in made), new="\n".join(one.new for one in made))
        for made in by_file.values()
    ]


_SHELLS = word_set("bash shell sh terminal execute run_command run execute_bash cmd exec run_shell_command")


def _command(name: str, arguments: Mapping[str, Any]) -> str | None:
    """The shell command in a call; None for a tool of another sort."""
    given = next((arguments[k] for k in ("command", "cmd", "keystrokes", "script", "commands") if k in arguments), None)
    if isinstance(given, list):
        parts = [str(part) for part in given]
        is_shell = len(parts) == 3 and parts[0].rsplit("/", 1)[-1] in ("bash", "sh", "zsh") and parts[1].startswith("-")
        given = parts[2] if is_shell else " ".join(parts)
    if not isinstance(given, str):
        return None
    if name in _SHELLS or "shell" in name or "bash" in name or "terminal" in name or not name:
        return given
    return None if _names_a_file(arguments) else given


_PATH_KEYS = (
    "path", "file_path", "filepath", "file", "filename", "absolute_path", "target_file", "relative_path", "dir_path",
    "directory", "uri",
)  # fmt: skip
_PATTERN_KEYS = ("pattern", "query", "regex", "search_term", "symbol", "name", "q", "search", "keyword")
_TODO = word_set("think todo_write todowrite update_plan write_todos task_tracker plan todo")


def _names_a_file(arguments: Mapping[str, Any]) -> bool:
    return any(isinstance(arguments.get(k), str) for k in _PATH_KEYS)


def _first(arguments: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((str(arguments[k]) for k in keys if isinstance(arguments.get(k), str | int)), "")


def _of_tool(name: str, arguments: Mapping[str, Any]) -> Action:
    """A tool understood by its name and its arguments; an unknown one is what it was called with."""
    path = plain_path(_first(arguments, _PATH_KEYS))
    sub = str(arguments.get("command", arguments.get("action", ""))).lower()
    words = set(name.split("_")) | ({sub} if sub in ("view", "create", "str_replace", "insert", "undo_edit") else set())
    if name in _TODO:
        return Action("think", "")
    if words & {"finish", "submit", "done", "complete", "attempt", "exit"}:
        return Action("finish", "")
    if path and sub in ("view", "read"):
        return Action("read", path, *_lines(arguments))
    if words & {"edit", "write", "create", "replace", "insert", "patch", "apply", "str", "undo", "delete", "move"}:
        return Action("edit", path or "*", old=_old(arguments), new=_new(arguments, sub))
    if words & {"test", "tests", "pytest", "unittest"}:
        return Action("test", " ".join(sorted(str(v) for v in arguments.values() if v not in ("", None))))
    if words & {"search", "grep", "find", "ripgrep", "definition", "symbol", "references", "codebase"}:
        pattern = _first(arguments, _PATTERN_KEYS)
        return Action("search", f"{pattern} in {path}" if path else pattern)
    if words & {"list", "ls", "glob", "tree", "dir", "directory"}:
        return Action("list", path or _first(arguments, _PATTERN_KEYS) or ".")
    if path and words & {"read", "view", "open", "cat", "show", "get", "file"}:
        return Action("read", path, *_lines(arguments))
    if words & {"wait", "poll", "sleep", "status"}:
        return Action("wait", json.dumps(dict(arguments), sort_keys=True, default=str))
    return Action("run", f"{name} {json.dumps(dict(arguments), sort_keys=True, default=str)}")


def _lines(arguments: Mapping[str, Any]) -> tuple[int, int]:
    """The first and last line of a read."""
    span = arguments.get("view_range") or arguments.get("range") or arguments.get("lines")
    if isinstance(span, list | tuple) and len(span) == 2:
        first, last = _number(span[0], 1), _number(span[1], END)
        return first, last if last > 0 else END
    first = _number(next((arguments[k] for k in ("start", "start_line", "line", "offset") if k in arguments), 1), 1)
    last = _number(next((arguments[k] for k in ("end", "end_line") if k in arguments), END), END)
    limit = _number(arguments.get("limit"), 0)
    if limit > 0 and last == END:
        last = max(1, first) + limit - 1
    return max(1, first), last if last > 0 else END


def _number(value: Any, default: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return default


def _old(arguments: Mapping[str, Any]) -> str:
    return _text(arguments, ("old_str", "old_string", "old_text", "search", "old", "function", "insert_line"))


def _new(arguments: Mapping[str, Any], sub: str) -> str:
    keys = (
        "new_str", "new_string", "new_text", "replace", "replacement", "new", "content", "file_text", "text", "patch",
        "diff", "input", "insert_text",
    )  # fmt: skip
    return _text(arguments, keys) or sub


def _text(arguments: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((str(arguments[k]) for k in keys if arguments.get(k) not in (None, "")), "")


def _plain_name(name: str) -> str:
    """`functions.ReadFile` and `read-file` are read_file."""
    name = name.rsplit(".", 1)[-1].rsplit("__", 1)[-1]
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def plain_path(path: str, cwd: str = "") -> str:
    """A path without `./`, quotes and, where it lies below `cwd`, without that."""
    path = path.strip().strip("'\"").removeprefix("file://")
    if not path:
        return ""
    if not path.startswith(("/", "~")) and cwd:
        path = posixpath.join(cwd, path)
    path = posixpath.normpath(path)
    return path.removeprefix("./")


def plain_code(text: str) -> str:
    """Code as it compares: without blank lines, trailing space and comments, so that only what it does counts.

    The syntax tree where it parses (a fragment is tried inside a block too), else its lines.
    """
    import ast
    import textwrap

    body = textwrap.dedent(text).strip()
    for attempt in (body, "def f():\n" + textwrap.indent(body, " "), f"{body}\n    pass"):
        try:
            return ast.dump(ast.parse(attempt))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return "\n".join(" ".join(line.split()) for line in body.splitlines() if line.strip())


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
