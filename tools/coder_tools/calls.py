"""What a model means by a tool call: near-miss names and arguments are understood where that is beyond doubt."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from coder_tools.workspace import ToolError


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
    "read_file": ("read", "cat", "open", "open_file", "view", "view_file", "show_file", "get_file", "file_read"),
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
    ),
    "create_file": ("create", "new_file", "write", "write_file", "add_file", "file_write"),
    "run_tests": ("test", "tests", "run_test", "pytest", "execute_tests", "run"),
    "finish": ("done", "submit", "complete", "stop", "end", "final_answer", "finished"),
}
_ARGUMENTS = {
    "path": ("file", "filename", "file_path", "filepath", "file_name", "target_file", "dir", "directory", "folder"),
    "start": ("start_line", "first_line", "line_start", "from", "offset", "line", "from_line"),
    "end": ("end_line", "last_line", "line_end", "to", "to_line"),
    "pattern": ("query", "regex", "text", "search", "q", "term", "string", "keyword"),
    "name": ("symbol", "identifier", "query", "function", "class", "function_name", "definition"),
    "search": ("old", "old_str", "old_string", "old_text", "old_code", "find", "original", "search_text", "before"),
    "replace": ("new", "new_str", "new_string", "new_text", "new_code", "replacement", "code", "content", "after"),
    "function": ("function_name", "name", "symbol", "class"),
    "diff": ("patch", "unified_diff"),
    "test": ("test_id", "name", "id"),
    "content": ("contents", "text", "file_text", "code", "source", "body", "data"),
    "summary": ("message", "text", "answer", "reason", "result", "note"),
}
_WRAPPERS = ("arguments", "parameters", "args", "input", "params")


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


def arguments_for(tool: Tool, given: Any) -> dict[str, Any]:
    """The tool's own arguments, of the right types. Raises ToolError for one that is missing or makes no sense."""
    values = _unwrapped(given)
    taken: dict[str, Any] = {name: values.pop(name) for name in tool.parameters if name in values}
    for name in tool.parameters:
        aliases = [alias for alias in _ARGUMENTS.get(name, ()) if alias in values]
        if name not in taken and aliases:
            taken[name] = values.pop(aliases[0])
    taken = {name: value for name, value in taken.items() if value is not None}
    for name, (kind, text, needed) in tool.parameters.items():
        if name in taken:
            taken[name] = _integer(name, taken[name]) if kind == "integer" else _string(taken[name])
        elif needed:
            raise ToolError(f"{tool.name} needs `{name}`: {text}. Call it again with that.")
    return taken


def _unwrapped(given: Any) -> dict[str, Any]:
    """The arguments as a mapping, also where they came as JSON text or inside one more object."""
    if isinstance(given, str):
        try:
            given = json.loads(given or "{}")
        except ValueError:
            raise ToolError('The arguments are no JSON object. Send one, such as {"path": "a.py"}.') from None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ToolError('The arguments are no JSON object. Send one, such as {"path": "a.py"}.')
    if len(given) == 1:
        key, inner = next(iter(given.items()))
        if key in _WRAPPERS and isinstance(inner, dict | str):
            return _unwrapped(inner)
    return {str(key): value for key, value in given.items()}


def _integer(name: str, value: Any) -> int:
    try:
        return int(float(value)) if not isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        raise ToolError(f"`{name}` must be a whole number, not {value!r}.") from None


def _string(value: Any) -> str:
    """Text as it is; lines given as a list joined; anything else as the JSON that the model must have meant."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    return json.dumps(value, indent=2, ensure_ascii=False)
