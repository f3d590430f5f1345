"""What a model meant by its text: a plan in whatever form, a tool call written out instead of made."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from typing import Any

from coder.policies.contract import Plan, Spent
from coder.policies.quoted import begins_a_line, is_quoted
from coder.policies.templates import calls_of, native_calls, values
from coder_tools.calls import tool_named
from coder_tools.formats import edits_in
from coder_tools.text import cap, clean
from coder_tools.workspace import ToolError

_LABEL = re.compile(r"^[\s>*#-]*(hypothesis|files?|evidence)\**\s*:\s*\**\s*(.*)$", re.IGNORECASE)
_FENCE = re.compile(
    r"^(?P<lead>[^\n`]*)(?P<ticks>`{3,})[ \t]*(?P<kind>[\w+-]*)[^\n`]*\n(?P<body>.*?)(?:(?P=ticks)`*[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_KINDS = frozenset(("", "json", "jsonc", "tool_call", "tool_code", "tool", "python", "text", "xml"))
"""The languages of fences that hold calls. In others, and in a fence around a fence, something is quoted."""
_TAG = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_WORD, _ENDS_IN_A_NAME = re.compile(r"[\w./+-]+"), re.compile(r".*\w\.\w+", re.DOTALL)
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
    if native := native_calls(text):
        return native
    pieces, rest = _pieces(text)
    found = [call for piece in pieces for call in _json_calls(piece) or _python_calls(piece)]
    return found or _bare_calls(rest) or edits_in(text)


def _pieces(text: str) -> tuple[list[str], str]:
    """What stands in fences and tags and may be calls, and the text outside of them all."""
    found: list[str] = []
    rest: list[str] = []
    at = 0
    for fence in _FENCE.finditer(text):
        inside, outside = _tagged(text[at : fence.start()])
        found, rest = found + inside, [*rest, outside]
        at = fence.end()
        lead, before = fence["lead"].strip(), text[: fence.start()] + fence["lead"]
        if fence["kind"] in _KINDS and not lead.startswith((">", "|")) and not is_quoted(before, text[at:]):
            found += _tagged(fence["body"])[0] or [fence["body"].strip()]
    inside, outside = _tagged(text[at:])
    return found + inside, "\n".join([*rest, outside])


def _tagged(text: str) -> tuple[list[str], str]:
    """What stands in tags for calls, and the text outside of them."""
    tags = list(_TAG.finditer(text))
    made = [tag[1].strip() for tag in tags if not is_quoted(text[: tag.start()], text[tag.end() :])]
    return made, _TAG.sub("\n", text)


def _bare_calls(text: str) -> list[tuple[str, Any]]:
    """Calls with nothing around them but words."""
    start, end = text.find("{"), text.rfind("}") + 1
    if 0 <= start < end and is_quoted(text[:start], text[end:]):
        return []
    return _json_calls(text.strip()) or _python_calls(text.strip())


def _json_calls(piece: str) -> list[tuple[str, Any]]:
    return [call for value in _json(piece) for call in calls_of(value)]


def _python_calls(piece: str) -> list[tuple[str, Any]]:
    """Calls of the tools with literal arguments, such as read_file(path="a.py"); nothing else may stand there."""
    try:
        body = ast.parse(piece).body if piece.endswith(")") else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[tuple[str, Any]] = []
    for statement in body:
        call = _unprinted(statement.value) if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name | ast.Attribute):
            return []
        try:
            tool = tool_named(ast.unparse(call.func))
            given = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
            placed = dict(zip(tool.parameters, map(ast.literal_eval, call.args), strict=False))
        except (ToolError, ValueError):
            return []
        found.append((tool.name, placed | given))
    return found


def _unprinted(value: ast.expr) -> ast.expr:
    """What is printed, in the form in which Gemini's family writes its calls: print(read_file(...))."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "print" and len(value.args) == 1:
        return value.args[0]
    return value


def _json(text: str) -> list[Any]:
    """The values of a text that is JSON; else the one between its first brace and its last, with the slips that small
    models make: Python's literals, a comma or brace too many."""
    start, end = text.find("{"), text.rfind("}")
    if (found := values(text, whole=True)) or not 0 <= start < end or not begins_a_line(text[:start]):
        return found
    inner = re.sub(r",(\s*[}\]])", r"\1", text[start : end + 1])
    try:
        value, upto = json.JSONDecoder(strict=False).raw_decode(inner)
        return [value] if not inner[upto:].strip("}] \n") else []
    except (ValueError, RecursionError):
        pass
    try:
        return [ast.literal_eval(inner)]
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return []


def _json_plan(text: str) -> dict[str, str]:
    start, end = text.find("{"), text.rfind("}")
    value = next(iter(_json(text[start : end + 1])), None) if 0 <= start < end else None
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
    by_name: dict[str, list[str]] = {}
    for file in files:
        by_name.setdefault(file.rpartition("/")[2], []).append(file)
    found: dict[str, None] = {}
    for word in dict.fromkeys(_WORD.findall(text)):
        named = _ENDS_IN_A_NAME.match(word)
        path = named[0].removeprefix("./") if named else ""
        ends = [file for file in by_name.get(path.rpartition("/")[2], ()) if f"/{file}".endswith(f"/{path}")]
        whole = [file for file in ends if file == path]
        if len(whole or ends) == 1:
            found.update(dict.fromkeys(whole or ends))
    return list(found)
