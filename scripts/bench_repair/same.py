"""Whether a repaired file is the original again: the same program, whatever its formatting."""

from __future__ import annotations

import ast
from functools import lru_cache
from types import CodeType

_NEGATED = {ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}


def same_program(one: str, other: str) -> bool:
    """Whether two files have the same bytecode, or the same syntax tree once both are in one normal form.

    The normal form changes only what Python defines to be equal: what a negation of `is` and `in` is, conditions
    that are only asked for their truth, a `pass` beside other statements.
    """
    return _bytecode(one) == _bytecode(other) or _normal(one) == _normal(other)


@lru_cache(maxsize=64)  # one original is asked about again and again
def _bytecode(text: str) -> tuple[object, ...]:
    return _key(compile(text, "<file>", "exec"))


@lru_cache(maxsize=64)
def _normal(text: str) -> str:
    return ast.dump(_Normal().visit(ast.parse(text)))


def _key(code: CodeType) -> tuple[object, ...]:
    """All that runs, without where it stood."""
    consts = tuple(_key(c) if isinstance(c, CodeType) else (type(c).__name__, repr(c)) for c in code.co_consts)
    names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return code.co_code, code.co_exceptiontable, consts, names, counts


class _Normal(ast.NodeTransformer):
    """Rewrites a tree to its normal form."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, list) and len(value) > 1 and all(isinstance(item, ast.stmt) for item in value):
                kept = [item for item in value if not isinstance(item, ast.Pass)]
                setattr(node, name, kept or value[:1])
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        inner = node.operand
        if isinstance(node.op, ast.Not) and isinstance(inner, ast.Compare) and len(inner.ops) == 1:
            negated = _NEGATED.get(type(inner.ops[0]))
            if negated is not None:
                return ast.Compare(inner.left, [negated()], inner.comparators)
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        node.test = _truth(node.test)
        if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not) and node.orelse:
            node.test, node.body, node.orelse = node.test.operand, node.orelse, node.body
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        node.test = _truth(node.test)
        if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
            node.test, node.body, node.orelse = node.test.operand, node.orelse, node.body
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        node.test = _truth(node.test)
        return node


def _truth(test: ast.expr) -> ast.expr:
    """A condition of which only the truth is asked: negations moved in, two of them dropped."""
    if isinstance(test, ast.BoolOp):
        return ast.BoolOp(test.op, [_truth(value) for value in test.values])
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _truth(test.operand)
        if isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.Not):
            return inner.operand
        if isinstance(inner, ast.BoolOp):
            op = ast.Or() if isinstance(inner.op, ast.And) else ast.And()
            return ast.BoolOp(op, [_truth(ast.UnaryOp(ast.Not(), value)) for value in inner.values])
        return ast.UnaryOp(ast.Not(), inner)
    return test
