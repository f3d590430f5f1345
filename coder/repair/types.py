"""Types seen at run time, and what they rule out: expressions that cannot but raise TypeError or AttributeError."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import product

from coder_tools.contract import Observed

Kinds = frozenset[str]
"""Names of types, any of which an expression may have; empty where nothing is known."""

UNKNOWN: Kinds = frozenset()
_NUMBERS = frozenset({"int", "float", "bool", "complex"})
_SEQUENCES = frozenset({"str", "bytes", "list", "tuple"})
_PLAIN = _NUMBERS | _SEQUENCES | {"dict", "set", "frozenset", "NoneType"}  # all that can be said of these is said here
_ORDERED = ("str", "bytes", "list", "tuple")
_DEFERRED = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_RESULTS = {"len": "int", "str": "str", "repr": "str", "sorted": "list", "list": "list", "tuple": "tuple", "set": "set",
            "dict": "dict", "bool": "bool", "isinstance": "bool", "any": "bool", "all": "bool"}  # fmt: skip
_SETS = frozenset({"set", "frozenset"})


class Types:
    """What is known of the expressions in one statement."""

    def __init__(self, observed: Observed, path: str, lines: range) -> None:
        self._members = observed.members
        self._seen: dict[str, Kinds] = {}
        for line in lines:
            for name, kinds in observed.lines.get((path, line), {}).items():
                self._seen[name] = self._seen.get(name, UNKNOWN) | kinds

    def __bool__(self) -> bool:
        return bool(self._seen)

    def of(self, text: str) -> Kinds:
        """The types that `x` or `x.y` had."""
        return self._seen.get(text, UNKNOWN)

    def members(self, text: str) -> frozenset[str] | None:
        """What could be asked of `x` or `x.y`; None where that is not known."""
        found: frozenset[str] = frozenset()
        for kind in self.of(text) - {"NoneType"}:
            found |= self._members.get(kind, frozenset())
        return found or None

    def cannot_work(self, statement: ast.stmt) -> bool:
        """Whether the statement raises whenever it is reached as it was: some part that is always evaluated has no
        meaning for any of the types seen."""
        return any(self._fails(node) for node in _always(statement))

    def _fails(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            kinds, name = self.of(ast.unparse(node.value)), node.attr
            return bool(kinds) and not name.startswith("__") and not any(self._may_have(kind, name) for kind in kinds)
        if isinstance(node, ast.BinOp):
            return self._never(lambda a, b: _operates(node.op, a, b), node.left, node.right)
        if isinstance(node, ast.AugAssign):
            return self._never(lambda a, b: _operates(node.op, a, b), node.target, node.value)
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            return self._never(lambda kind: kind in _NUMBERS, node.operand)
        if isinstance(node, ast.Compare):
            return self._never(lambda a, b: _compares(node.ops[0], a, b), node.left, node.comparators[0])
        if isinstance(node, ast.Subscript):
            sliced = isinstance(node.slice, ast.Slice)
            return self._never(lambda kind: kind in _SEQUENCES or (kind == "dict" and not sliced), node.value)
        if isinstance(node, (ast.For, ast.Starred)):
            return self._never(_iterates, node.iter if isinstance(node, ast.For) else node.value)
        return isinstance(node, ast.Call) and self._call_fails(node)

    def _call_fails(self, node: ast.Call) -> bool:
        if self._never(lambda kind: False, node.func):
            return True
        takes_collection = isinstance(node.func, ast.Name) and node.func.id in ("len", "sorted", "sum", "any", "all")
        if takes_collection and len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
            return self._never(_iterates, node.args[0])
        return False

    def _may_have(self, kind: str, name: str) -> bool:
        members = self._members.get(kind, frozenset())
        return name in members or bool(members & {"__getattr__", "__getattribute__"}) or kind not in self._members

    def is_ordered(self, node: ast.expr) -> bool | None:
        """Whether an operand is a string or another sequence (or a number: False), None where that is not known."""
        kinds = self._infer(node)
        if kinds and kinds <= _SEQUENCES:
            return True
        return False if kinds and kinds <= _NUMBERS else None

    def _never(self, works: Callable[..., bool], *operands: ast.expr) -> bool:
        """Whether it works for no combination of the plain types that the operands have."""
        kinds = [self._infer(operand) for operand in operands]
        return all(own and own <= _PLAIN for own in kinds) and not any(works(*each) for each in product(*kinds))

    def _infer(self, node: ast.expr) -> Kinds:
        if isinstance(node, ast.Constant):
            return frozenset({type(node.value).__name__})
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self.of(ast.unparse(node))
        if isinstance(node, ast.Compare):
            return UNKNOWN
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._infer(node.left) & self._infer(node.right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _RESULTS:
            return UNKNOWN if self.of(node.func.id) else frozenset({_RESULTS[node.func.id]})
        for form, kind in ((ast.List, "list"), (ast.Tuple, "tuple"), (ast.Dict, "dict"), (ast.JoinedStr, "str")):
            if isinstance(node, form):
                return frozenset({kind})
        return UNKNOWN


def _always(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes that are evaluated whenever the statement is reached: of a block only its header, and nothing that
    stands behind `and`, `or`, `if`, or in a function of its own."""
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.BoolOp):
            pending.append(node.values[0])
        elif isinstance(node, ast.IfExp):
            pending.append(node.test)
        elif isinstance(node, ast.Compare):
            pending += [node.left, node.comparators[0]]
        elif isinstance(node, _DEFERRED):
            continue
        elif isinstance(node, (ast.While, ast.If)):
            pending.append(node.test)
        elif isinstance(node, ast.For):
            pending.append(node.iter)
        elif node is statement or isinstance(node, (ast.expr, ast.keyword)):
            pending += [child for child in ast.iter_child_nodes(node) if isinstance(child, (ast.expr, ast.keyword))]


def _operates(operator: ast.operator, left: str, right: str) -> bool:
    if left in _NUMBERS and right in _NUMBERS:
        return True
    if isinstance(operator, ast.Mod) and left in ("str", "bytes"):
        return True
    if isinstance(operator, ast.Add):
        return left == right and left in _ORDERED
    if isinstance(operator, ast.Mult):
        return (left in _ORDERED and right in ("int", "bool")) or (right in _ORDERED and left in ("int", "bool"))
    if isinstance(operator, (ast.Sub, ast.BitAnd, ast.BitXor, ast.BitOr)):
        both = left in _SETS and right in _SETS
        return both or (isinstance(operator, ast.BitOr) and left == right == "dict")
    return False


def _compares(operator: ast.cmpop, left: str, right: str) -> bool:
    if isinstance(operator, (ast.In, ast.NotIn)):
        return _iterates(right) and (right not in ("str", "bytes") or left == right or right == "bytes")
    if isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        numbers = left in _NUMBERS and right in _NUMBERS and "complex" not in (left, right)
        return numbers or (left == right and left in _ORDERED) or (left in _SETS and right in _SETS)
    return True


def _iterates(kind: str) -> bool:
    return kind not in _NUMBERS and kind != "NoneType"
