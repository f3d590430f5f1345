"""What a model meant by its text: a plan in whatever form, a tool call written out instead of made."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from coder.policies.contract import Plan, Spent
from coder_tools.calls import tool_named
from coder_tools.formats import edits_in
from coder_tools.text import cap, clean
from coder_tools.workspace import ToolError

_LABEL = re.compile(r"^[\s>*#-]*\**(hypothesis|files?|evidence)\**\s*:\s*\**\s*(.*)$", re.IGNORECASE)
_FENCE = re.compile(
    r"```(?:json|tool_call|tool_code|tool|python)?\s*\n(.*?)```|<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL
)
_GEMMA = re.compile(r"<\|tool_call>call:(\w+)\{(.*?)\}<tool_call\|>", re.DOTALL)
_GEMMA_ARGUMENT = re.compile(r'(\w+):(?:<\|"\|>(.*?)<\|"\|>|([^,{}]+))', re.DOTALL)
_TEXT_LIMIT = 1500  # characters of a hypothesis or its evidence
_FILES = 10


def plan_of(text: str, files: Sequence[str], spent: Spent) -> Plan:
    """The plan in a reply: JSON, labelled lines, or the whole text. Only files that exist are taken."""
    found = _json_plan(text) or _labelled(text)
    hypothesis = found.get("hypothesis") or text
    mentioned = _mentioned(found.get("files") or text, files) or _mentioned(text, files)
    return Plan(
        cap(clean(hypothesis).strip(), _TEXT_LIMIT),
        tuple(mentioned[:_FILES]),
        cap(clean(found.get("evidence", "")).strip(), _TEXT_LIMIT),
        spent,
    )


def calls_in(text: str) -> list[tuple[str, Any]]:
    """(name, arguments) of calls that a model wrote into its text: as JSON, as a Python call, in its template's own
    form, or as an edit block, a diff or a whole file. In fences, in tags, or with nothing around."""
    if native := _GEMMA.findall(text):
        return [(name, {k: a or b.strip() for k, a, b in _GEMMA_ARGUMENT.findall(body)}) for name, body in native]
    fenced = [first or second for first, second in _FENCE.findall(text)]
    found = [call for piece in fenced or [text] for call in _json_calls(piece.strip()) or _python_calls(piece.strip())]
    return found or edits_in(text)


def _json_calls(piece: str) -> list[tuple[str, Any]]:
    found = []
    value = _json(piece)
    for item in value if isinstance(value, list) else [value]:
        call = item.get("function", item) if isinstance(item, dict) else None
        if not isinstance(call, dict):
            continue
        name = call.get("name") or call.get("tool")
        arguments = next((call[key] for key in ("arguments", "parameters", "args") if key in call), None)
        if isinstance(name, str) and arguments is not None:
            found.append((name, arguments))
    return found


def _python_calls(piece: str) -> list[tuple[str, Any]]:
    """Calls of the tools with literal arguments, such as read_file(path="a.py"); nothing else may stand there."""
    try:
        body = ast.parse(piece).body if piece.endswith(")") else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[tuple[str, Any]] = []
    for statement in body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name | ast.Attribute):
            return []
        try:
            tool = tool_named(ast.unparse(call.func))
            given = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
            values = dict(zip(tool.parameters, map(ast.literal_eval, call.args), strict=False))
        except (ToolError, ValueError):
            return []
        found.append((tool.name, values | given))
    return found


def _json(text: str) -> Any:
    """The value; also of JSON with the slips that small models make: Python's literals, a comma or brace too many."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        pass
    start, end = text.find("{"), text.rfind("}")
    inner = re.sub(r",(\s*[}\]])", r"\1", text[start : end + 1]) if 0 <= start < end else ""
    readers: tuple[Callable[[str], Any], ...] = (json.JSONDecoder(strict=False).decode, ast.literal_eval)
    for read in readers:
        try:
            return read(inner) if inner else None
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


def _json_plan(text: str) -> dict[str, str]:
    start, end = text.find("{"), text.rfind("}")
    value = _json(text[start : end + 1]) if 0 <= start < end else None
    if not isinstance(value, dict):
        return {}
    lowered = {str(key).lower(): item for key, item in value.items()}
    if "hypothesis" not in lowered:
        return {}
    return {key: _words(lowered[key]) for key in ("hypothesis", "files", "evidence") if key in lowered}


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value)


def _labelled(text: str) -> dict[str, str]:
    """The text after each label, up to the next."""
    found: dict[str, str] = {}
    label = ""
    for line in text.split("\n"):
        if match := _LABEL.match(line):
            label = "files" if match[1].lower().startswith("file") else match[1].lower()
            line = match[2]
        if label:
            found[label] = f"{found[label]}\n{line}" if label in found else line
    return found


def _mentioned(text: str, files: Sequence[str]) -> list[str]:
    """The files that the text names, whole or by an end of the path that only one has, in the text's order."""
    found: list[str] = []
    for word in re.findall(r"[\w./+-]*\w\.\w+", text):
        path = word.removeprefix("./")
        ends = [path] if path in files else [file for file in files if file.endswith("/" + path)]
        if len(ends) == 1 and ends[0] not in found:
            found.append(ends[0])
    return found
