"""What a model means by a tool call: near-miss names and arguments are understood where that is beyond doubt."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from coder_tools.formats import blocks_in
from coder_tools.workspace import ToolError
from coder_tools.wrapped import bare, is_patch, of_patch


@dataclass(frozen=True)
class Tool:
    """A tool as the model sees it. Each parameter: (JSON type, description, required)."""

    name: str
    description: str
    parameters: dict[str, tuple[str, str, bool]]

    def only(self, names: Sequence[str]) -> Tool:
        """The tool with these parameters alone, in this order, each of them needed."""
        return replace(self, parameters={name: (*self.parameters[name][:2], True) for name in names})

    def schema(self) -> dict[str, Any]:
        """The OpenAI form, which Ollama takes too."""
        properties = {
            name: {"type": kind} | ({"description": text} if name not in _PLAIN else {})
            for name, (kind, text, _) in self.parameters.items()
        }
        required = [name for name, (_, _, needed) in self.parameters.items() if needed]
        parameters = {"type": "object", "properties": properties} | ({"required": required} if required else {})
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}


_PLAIN = frozenset({"path", "start", "end", "content", "pattern", "summary", "search", "replace", "test", "name"})
"""Parameters whose name says enough: a description costs tokens in every prompt. An error still gives it."""

_PATH = ("string", "path relative to the repository", True)

TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "list_files",
            "The files of a directory, or the functions and classes of a file.",
            {"path": ("string", "directory, pattern or file", False)},
        ),
        Tool(
            "read_file",
            "Read a file, or some of its lines.",
            {
                "path": _PATH,
                "start": ("integer", "first line, from 1", False),
                "end": ("integer", "last line", False),
            },
        ),
        Tool(
            "search",
            "Find text or a regular expression.",
            {
                "pattern": ("string", "text to find", True),
                "path": ("string", "directory or file", False),
            },
        ),
        Tool(
            "find_definition",
            "Where a name such as Box.add is defined and used.",
            {"name": ("string", "of a function, class or variable", True)},
        ),
        Tool(
            "edit_file",
            "Change a file.",
            {
                "path": _PATH,
                "search": ("string", "the lines as they are, unique in the file", False),
                "replace": ("string", "the new lines", False),
                "function": ("string", "its name, such as Box.add", False),
                "diff": ("string", "unified diff of the file", False),
                "insert_line": ("integer", "the line after which `replace` comes in; 0: before the first", False),
            },
        ),
        Tool(
            "create_file",
            "Create a new file, or write a small one anew.",
            {"path": _PATH, "content": ("string", "the whole content", True)},
        ),
        Tool("read_log", "What the last run of the tests printed.", {"test": ("string", "only this one", False)}),
        Tool("run_tests", "Run the goal tests on your edits.", {}),
        Tool("finish", "Say that the fix is complete.", {"summary": ("string", "what was wrong", False)}),
    )
}

_NAMES = {
    "list_files": (
        *("ls", "list", "list_dir", "list_directory", "glob", "find_files", "tree"),
        *("outline", "symbols", "list_symbols", "document_symbols", "get_outline", "file_outline", "structure"),
    ),
    "read_log": ("log", "logs", "test_log", "last_log", "read_logs", "test_output", "get_log"),
    "read_file": (
        "read",
        "cat",
        "open",
        "open_file",
        "view",
        "view_file",
        "show_file",
        "get_file",
        "file_read",
        "read_files",
    ),
    "search": ("grep", "rg", "find", "search_files", "search_code", "code_search", "find_text", "grep_search"),
    "find_definition": (
        "find_name",
        "definition",
        "goto_definition",
        "find_symbol",
        "symbol",
        "find_references",
        "references",
    ),
    "edit_file": (
        "edit",
        "replace",
        "str_replace",
        "apply_edit",
        "search_replace",
        "modify_file",
        "patch",
        "apply_patch",
        "apply_diff",
        "update_file",
        *("replace_function", "edit_function", "update_function", "replace_in_file", "edit_files", "multi_edit"),
        *("str_replace_editor", "str_replace_based_edit_tool", "text_editor"),
        *("replace_string_in_file", "multi_replace_string_in_file", "search_and_replace"),
        *("insert", "insert_text", "insert_line", "insert_lines", "insert_code", "insert_at_line"),
    ),
    "create_file": ("create", "new_file", "write", "write_file", "add_file", "file_write"),
    "run_tests": ("test", "tests", "run_test", "pytest", "execute_tests", "run"),
    "finish": ("done", "submit", "complete", "stop", "end", "final_answer", "finished"),
}
_ARGUMENTS = {
    "path": (
        *("file", "filename", "file_path", "file_name", "target_file", "dir", "directory", "folder", "paths", "files"),
        *("relative_path", "absolute_path", "target"),
    ),
    "start": ("start_line", "first_line", "line_start", "from", "offset", "line", "from_line"),
    "end": ("end_line", "last_line", "line_end", "to", "to_line"),
    "pattern": ("query", "regex", "text", "search", "q", "term", "string", "keyword"),
    "name": ("symbol", "identifier", "query", "function", "class", "function_name", "definition"),
    "search": (
        *("old", "old_str", "old_string", "old_text", "old_code", "old_content", "old_lines", "find", "original"),
        *("search_text", "search_string", "search_str", "search_block", "search_code", "before", "original_text"),
        *("original_code", "text_to_replace", "find_text"),
    ),
    "replace": (
        *("new", "new_str", "new_string", "new_text", "new_code", "new_content", "new_lines", "replacement", "code"),
        *("replacement_text", "replacement_string", "replacement_str", "replacement_code", "replacement_content"),
        *("replace_text", "replace_string", "replace_str", "replace_code", "replace_block", "replace_with", "with"),
        *("content", "after", "updated", "updated_text", "updated_code", "text", "body", "by", "insert", "insert_text"),
    ),
    "function": ("function_name", "name", "symbol", "class", "method", "class_name", "method_name"),
    "diff": ("patch", "unified_diff"),
    "test": ("test_id", "name", "id"),
    "content": ("contents", "text", "file_text", "code", "source", "body", "data", "file_content", "new_content"),
    "summary": ("message", "text", "answer", "reason", "result", "note"),
}
_COMMANDS = {"view": "read_file", "create": "create_file", "str_replace": "edit_file", "insert": "edit_file"}
"""What editors that are one tool with a `command` do."""

_LISTS = ("edits", "changes", "replacements", "operations", "modifications", "blocks")
_EDITS = 40  # that a call may make
_SPANS = ("viewrange", "linerange", "lines", "range", "linenumbers")
_WRAPPERS = ("arguments", "parameters", "args", "input", "params")


def understood(name: str, given: Any) -> tuple[Tool, dict[str, Any]]:
    """The tool and its own arguments, of the right types. Raises ToolError for what is missing or makes no sense."""
    tool = tool_named(name)
    values = {key: value for key, value in _unwrapped(given).items() if value is not None}
    command = values.get("command")
    if tool.name == "edit_file" and isinstance(command, str) and command in _COMMANDS:
        tool = TOOLS[_COMMANDS[command]]
    if tool.name == "edit_file":
        if command == "undo_edit":
            raise ToolError("There is no undo. Put the lines back as they were with edit_file.")
        is_insertion = command == "insert" or _squeezed(name).startswith("insert")
        each = _edits(tool, values)
        if len(each) > 1:
            return tool, _together(each, is_insertion)
        [values] = each
        _check_insert(values, is_insertion)
        tool = _maker(values)
    if tool.name == "read_file":
        values = _window(values)
    arguments = _arguments(tool, values)
    return tool, bare(arguments) if tool.name in ("edit_file", "create_file") else arguments


def tool_named(given: str) -> Tool:
    """The tool meant by this name. Raises ToolError, listing the tools, where that is in doubt."""
    name = given.strip().strip("`'\"").rsplit(".", 1)[-1].rsplit(":", 1)[-1].lower().replace("-", "_")
    if name in TOOLS:
        return TOOLS[name]
    squeezed = name.replace("_", "")
    for tool, others in _NAMES.items():
        if squeezed in {other.replace("_", "") for other in (tool, *others)}:
            return TOOLS[tool]
    near = difflib.get_close_matches(name, TOOLS, n=2, cutoff=0.75)
    if len(near) == 1:
        return TOOLS[near[0]]
    raise ToolError(f"There is no tool {given!r}. The tools are: {', '.join(TOOLS)}.")


def _arguments(tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
    taken = _named(tool, given)
    for name, (kind, text, needed) in tool.parameters.items():
        if name in taken:
            taken[name] = _integer(name, taken[name]) if kind == "integer" else _string(name, taken[name])
        elif needed:
            raise ToolError(f"{tool.name} needs `{name}`: {text}. Call it again with that.")
    return taken


def _named(tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments under the tool's own names: `newText` is `replace`, `pth` is `path`."""
    left = dict(given)
    squeezed = {_squeezed(name): name for name in reversed(left)}
    taken: dict[str, Any] = {}
    for name in tool.parameters:
        if name in left:
            taken[name] = left.pop(name)
    for name in tool.parameters:
        for alias in (name, *_ARGUMENTS.get(name, ())):
            known = squeezed.get(_squeezed(alias))
            if name not in taken and known in left:
                taken[name] = left.pop(known)
    for other in left:
        near = difflib.get_close_matches(_squeezed(other), [n for n in tool.parameters if n not in taken], 1, 0.75)
        taken.update(dict.fromkeys(near, left[other]))
    return taken


def _edits(tool: Tool, given: dict[str, Any]) -> list[dict[str, Any]]:
    """The edits of a call, at least one, each with what they share: those of a list, or of search/replace blocks."""
    key = next((name for name in given if _squeezed(name) in _LISTS and _listed(given[name])), "")
    shared = {name: value for name, value in given.items() if name != key}
    taken = _named(tool, shared)
    is_one = bool(str(taken.get("search") or "").strip()) and taken.get("replace") is not None
    path = _text(taken.get("path"))
    listed = _listed(given[key], path) if key else []
    if not listed and not is_one:  # text that shows blocks may be what one edit is about
        name = next((name for name in ("diff", "replace", "search") if blocks_in(_text(taken.get(name)))), "")
        if name:
            listed = blocks_in(_text(taken.pop(name)), path)
            shared = taken
    if len(listed) + is_one < 2:
        each = [_named(tool, {**shared, **(listed[0] if listed else {})})]
    else:
        common = {name: taken[name] for name in ("path",) if name in taken}
        each = [*([taken] if is_one else []), *({**common, **_named(tool, one)} for one in listed)]
    each = [part for one in each for part in of_patch(bare(one))]
    return [one for at, one in enumerate(each) if one not in each[:at] and not _changes_nothing(one)] or each[:1]


def _maker(edit: Mapping[str, Any]) -> Tool:
    """The tool that makes an edit: a patch may add a file."""
    return TOOLS["create_file" if "content" in edit else "edit_file"]


def _listed(value: Any, path: str = "") -> list[dict[str, Any]]:
    """The edits of a list, given as that, as one alone, as JSON text, as blocks or as pairs of old and new text; [] for
    anything else."""
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            return _listed(json.loads(value, strict=False), path)
        return blocks_in(value, path)
    if isinstance(value, dict):
        several = value and all(isinstance(one, dict) for one in value.values())
        return [_unwrapped(one) for one in (value.values() if several else [value]) if one]
    found: list[dict[str, Any]] = []
    for one in value if isinstance(value, list) else []:
        if isinstance(one, list):
            made = [dict(zip(("search", "replace"), one, strict=True))] if [type(t) for t in one] == [str, str] else []
        else:
            made = _listed(one, path)
        if not made:
            return []
        found += made
    return found


def _text(value: Any) -> str:
    return "" if value is None else _string("", value)


def _changes_nothing(one: Mapping[str, Any]) -> bool:
    return "search" in one and one["search"] == one.get("replace")


def _together(each: Sequence[dict[str, Any]], is_insertion: bool) -> dict[str, Any]:
    """The arguments of a call with several edits: all of them under `edits`, and the path of the first."""
    if len(each) > _EDITS:
        raise ToolError(f"Nothing was written: {len(each)} edits in a call; at most {_EDITS} are taken.")
    made = []
    for number, one in enumerate(each, 1):
        try:
            _check_insert(one, is_insertion)
            made.append(bare(_arguments(_maker(one), one)))
        except ToolError as error:
            words = str(error).removeprefix("Nothing was written: ")
            raise ToolError(f"Nothing was written, none of the {len(each)} edits. Edit {number}: {words}") from None
    return {"path": made[0]["path"], "edits": made}


def _check_insert(edit: Mapping[str, Any], is_insertion: bool) -> None:
    """Raise ToolError for an insertion that does not say where."""
    if is_insertion and not edit.keys() & {"insert_line", "search", "diff", "function", "content"}:
        raise ToolError(
            "Nothing was written: to insert give `insert_line`, the line after which (0: before the first), and "
            "`insert_text`."
        )


def _window(given: dict[str, Any]) -> dict[str, Any]:
    """`view_range: [1, 9]`, `start: "1-9"`, `path: "a.py:1-9"` and `offset`, `limit` as `start` and `end`."""
    taken = _named(TOOLS["read_file"], given)
    span = next((given[name] for name in given if _squeezed(name) in _SPANS), "")
    path = re.fullmatch(r"(.+\.\w+):(\d+(?:\s*-\s*\d+)?)", str(taken.get("path")))
    if path and "start" not in taken:
        taken["path"], span = path[1], span or path[2]
    if isinstance(taken.get("start"), str) and re.fullmatch(r"\s*\d+\s*[-:,]\s*\d+\s*", taken["start"]):
        span = taken["start"]
    numbers = re.findall(r"(?<!\d)-?\d+", str(span))[:2]
    taken |= dict(zip(("start", "end"), (max(0, int(number)) for number in numbers), strict=False))
    limit = next((given[name] for name in given if _squeezed(name) == "limit"), None)
    if limit is not None and "end" not in taken:
        taken["end"] = _integer("start", taken.get("start") or 1) + _integer("limit", limit) - 1
    return taken


def _squeezed(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _unwrapped(given: Any) -> dict[str, Any]:
    """The arguments as a mapping, also where they came as JSON text or inside one more object."""
    if isinstance(given, str) and is_patch(given):
        return {"diff": given}
    if isinstance(given, str):
        try:
            inner = json.loads(given or "{}")
        except ValueError:
            raise ToolError('The arguments are no JSON object. Send one, such as {"path": "a.py"}.') from None
        return _unwrapped(inner)  # text in text, it may be
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ToolError('The arguments are no JSON object. Send one, such as {"path": "a.py"}.')
    keys = set(given) - {"name", "tool", "type", "id"}  # a whole call inside a call
    if len(keys) == 1 and (key := next(iter(keys))) in _WRAPPERS and isinstance(given[key], dict | str):
        return _unwrapped(given[key])
    return {str(key): value for key, value in given.items()}


def _integer(name: str, value: Any) -> int:
    try:
        return int(float(value)) if not isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        raise ToolError(f"`{name}` must be a whole number, not {value!r}.") from None


def _string(name: str, value: Any) -> str:
    """Text as it is; lines given as a list joined; anything else as the JSON that the model must have meant."""
    if isinstance(value, str):
        return value
    if name == "path" and isinstance(value, list) and len(value) != 1:
        raise ToolError("One path a call. Call it once for each file.")
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    return json.dumps(value, indent=2, ensure_ascii=False)
