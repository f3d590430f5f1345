"""What changed between two versions of a file, one definition at a time: each may be the fix of a bug."""

from __future__ import annotations

import ast
import builtins
import io
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

MOST = 15  # changed lines of a fix that counts as small
_SPACE = {tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Defined = _Function | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Change:
    """`new`, from byte `start` of the newer file on, was `old` before. `line`: the first that differs, of that file.

    `name`: of the function, method or constant, with its classes' names; empty for the whole file.
    `lines`: changed lines of code.
    """

    name: str
    line: int
    start: int
    old: str
    new: str
    lines: int


def changes(old: str, new: str) -> Iterator[Change]:
    """Each definition that is in both versions with other code, and at most MOST lines of it; then the whole file.

    Left out is what cannot be taken back alone: other parameters, or names that the newer file no longer has.
    The whole file comes only if something changed that is no such definition, or several of them did.
    SyntaxError if Python does not know one of the versions.
    """
    before, after = Version(old), Version(new)
    alone = [change for name in after.definitions if (change := _change(before, after, name))]
    yield from alone
    lines = changed(list(before.code.values()), list(after.code.values()))
    if 0 < lines <= MOST and lines != sum(change.lines for change in alone[:1]):
        yield Change("", 1 + _alike(old, new), 0, old, new, lines)


def _change(before: Version, after: Version, name: str) -> Change | None:
    old, new = before.definitions.get(name), after.definitions[name]
    if old is None or type(old) is not type(new) or _parameters(old) != _parameters(new):
        return None
    lines = changed(before.lines(old), after.lines(new))
    if not 0 < lines <= MOST or _names(old) - _names(new) - after.bound - set(dir(builtins)) - _bound(old):
        return None
    texts = before.text_of(old), after.text_of(new)
    return Change(name, _first(new) + _alike(*texts), after.start(new), *texts, lines)


def _alike(old: str, new: str) -> int:
    """How many lines are the same at the start."""
    pairs = enumerate(zip_longest(old.splitlines(), new.splitlines()))
    return next((number for number, (one, other) in pairs if one != other), 0)


def changed(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines one must touch to come from one to the other: the longer side of each difference."""
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in blocks if tag != "equal")


class Version:
    """One version of a file: its definitions by name, and its code without comments, docstrings and empty lines."""

    def __init__(self, text: str) -> None:
        self._text = text.splitlines(keepends=True)
        tree = ast.parse(text)
        self.definitions: Mapping[str, _Defined] = dict(_definitions(tree.body))
        self.code = _code(text, tree)
        self.bound = _bound(tree)

    def lines(self, node: _Defined) -> list[str]:
        return [self.code[n] for n in range(_first(node), (node.end_lineno or 0) + 1) if n in self.code]

    def text_of(self, node: _Defined) -> str:
        """Its whole lines."""
        return "".join(self._text[_first(node) - 1 : node.end_lineno])

    def start(self, node: _Defined) -> int:
        """The byte it begins at."""
        return len("".join(self._text[: _first(node) - 1]).encode())


def _first(node: _Defined) -> int:
    decorators = node.decorator_list if isinstance(node, _Function) else []
    return min([node.lineno, *(each.lineno for each in decorators)])


def _definitions(
    body: Sequence[ast.stmt], inside: str = "", seen: Counter[str] | None = None
) -> Iterator[tuple[str, _Defined]]:
    """(name, node), names that come again with the number of the time."""
    seen = Counter() if seen is None else seen
    for node in body:
        name = inside + _name(node)
        if isinstance(node, ast.ClassDef):
            yield from _definitions(node.body, f"{name}.", seen)
        elif isinstance(node, _Defined) and name != inside:
            seen[name] += 1
            yield name + (f"#{seen[name]}" if seen[name] > 1 else ""), node
        elif isinstance(node, ast.If | ast.Try):
            yield from _definitions([*node.body, *node.orelse], inside, seen)


def _name(node: ast.stmt) -> str:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return node.name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return ""


def _code(text: str, tree: ast.AST) -> dict[int, str]:
    """The code on each line that has some."""
    docstrings = {n for start, end in _docstrings(tree) for n in range(start, end + 1)}
    found: defaultdict[int, list[str]] = defaultdict(list)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SPACE and token.start[0] not in docstrings:
            for number, part in enumerate(token.string.split("\n"), token.start[0]):
                found[number].append(part)
    return {number: " ".join(parts) for number, parts in sorted(found.items())}


def _docstrings(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """First and last line of each string that is a statement."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.end_lineno or node.lineno


def _parameters(node: _Defined) -> list[str]:
    if not isinstance(node, _Function):
        return []
    return [each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)]


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _bound(tree: ast.AST) -> set[str]:
    """Every name that is given a meaning somewhere below."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias():
                found.add((node.asname or node.name).split(".")[0])
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
    return found
