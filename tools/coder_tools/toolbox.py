"""The tools that a model acts with. Every answer is data: short, clean, and saying what to do next where it failed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from coder_tools import edit
from coder_tools.calls import TOOLS, understood
from coder_tools.files import list_files, meant, read_window
from coder_tools.formats import Format
from coder_tools.names import parsed
from coder_tools.overloads import listed, told_apart
from coder_tools.search import search
from coder_tools.symbols import Symbol, definitions, find_definitions, find_uses, outline
from coder_tools.syntax import written_for
from coder_tools.text import cap, cap_around, cap_lines, cap_name, clean, decode
from coder_tools.together import NotAll, land, places
from coder_tools.workspace import ToolError, Workspace, contained

_CONTENT_LIMIT = 400_000  # characters of a new file
_REWRITE_LINES = 200  # a file with more is edited, not written anew
_CALLS = 8  # different calls that one message may make
_SEEN_HEAD = 300  # characters of an earlier answer that are shown again
_NEXT = "Call run_tests when the change is complete."


@dataclass(frozen=True)
class ToolResult:
    """The answer to one call."""

    name: str  # as understood
    arguments: dict[str, Any]  # as understood
    text: str
    ok: bool = True
    repeated: bool = False  # asked and answered before, with no edit since
    changed: bool = False  # the workspace is not as it was
    asks: Literal["", "test", "finish"] = ""  # what the caller must see to; `text` is then provisional
    key: str = ""  # names the question and the state it was asked in


_SHOWN: Mapping[Format, tuple[str, ...]] = {
    "search": ("path", "search", "replace"),
    "function": ("path", "function", "replace"),
    "whole": ("path", "function", "replace"),
    "diff": ("path", "diff"),
}


def schemas(form: Format = "search") -> list[dict[str, Any]]:
    """All tools, as a chat model takes them; of editing only the form that is asked for. The others are taken too."""
    shown = [tool.only(_SHOWN[form]) if tool.name == "edit_file" else tool for tool in TOOLS.values()]
    return [tool.schema() for tool in shown]


class Toolbox:
    """Runs calls on a workspace.

    `seen` remembers the questions that were answered (JSON-able, altered in place, kept by the caller), so that a
    repeated one is told so. `limit` is how many characters an answer may have, `logs` what the tests printed when they
    were last run, by test.
    """

    def __init__(
        self, workspace: Workspace, seen: dict[str, str], limit: int = 8000, logs: Mapping[str, str] | None = None
    ) -> None:
        self.workspace = workspace
        self.seen = seen
        self.limit = limit
        self.logs = logs or {}

    def run_all(self, calls: Sequence[tuple[str, Any]]) -> list[ToolResult]:
        """One answer for each (name, arguments) of a message; identical calls in it are run once."""
        results: list[ToolResult] = []
        asked: set[str] = set()
        for name, arguments in calls:
            identity = json.dumps([name, arguments], sort_keys=True, default=str)
            if identity in asked:
                text = "The same call as above in this message; see the answer there."
                results.append(ToolResult(name, _as_dict(arguments), text, repeated=True))
            elif len(asked) >= _CALLS:
                text = f"Not run: at most {_CALLS} calls in one message. Send it again if you still need it."
                results.append(ToolResult(name, _as_dict(arguments), text, ok=False))
            else:
                results.append(self.run(name, arguments))
            asked.add(identity)
        return results

    def run(self, name: str, arguments: Any) -> ToolResult:
        """Run one call. Whatever is wrong with it becomes an answer that says so."""
        try:
            tool, arguments = understood(name, arguments)
        except ToolError as error:
            return ToolResult(name, _as_dict(arguments), self._fit(str(error)), ok=False)
        name = tool.name
        if name in ("run_tests", "finish"):
            asks: Literal["test", "finish"] = "test" if name == "run_tests" else "finish"
            return ToolResult(name, arguments, "", asks=asks)
        before = self.workspace.revision()
        key = _key(name, arguments, before)
        if key in self.seen:
            text = f"You already have this, and nothing has changed since. It began:\n{self.seen[key]}"
            return ToolResult(name, arguments, text, repeated=True, key=key)
        try:
            with written_for(self.workspace.python):
                text, ok = self._act(name, arguments), True
        except ToolError as error:
            text, ok = str(error), False
        text = self._fit(text)
        self.seen[key] = cap(text, _SEEN_HEAD)
        changed = self.workspace.revision() != before
        return ToolResult(name, arguments, text, ok=ok, changed=changed, key=key)

    def _fit(self, text: str) -> str:
        return cap(clean(text), self.limit)

    def _act(self, name: str, arguments: dict[str, Any]) -> str:
        limit = self.limit * 9 // 10
        match name:
            case "list_files":
                return self._list(arguments.get("path", ""), limit)
            case "read_file" if self._is_directory(arguments["path"]):
                return self._list(arguments["path"], limit)
            case "read_file":
                path = meant(self.workspace, arguments["path"])
                return read_window(self.workspace, path, arguments.get("start", 1), arguments.get("end", 0), limit)
            case "read_log":
                return self._log(arguments.get("test", "").strip(), limit)
            case "search":
                return search(self.workspace, arguments["pattern"], arguments.get("path", ""), limit)
            case "find_definition":
                return self._definition(arguments["name"].strip())
            case "edit_file" if "edits" in arguments:
                return self._edit_all(arguments["edits"])
            case "edit_file":
                return self._edit(**arguments)
            case _:
                return self._create(**arguments)

    def _definition(self, name: str) -> str:
        """Each definition with its source, then the places that use the name."""
        if not name:
            raise ToolError("The name is empty. Give the name of a function, class or variable.")
        found = self._told_apart(find_definitions(self.workspace, name), name)
        uses = find_uses(self.workspace, name)
        if not found and not uses:
            raise ToolError(f"No code here has the name {name!r}. Use search for other files.")
        parts = []
        for symbol in found[:4]:
            window = (symbol.first_line, min(symbol.last_line, symbol.first_line + 60))
            parts.append(f"{symbol.kind} {symbol.qualified}")
            parts.append(read_window(self.workspace, symbol.path, *window, self.limit // 4))
        if not found:
            parts.append(f"{name} is not defined here.")
        elif len(found) > 4:
            parts.append(f"and {len(found) - 4} more:")
            parts += [f"{s.path}, {listed(s.path, self.workspace.read(s.path), [s])[0]}" for s in found[4:20]]
        lines = [f"{use.path}:{use.line}: {use.text[:160]}" for use in uses]
        parts.append(f"used in {len(lines)} places:")
        parts.append(cap_lines(lines, self.limit // 4, "use search with a path"))
        return "\n".join(parts)

    def _told_apart(self, found: list[Symbol], name: str) -> list[Symbol]:
        """Of overloads those that the name tells, as in `add(int)`; all of them where it tells none."""
        by_file: dict[str, list[Symbol]] = {}
        for symbol in found:
            by_file.setdefault(symbol.path, []).append(symbol)
        read, wanted = self.workspace.read, parsed(name)
        return [s for path, own in by_file.items() for s in told_apart(path, read(path), own, wanted)] or found

    def _list(self, path: str, limit: int) -> str:
        """What a directory holds, or what a file defines."""
        path = path.strip().removeprefix("./")
        if not self.workspace.exists(path):
            return list_files(self.workspace, path, limit)
        lines = outline(path, self.workspace.read(path))
        if not lines:
            raise ToolError(f"{path} defines nothing, or its language is not known here. Use read_file.")
        return f"{path}:\n" + cap_lines(lines, limit, "read a part of the file")

    def _log(self, test: str, limit: int) -> str:
        """Each test's output, cut around its errors."""
        found = {name: text for name, text in self.logs.items() if test in name}
        if not found:
            there = f"There are logs of: {', '.join(list(self.logs)[:5])}" if self.logs else "Nothing failed in it"
            raise ToolError(f"The last run has no log of {test or 'any test'}. {there}. Call run_tests for a new run.")
        each = limit // len(found)
        return "\n".join(f"{name}\n{cap_around(clean(text), max(200, each))}" for name, text in found.items())

    def _is_directory(self, path: str) -> bool:
        plain = path.strip().removeprefix("./").strip("/")
        return plain in ("", ".") or any(name.startswith(f"{plain}/") for name in self.workspace.files())

    def _edit(self, path: str, **how: Any) -> str:
        path = meant(self.workspace, path, to_write=True)
        self.workspace.check_writable(path)
        landed = _landed(path, self.workspace.read(path), self.workspace.base_of(path), **how)
        self.workspace.write(path, landed.data)
        note = "" if landed.how in ("exact", "function") else f" (found although the {landed.how} differed)"
        window = read_window(self.workspace, path, max(1, landed.first_line - 2), landed.last_line + 2, self.limit // 3)
        return f"Edited{note}. Now {window}\n{_NEXT}"

    def _edit_all(self, edits: Sequence[dict[str, Any]]) -> str:
        """All of these edits, or none: they are made on the side first."""
        aside = self.workspace.over(dict(self.workspace.changes))
        faults: dict[int, str] = {}
        told: list[str] = []
        of_file: dict[str, list[int]] = {}
        for number, one in enumerate(edits):
            try:
                if "content" in one:
                    told.append(Toolbox(aside, {}, self.limit)._create(**one).removesuffix(_NEXT))
                    continue
                path = meant(aside, one["path"], to_write=True)
                aside.check_writable(path)
                of_file.setdefault(path, []).append(number)
            except ToolError as error:
                faults[number] = str(error)
        for path, numbers in of_file.items():
            before = aside.read(path)
            base = b"\n".join((aside.base_of(path), before))  # lines that an edit of this call took away are gone too
            try:
                steps = land(path, before, [partial(_change, path, base, edits[number]) for number in numbers])
                _write(aside, path, steps)
            except NotAll as error:
                faults |= {numbers[fault]: text for fault, text in error.faults}
            else:
                told.append(self._windows(aside, path, places(before, steps), len(edits)))
        if faults:
            raise _none_of(edits, faults)
        self.workspace.changes.clear()
        self.workspace.changes.update(aside.changes)
        return "\n".join([f"All {len(edits)} edits are made. Now:", *told, _NEXT])

    def _windows(self, workspace: Workspace, path: str, spans: Sequence[tuple[int, int]], shares: int) -> str:
        """The lines of a file that were edited, those that are near each other together."""
        near: list[tuple[int, int]] = []
        for first, last in ((max(1, first - 2), last + 2) for first, last in spans):
            if near and first <= near[-1][1] + 1:
                near[-1] = near[-1][0], max(near[-1][1], last)
            else:
                near.append((first, last))
        return "\n".join(read_window(workspace, path, *span, max(200, self.limit // 2 // shares)) for span in near)

    def _create(self, path: str, content: str) -> str:
        path = contained(path)
        if len(content) > _CONTENT_LIMIT:
            raise ToolError(f"The content has {len(content)} characters; at most {_CONTENT_LIMIT} are taken.")
        self.workspace.check_writable(path)
        if self.workspace.exists(path) and (data := self.workspace.read(path)).strip():
            lines = decode(path, data).text.count("\n") + 1
            if lines > _REWRITE_LINES:
                raise ToolError(f"{path} exists already ({lines} lines). Use edit_file with search and replace.")
            landed = edit.rewrite(path, data, content)
            self.workspace.write(path, landed.data)
            return f"Wrote {path} anew, {landed.last_line} lines. {_NEXT}"
        landed = edit.create(path, content)
        self.workspace.write(path, landed.data)
        return f"Created {path} with {landed.last_line} lines. {_NEXT}"


def _landed(
    path: str,
    data: bytes,
    base: bytes,
    replace: str | None = None,
    search: str = "",
    function: str = "",
    diff: str = "",
    insert_line: int | None = None,
) -> edit.Landed:
    """The file with the edit made, in whatever form it came."""
    if diff.strip():
        return edit.apply_diff(path, data, diff, base)
    if not search.strip() and not function.strip() and insert_line is None:
        raise ToolError("edit_file needs `search`: the lines to replace, or `function`: the name of a whole one.")
    if replace is None:
        raise ToolError(
            "Nothing was written: edit_file needs `replace`, the new lines. To delete the old ones send it empty."
        )
    if search.strip():
        landed = edit.replace(path, data, search, replace, base)
        if function.strip():
            _check_within(path, data, function, landed)
        return landed
    if function.strip():
        return edit.replace_function(path, data, function, replace)
    return edit.insert(path, data, insert_line or 0, replace)


def _check_within(path: str, data: bytes, function: str, landed: edit.Landed) -> None:
    """Raise ToolError for an edit outside of the function that the call names."""
    named = parsed(function).dotted
    found = [s for s in definitions(path, data) if f".{s.qualified}".endswith(f".{named}")]
    if not any(symbol.first_line <= landed.first_line <= symbol.last_line for symbol in found):
        where = ", ".join(f"lines {s.first_line} to {s.last_line}" for s in found[:5]) or f"not in {path}"
        raise ToolError(
            f"Nothing was written: `search` is at line {landed.first_line}, and {function} is {where}. "
            "Send the lines of that function, or leave `function` out."
        )


def _change(path: str, base: bytes, arguments: Mapping[str, Any], data: bytes) -> edit.Landed:
    return _landed(path, data, base, **{name: value for name, value in arguments.items() if name != "path"})


def _write(workspace: Workspace, path: str, steps: Sequence[edit.Landed]) -> None:
    """Write what several edits have made of a file. Raises NotAll with the first with which that is refused."""

    def refused(data: bytes) -> str:
        try:
            workspace.over({}).write(path, data)
        except ToolError as error:
            return str(error)
        return ""

    if words := refused(steps[-1].data):
        raise NotAll([(next(number for number, step in enumerate(steps) if refused(step.data)), words)])
    workspace.write(path, steps[-1].data)


def _none_of(edits: Sequence[Mapping[str, Any]], faults: Mapping[int, str]) -> ToolError:
    """The refusal of a call with several edits, with what is wrong with each that cannot be made."""
    count = len(edits)
    lines = [f"Nothing was written, none of the {count} edits: they land together or not at all."]
    for number, text in sorted(faults.items()):
        one = edits[number]
        begins = next((line.strip() for line in one.get("search", "").split("\n") if line.strip()), "")
        which = f"{one['path']}, `{cap_name(begins, 60)}`" if begins else one["path"]
        lines.append(f"Edit {number + 1} of {count} ({which}): {text.removeprefix('Nothing was written: ')}")
    return ToolError("\n".join([*lines, f"Send all {count} again, corrected."]))


def _as_dict(arguments: Any) -> dict[str, Any]:
    return dict(arguments) if isinstance(arguments, dict) else {"given": str(arguments)}


def _key(name: str, arguments: dict[str, Any], revision: str) -> str:
    text = json.dumps([name, arguments, revision], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
