"""What a change of a file is in terms of code objects: which functions get another body, and nothing else.

Exact or not at all: where a change would show in anything but the bodies of functions that have not run yet (a
default, a decorator, a constant, a class attribute, a function that was called while the modules were imported),
`Reload` is raised, and the candidate must be tried in a process that imports the changed file.
"""

from __future__ import annotations
import __future__ as futures

import ast
import inspect
import sys
from types import CodeType
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from .override import Splice, encoding_of

FUNCTION = inspect.CO_OPTIMIZED | inspect.CO_NEWLOCALS
SIGNATURE = ("co_name", "co_argcount", "co_kwonlyargcount", "co_posonlyargcount", "co_freevars")
VARARGS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


class Reload(Exception):
    """The candidate cannot be put in place here."""


class Unit(NamedTuple):
    """A function or method that can be compiled on its own."""

    first: int  # its first line, decorators included
    last: int
    chain: Tuple[str, ...]  # the statements around it, as lines of source


def _typed(value: Any) -> Any:
    """A constant such that 1, 1.0 and True, or 0.0 and -0.0, are different."""
    if isinstance(value, CodeType):
        return ("code", value.co_name, value.co_flags)
    if isinstance(value, tuple):
        return ("tuple", tuple(map(_typed, value)))
    if isinstance(value, frozenset):
        return ("frozenset", frozenset(map(_typed, value)))
    return (type(value), repr(value) if isinstance(value, (float, complex)) else value)


def _shell(code: CodeType) -> Tuple[Any, ...]:
    """All that makes a code object do what it does, but for line numbers and the code objects in it."""
    return (
        code.co_code,
        tuple(map(_typed, code.co_consts)),
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_flags,
        tuple(getattr(code, name) for name in SIGNATURE),
        getattr(code, "co_exceptiontable", b""),
    )


def _nested(code: CodeType) -> List[CodeType]:
    return [value for value in code.co_consts if isinstance(value, CodeType)]


def _all(code: CodeType) -> List[CodeType]:
    return [code, *(inner for part in _nested(code) for inner in _all(part))]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def same(one: CodeType, other: CodeType) -> bool:
    """Whether two code objects do the same, wherever they stand."""
    if _shell(one) != _shell(other):
        return False
    return all(map(same, _nested(one), _nested(other)))


def _is_function(code: CodeType) -> bool:
    """Whether function objects carry this code, and not only a statement or an expression under way."""
    return code.co_flags & FUNCTION == FUNCTION and (not code.co_name.startswith("<") or code.co_name == "<lambda>")


def _document(code: CodeType) -> Any:
    first = code.co_consts[0] if code.co_consts else None
    return first if isinstance(first, str) else None


def _signature(code: CodeType) -> Tuple[Any, ...]:
    """What of a function is fixed when it is defined."""
    arguments = code.co_argcount + code.co_kwonlyargcount + bin(code.co_flags & VARARGS).count("1")
    return (
        tuple(getattr(code, name) for name in SIGNATURE),
        code.co_varnames[:arguments],
        code.co_flags & VARARGS,
        _document(code),
    )


Spot = Tuple[int, str]  # first line and name of a code object
Pairs = List[Tuple[CodeType, CodeType]]


def spot(code: CodeType) -> Spot:
    """Where a code object stands in its file."""
    return (code.co_firstlineno, code.co_name)


def pairs(base: CodeType, new: CodeType, ran: Callable[[CodeType], bool]) -> Pairs:
    """The functions to swap. `ran`: whether a code object has been executed. Raises Reload."""
    if same(base, new):
        return []
    differs = _shell(base) != _shell(new)
    if differs and ran(base):
        raise Reload(f"{base.co_name} has already run")
    found: Pairs = []
    if _is_function(base):
        if _signature(base) != _signature(new):
            raise Reload(f"the signature of {base.co_name} changes")
        found.append((base, new))
    if not differs:
        for one, other in zip(_nested(base), _nested(new)):
            found += pairs(one, other, ran)
    return found


def _imported(tree: ast.AST) -> Iterator[str]:
    """The names that a module's own statements import. A call of `name.function` is compiled in another way if the
    name is one of these."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = (alias.asname or alias.name.split(".")[0] for alias in node.names)
            yield from (name for name in names if name != "*")
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            yield from _imported(node)


class File:
    """One file of the project, and the functions in it that can be compiled on their own."""

    def __init__(self, source: bytes, filename: str) -> None:
        """`filename`: as its code objects shall have it. Raises Reload, SyntaxError."""
        if b"\r" in source.replace(b"\r\n", b""):
            raise Reload("its line ends are not Python's")
        self._filename = filename
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._encoding = encoding_of(source).replace("utf-8-sig", "utf-8")
        tree = ast.parse(source)
        self._flags = 0
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                features = (getattr(futures, name.name) for name in node.names)
                for feature in features:  # what this Python does anyway leaves no mark in its code
                    if (feature.getMandatoryRelease() or sys.version_info) >= sys.version_info:
                        self._flags |= feature.compiler_flag
        imported = sorted(set(_imported(tree)))
        self._imports = f"import {', '.join(imported)}" if imported else ""
        self._units = list(self._find(tree.body, ()))
        self._bases: Dict[Unit, CodeType] = {}

    def _find(self, body: Sequence[ast.stmt], chain: Tuple[str, ...]) -> Iterator[Unit]:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                yield Unit(first, node.end_lineno or first, chain)
                continue
            if getattr(node, "type_params", None):
                continue  # its methods may refer to them
            head = f"class {node.name}:" if isinstance(node, ast.ClassDef) else "if 1:"
            inner = (*chain, self._text(node.lineno, node.lineno)[: node.col_offset] + head)
            if chain and _indent(chain[-1]) == _indent(inner[-1]):  # an elif
                inner = (*chain[:-1], inner[-1])
            for _, value in ast.iter_fields(node):
                for part in value if isinstance(value, list) else ():
                    yield from self._find([part] if isinstance(part, ast.stmt) else getattr(part, "body", ()), inner)

    def _text(self, first: int, last: int) -> str:
        return b"".join(self._lines[first - 1 : last]).decode(self._encoding)

    def unit(self, start: int, end: int) -> Unit:
        """The unit whose lines hold bytes [start, end). Raises Reload."""
        for unit in self._units:
            if self._starts[unit.first - 1] <= start and end <= self._starts[unit.last]:
                return unit
        raise Reload("the change is outside of functions")

    def _compile(self, unit: Unit, text: str) -> CodeType:
        above = unit.first - 1 - len(unit.chain)
        padding = self._imports + "\n" * above if above else ""
        source = padding + "".join(line + "\n" for line in unit.chain) + text
        code: CodeType = compile(source, self._filename, "exec", self._flags, dont_inherit=True)
        return code

    def base(self, unit: Unit) -> CodeType:
        """The unit as it is, compiled on its own. Raises Reload."""
        if unit not in self._bases:
            if unit.first - 1 < len(unit.chain):
                raise Reload("several statements share a line")
            try:
                code = self._compile(unit, self._text(unit.first, unit.last))
            except SyntaxError as error:
                raise Reload(f"it does not stand on its own: {error}") from None
            spots = [spot(inner) for inner in _all(code) if _is_function(inner)]
            if len(spots) > len(set(spots)):
                raise Reload("two functions share a line")
            self._bases[unit] = code
        return self._bases[unit]

    def prepare(self, unit: Unit, splices: Sequence[Splice], ran: Callable[[CodeType], bool]) -> Pairs:
        """What to swap for these splices, all within the unit, the outermost function first. Raises Reload."""
        offset = self._starts[unit.first - 1]
        source = b"".join(self._lines[unit.first - 1 : unit.last])
        for _, start, end, text in sorted(splices, key=lambda splice: -int(splice[1])):
            source = source[: start - offset] + text.encode(self._encoding) + source[end - offset :]
        try:
            new = self._compile(unit, source.decode(self._encoding))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise Reload(str(error)) from None  # the whole file has the last word on what is broken

        def runs_at_import(code: CodeType) -> bool:
            above = code.co_firstlineno < unit.first or code.co_name == "<module>"
            return above or code.co_name.startswith("<generic parameters") or ran(code)

        return pairs(self.base(unit), new, runs_at_import)
