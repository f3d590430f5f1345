"""A suspicious statement with all a family of edits needs to know about it, and the edits themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from coder.repair.clues import Clues
from coder.repair.grammar import ATOM, brackets, fit, level, text_level
from coder.repair.scope import Inventory, Known, Scopes, own_nodes, returned
from coder.repair.source import FUNCTIONS, Module
from coder.repair.types import Types
from coder.repair.world import NOTHING, Hunk, World

_LATER = 1.5  # nats lost by a name that is bound only further down
_KIND_COST = {"variable": 0.0, "constant": 1.0, "class": 2.0, "function": 2.0, "import": 3.0}


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters [start, end) of the file's text become `text`. `bonus` is what the family knows, in nats."""

    start: int
    end: int
    text: str
    kind: str
    note: str
    line: int
    bonus: float = 0.0
    brackets: tuple[int, int] | None = None  # a pair around it that is of no use then, and goes with it

    @property
    def reach(self) -> tuple[int, int]:
        """What is replaced, the brackets included."""
        return self.brackets or (self.start, self.end)


def shown(text: str) -> str:
    """A piece of code for a reader: one line, not long."""
    flat = re.sub(r"\s+", " ", text).strip()
    return f"`{flat}`" if len(flat) <= 60 else f"`{flat[:57]}...`"


class Site:
    """One statement of one file (for a compound statement: its header)."""

    def __init__(
        self,
        module: Module,
        inventory: Inventory,
        scopes: Scopes,
        statement: ast.stmt,
        clues: Clues,
        hunks: Sequence[Hunk] = (),
        world: World = NOTHING,
    ) -> None:
        self.module = module
        self.inventory = inventory
        self.scopes = scopes
        self.statement = statement
        self.clues = clues
        self.hunks = hunks  # of the whole file
        self.world = world
        last = (
            statement.body[0].lineno if hasattr(statement, "body") else (statement.end_lineno or statement.lineno) + 1
        )
        self.types = Types(world.observed, module.path, range(statement.lineno, max(last, statement.lineno + 1)))
        self._names: dict[ast.AST, list[tuple[Known, float]]] = {}
        self.function = statement if isinstance(statement, FUNCTIONS) else module.function_of(statement)

    @cached_property
    def expressions(self) -> list[ast.expr]:
        """The statement's own expressions with all below them, in the order of the text."""
        pending: list[ast.AST] = []
        for child in ast.iter_child_nodes(self.statement):
            if isinstance(child, ast.ExceptHandler):
                pending.extend([child.type] if child.type else [])
            elif isinstance(child, (ast.expr, ast.arguments, ast.keyword, ast.withitem)):
                pending.append(child)
        found = []
        while pending:
            node = pending.pop()
            if isinstance(node, ast.expr) and not isinstance(node, ast.FormattedValue):
                found.append(node)
            pending.extend(self._trusted(node))
        return sorted(found, key=lambda node: (node.lineno, node.col_offset, -self.module.span(node)[1]))

    def _trusted(self, node: ast.AST) -> Iterator[ast.AST]:
        """The children whose positions are right: before Python 3.12 those inside f-strings may not be."""
        for child in ast.iter_child_nodes(node):
            if isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant):
                continue
            if isinstance(node, ast.FormattedValue) and not self._reads_as(child):
                continue
            yield child

    def _reads_as(self, node: ast.AST) -> bool:
        try:
            again = ast.parse(self.module.segment(node), mode="eval").body
        except (SyntaxError, ValueError, IndexError):
            return False
        return ast.dump(again) == ast.dump(node)

    @cached_property
    def loads(self) -> list[ast.expr]:
        """The expressions that are read (not assigned to)."""
        return [node for node in self.expressions if isinstance(getattr(node, "ctx", None), ast.Load | None)]

    @cached_property
    def types_matter(self) -> bool:
        """Whether an exception here is a failure: nothing around catches it, and no test waits for one."""
        caught = any(
            isinstance(above, (ast.Try, ast.With, ast.AsyncWith)) for above in self.module.ancestors(self.statement)
        )
        return not caught and not any("RAISE" in text or "not raised" in text for text in self.clues.messages)

    @cached_property
    def is_idle(self) -> bool:
        """Whether the statement does nothing that anybody can have meant: a value left alone, a variable given to
        itself, `pass` in a branch or a loop, `return` alone where the function gives something back elsewhere."""
        statement = self.statement
        match statement:
            case ast.Pass():
                return isinstance(self.parent(statement), (ast.If, ast.For, ast.While))
            case ast.Expr(value=ast.Name() | ast.Attribute() | ast.Subscript() | ast.Compare() | ast.BinOp()):
                return True
            case ast.Assign(targets=[ast.Name() | ast.Attribute() as target]):
                return self.module.segment(target) == self.module.segment(statement.value)
            case ast.Return(value=None):
                return bool(returned(self.function))
        return False

    @cached_property
    def indent(self) -> str:
        return self.module.indent_of(self.statement)

    @cached_property
    def opening(self) -> ast.stmt | None:
        """The first statement of the function that does something: not its docstring, not a declaration."""
        body = self.function.body if self.function is not None else []
        skipped = 1 if self.function is not None and ast.get_docstring(self.function) is not None else 0
        return next((node for node in body[skipped:] if not isinstance(node, ast.Global | ast.Nonlocal)), None)

    def text(self, node: ast.expr) -> str:
        return self.module.inline(node)

    def parent(self, node: ast.AST) -> ast.AST:
        return self.module.parents[node]

    def number(self, node: ast.Constant) -> tuple[ast.expr, int | float]:
        """A number as it is read, the minus before it included: the expression, and what it is."""
        value, parent = cast(float, node.value), self.parent(node)
        if isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub):
            return parent, -value
        return node, value

    def is_called(self, node: ast.AST) -> bool:
        """Whether an expression is what a call calls."""
        return node is getattr(self.parent(node), "func", None)

    def holds(self, edit: Edit) -> bool:
        """Whether an edit changes nothing outside of the statement."""
        start, end = self.module.span(self.statement)
        return start <= edit.start and edit.end <= end

    @cached_property
    def items_read(self) -> list[ast.Subscript | ast.Attribute]:
        """The items and members that the function reads and does not call, those of the statement first."""
        around = own_nodes(self.function) if self.function is not None else ()
        found = [node for node in (*self.loads, *around) if isinstance(node, (ast.Subscript, ast.Attribute))]
        return [node for node in found if isinstance(node.ctx, ast.Load) and not self.is_called(node)]

    def names_at(self, node: ast.AST) -> list[tuple[Known, float]]:
        """Every name that can be read at a place, with the cost of taking it (0 for a local variable)."""
        found = self._names.get(node)
        if found is None:
            found = self._names[node] = self._names_at(node)
        return found

    def _names_at(self, node: ast.AST) -> list[tuple[Known, float]]:
        line = getattr(node, "lineno", self.statement.lineno)
        in_loop = self.module.loop_of(self.statement) is not None
        visible = {**self.scopes.module_names(), **self.scopes.visible(node)}
        found = []
        for known in visible.values():
            late = known.line > line or (known.line == line and known.kind == "variable")
            cost = _KIND_COST[known.kind] + (_LATER if late and not in_loop else 0.0)
            found.append((known, cost))
        return found

    def is_definition(self, node: ast.expr) -> bool:
        """Whether an expression is the name of a function, a class or a module: no value to count with or look into."""
        if not isinstance(node, ast.Name):
            return False
        if node.id in self.scopes.variables(self.function):
            return node.id in self.scopes.definitions(self.function)
        known = self.scopes.module_names().get(node.id)
        return known is not None and known.kind in ("function", "class", "import")

    def variables_at(self, node: ast.AST) -> list[str]:
        """The local variables that can be read at a place, those bound by then first."""
        pairs = [(cost, known.name) for known, cost in self.names_at(node) if known.kind == "variable"]
        return [name for cost, name in pairs if cost == 0.0] + [name for cost, name in pairs if cost > 0.0]

    # Edits

    def replace(self, node: ast.expr, text: str, kind: str, bonus: float = 0.0, note: str = "") -> Edit:
        """The expression replaced, in parentheses where precedence asks for them."""
        start, end = self.module.span(node)
        words = note or f"{shown(self.module.text[start:end])} becomes {shown(text)}"
        new = fit(self.module, node, text)
        parent = self.parent(node)
        if isinstance(node, ast.GeneratorExp) and isinstance(parent, ast.Call) and end == self.module.span(parent)[1]:
            new = f"({text})"  # the generator's brackets are the call's own
        idle = brackets(self.module, node) if level(node) < ATOM <= text_level(text) else None
        return Edit(start, end, new, kind, words, node.lineno, bonus, idle)

    def splice(self, start: int, end: int, text: str, kind: str, note: str = "", bonus: float = 0.0) -> Edit:
        """Any characters replaced."""
        old = self.module.text[start:end]
        words = note or f"{shown(old)} becomes {shown(text)}"
        return Edit(start, end, text, kind, words, self.module.line_of(start), bonus)

    def insert_before(self, anchor: ast.stmt, lines: list[str], kind: str, bonus: float = 0.0) -> Edit | None:
        """Whole lines put before a statement, at its indentation; None where nothing can stand before it."""
        is_elif = self.module.text.startswith("elif", self.module.span(anchor)[0])
        if is_elif or not self.module.starts_line(anchor) or isinstance(anchor, ast.Global | ast.Nonlocal):
            return None
        start, _ = self.module.lines_span(anchor)
        return self._inserted(start, anchor, lines, kind, "before", bonus)

    def insert_after(self, anchor: ast.stmt, lines: list[str], kind: str, bonus: float = 0.0) -> Edit | None:
        """Whole lines put after a statement, at its indentation; None where other code stands on its last line."""
        _, end = self.module.span(anchor)
        line = self.module.line_of(end)
        stop = self.module.starts[line] if line < len(self.module.starts) else len(self.module.text)
        rest = self.module.text[end:stop].strip()
        if not self.module.starts_line(anchor) or (rest and not rest.startswith("#")):
            return None
        if line == len(self.module.starts):  # the file ends without a line break
            edit = self._inserted(stop, anchor, lines, kind, "after", bonus)
            text = self.module.eol + edit.text.removesuffix("\n")
            return Edit(edit.start, edit.end, text, kind, edit.note, anchor.lineno, bonus)
        return self._inserted(stop, anchor, lines, kind, "after", bonus)

    def _inserted(self, at: int, anchor: ast.stmt, lines: list[str], kind: str, where: str, bonus: float) -> Edit:
        indent = self.module.indent_of(anchor)
        text = "".join(f"{indent}{line}\n" for line in lines)
        note = f"{shown(' '.join(lines))} is added {where} line {anchor.lineno}"
        return Edit(at, at, text, kind, note, anchor.lineno, bonus)
