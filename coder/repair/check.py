"""Does an edit compile, does it change anything, and is it the same as another one?

The whole file is never compiled again for a candidate: only the smallest statement around the edit that can be
compiled on its own, in a frame that stands for the function and loop it is in.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from types import CodeType

from coder.repair.site import Edit
from coder.repair.source import FUNCTIONS, LOOPS, Module

_BLOCKS = (ast.If, ast.With, ast.AsyncWith, ast.ClassDef, *FUNCTIONS, *LOOPS)


@dataclass(frozen=True)
class Unit:
    """Characters [start, end) of the file, what to put around them to compile them, and their fingerprint."""

    start: int
    end: int
    before: str
    after: str
    fingerprint: int
    after_keyword: bool  # the first word is not to be changed in this unit: `if` may have to become `elif`

    def holds(self, edit: Edit) -> bool:
        return self.start + self.after_keyword <= edit.start and edit.end <= self.end


class Checker:
    """Compiles the edits of one file. Remembers what it has seen: each different behaviour passes once."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._units: dict[tuple[ast.stmt | None, bool], Unit | None] = {}
        self._seen: set[tuple[int, int, int]] = set()

    def accepts(self, edit: Edit, statement: ast.stmt) -> bool:
        """Whether the edit compiles, changes the compiled code, and is the first to change it in this way."""
        unit = self._unit_for(edit, statement)
        if unit is None:
            return False
        text = self._module.text
        changed = text[unit.start : edit.start] + edit.text + text[edit.end : unit.end]
        mark = _fingerprint(unit.before, changed, unit.after)
        if mark is None or mark == unit.fingerprint or (unit.start, unit.end, mark) in self._seen:
            return False
        self._seen.add((unit.start, unit.end, mark))
        return True

    def _unit_for(self, edit: Edit, statement: ast.stmt) -> Unit | None:
        above: ast.AST = statement
        if edit.text.lstrip().startswith("nonlocal"):  # has a meaning only within the function around
            above = self._module.function_of(statement) or statement
            above = self._module.function_of(above) or above
        while isinstance(above, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            if isinstance(above, ast.stmt):
                for header in (True, False):
                    unit = self._unit(above, header)
                    if unit is not None and unit.holds(edit):
                        return unit
            above = self._module.parents[above]
        return self._unit(None, False)

    def _unit(self, statement: ast.stmt | None, header: bool) -> Unit | None:
        key = (statement, header)
        if key not in self._units:
            self._units[key] = self._built(statement, header)
        return self._units[key]

    def _built(self, statement: ast.stmt | None, header: bool) -> Unit | None:
        module = self._module
        if statement is None:
            start, end, before, after = 0, len(module.text), "", ""
        elif not module.starts_line(statement):
            return None
        elif header:
            if not isinstance(statement, _BLOCKS) or not module.starts_line(statement.body[0]):
                return None
            end, after = module.lines_span(statement.body[0])[0], module.indent_of(statement.body[0]) + "_body()\n"
        else:
            end, after = module.lines_span(statement)[1], ""
        if statement is not None:
            start = module.span(statement)[0]
            before = self._frame(statement) + module.indent_of(statement)
            if module.text.startswith("elif", start):
                start += 2  # compiled as the `if` that it is
        mark = _fingerprint(before, module.text[start:end], after)
        return (
            None if mark is None else Unit(start, end, before, after, mark, isinstance(statement, ast.If | ast.While))
        )

    def _frame(self, statement: ast.stmt) -> str:
        """A function and a loop around the statement, indented as the real ones are."""
        module = self._module
        function, loop = module.function_of(statement), module.loop_of(statement)
        if function is None:
            return "if 1:\n" if module.indent_of(statement) else ""
        outer = module.indent_of(function)
        word = "async def" if isinstance(function, ast.AsyncFunctionDef) else "def"
        lines = ["if 1:"] if outer else []
        lines.append(f"{outer}{word} _function():")
        if loop is not None:
            lines.append(f"{module.indent_of(loop)}while _loop:")
        return "".join(f"{line}\n" for line in lines)


def _fingerprint(before: str, text: str, after: str) -> int | None:
    """What the text compiles to, line numbers left out; None if it does not compile."""
    try:
        code = compile(before + text + after, "<candidate>", "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
    return hash(_code_key(code))


def _code_key(code: CodeType) -> tuple[object, ...]:
    consts = tuple(_code_key(c) if isinstance(c, CodeType) else (type(c).__name__, repr(c)) for c in code.co_consts)
    table = getattr(code, "co_exceptiontable", b"")
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return (code.co_code, consts, names, counts, table)
