"""Operator precedence: what must be put in parentheses where."""

from __future__ import annotations

import ast
import contextlib
from functools import lru_cache

from coder.repair.source import Module

TUPLE, NAMED, LAMBDA, TERNARY, OR, AND, NOT, COMPARE, BIT_OR = range(9)
BIT_XOR, BIT_AND, SHIFT, SUM, PRODUCT, UNARY, POWER, AWAIT, ATOM = range(9, 18)

BINARY: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", SUM),
    ast.Sub: ("-", SUM),
    ast.Mult: ("*", PRODUCT),
    ast.Div: ("/", PRODUCT),
    ast.FloorDiv: ("//", PRODUCT),
    ast.Mod: ("%", PRODUCT),
    ast.MatMult: ("@", PRODUCT),
    ast.Pow: ("**", POWER),
    ast.LShift: ("<<", SHIFT),
    ast.RShift: (">>", SHIFT),
    ast.BitOr: ("|", BIT_OR),
    ast.BitXor: ("^", BIT_XOR),
    ast.BitAnd: ("&", BIT_AND),
}
BINARY_LEVEL = dict(BINARY.values())

COMPARISON: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}

_LEVELS: dict[type[ast.expr], int] = {
    ast.Tuple: TUPLE,
    ast.Yield: TUPLE,
    ast.YieldFrom: TUPLE,
    ast.Starred: TUPLE,
    ast.NamedExpr: NAMED,
    ast.Lambda: LAMBDA,
    ast.IfExp: TERNARY,
    ast.Compare: COMPARE,
    ast.Await: AWAIT,
}


def level(node: ast.expr) -> int:
    """How tightly an expression binds when written without parentheses."""
    if isinstance(node, ast.BinOp):
        return BINARY[type(node.op)][1]
    if isinstance(node, ast.BoolOp):
        return AND if isinstance(node.op, ast.And) else OR
    if isinstance(node, ast.UnaryOp):
        return NOT if isinstance(node.op, ast.Not) else UNARY
    return _LEVELS.get(type(node), ATOM)


@lru_cache(maxsize=50_000)
def text_level(text: str) -> int:
    """How tightly an expression given as text binds; one that only parses inside brackets binds loosest."""
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return TUPLE
    if isinstance(node, ast.Tuple) and text.startswith("(") and node.col_offset == 0 and text.endswith(")"):
        return ATOM if _one_pair(text) else TUPLE
    return level(node) if node.col_offset == 0 else ATOM


def _one_pair(text: str) -> bool:
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return position == len(text) - 1
    return False


def required(module: Module, node: ast.expr) -> int:
    """How tightly a text must bind to stand in the place of `node` without parentheses."""
    parent = module.parents[node]
    if isinstance(parent, ast.BinOp):
        own = BINARY[type(parent.op)][1]
        if own == POWER:
            return AWAIT if node is parent.left else UNARY
        return own if node is parent.left else own + 1
    if isinstance(parent, ast.BoolOp):
        return NOT if isinstance(parent.op, ast.And) else AND
    if isinstance(parent, ast.UnaryOp):
        return NOT if isinstance(parent.op, ast.Not) else UNARY
    if isinstance(parent, ast.IfExp):
        return LAMBDA if node is parent.orelse else OR
    if isinstance(parent, ast.comprehension):
        return OR if node is not parent.target else TUPLE
    if isinstance(parent, (ast.Attribute, ast.Await)) or node is getattr(parent, "func", None):
        return ATOM
    if isinstance(parent, ast.Subscript):
        return ATOM if node is parent.value else TUPLE
    return _SIMPLE.get(type(parent), LAMBDA if isinstance(parent, ast.expr) else TUPLE)


_SIMPLE: dict[type[ast.AST], int] = {
    ast.Compare: BIT_OR,
    ast.Starred: BIT_OR,
    ast.Call: NAMED,
    ast.keyword: LAMBDA,
    ast.arguments: LAMBDA,
    ast.withitem: LAMBDA,
    ast.If: NAMED,
    ast.While: NAMED,
    ast.Assert: LAMBDA,
    ast.FormattedValue: OR,
    ast.Raise: LAMBDA,
    ast.ExceptHandler: LAMBDA,
}


def parenthesised(module: Module, node: ast.expr) -> bool:
    """Whether brackets stand right around the expression in the text."""
    start, end = module.span(node)
    before = module.text[:start].rstrip()[-1:] if start < 200 else module.text[start - 200 : start].rstrip()[-1:]
    after = module.text[end : end + 200].lstrip()[:1]
    return before == "(" and after == ")"


def brackets(module: Module, node: ast.expr) -> tuple[int, int] | None:
    """From which character to which one a pair of brackets reaches that stands around the expression only to group it;
    None if there is none, or what stands before it would run into the expression without it."""
    if not parenthesised(module, node) or isinstance(
        module.parents[node], (ast.Call, ast.ClassDef, ast.FormattedValue)
    ):
        return None
    start, end = module.span(node)
    start, end = len(module.text[:start].rstrip()) - 1, module.text.index(")", end) + 1
    before = module.text[start - 1 : start]
    return None if before.isalnum() or before == "_" else (start, end)


def fit(module: Module, node: ast.expr, text: str) -> str:
    """The text, in parentheses if the place of `node` asks for them."""
    need = required(module, node)
    if text_level(text) >= need or parenthesised(module, node):
        return text
    return f"({text})"


def bind(text: str, need: int) -> str:
    """The text, in parentheses unless it binds at least as tightly as `need`."""
    return text if text_level(text) >= need else f"({text})"


def stepped(text: str, by: int) -> str:
    """An expression, given as text, and one more (1) or one less (-1), written as a person would."""
    with contextlib.suppress(SyntaxError, ValueError):
        node = ast.parse(text, mode="eval").body
        match node:
            case ast.BinOp(left, ast.Add() | ast.Sub(), ast.Constant(int(number))):
                by += number if isinstance(node.op, ast.Add) else -number
                text = ast.get_source_segment(text, left) or text
                if not by:
                    return text
    return f"{bind(text, SUM)} {'+' if by > 0 else '-'} {abs(by)}"


def negated(module: Module, node: ast.expr) -> str:
    """The opposite condition, written as a person would."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return module.inline(node.operand)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        opposite = {"==": "!=", "<": ">=", ">": "<=", "is": "is not", "in": "not in"}
        opposite |= {new: old for old, new in opposite.items()}
        left, right = (bind(module.inline(side), BIT_OR) for side in (node.left, node.comparators[0]))
        return f"{left} {opposite[COMPARISON[type(node.ops[0])]]} {right}"
    return f"not {bind(module.inline(node), NOT)}"
