"""A tree to a number."""

import math
import operator

from . import tree
from .errors import CalcError

OPERATIONS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "**": operator.pow,
}


def clamp(value, low, high):
    """The value, or the bound that it passes."""
    return max(low, min(value, high))


def share(part, whole):
    """How many percent of the whole the part is."""
    return 100 * part / whole


FUNCTIONS = {
    "min": (min, None),
    "max": (max, None),
    "sqrt": (math.sqrt, 1),
    "abs": (abs, 1),
    "clamp": (clamp, 3),
    "share": (share, 2),
    "log": (lambda value, base: math.log(value) / math.log(base), 2),
}


def evaluate(node, names):
    """The value of a node; assignments change `names`. Raises CalcError."""
    if isinstance(node, tree.Number):
        return node.value
    if isinstance(node, tree.Name):
        if node.text not in names:
            raise CalcError("unknown name %r" % node.text)
        return names[node.text]
    if isinstance(node, tree.Negate):
        return -evaluate(node.operand, names)
    if isinstance(node, tree.Assign):
        names[node.name] = evaluate(node.value, names)
        return names[node.name]
    if isinstance(node, tree.Call):
        return call(node, names)
    return binary(node, names)


def binary(node, names):
    left = evaluate(node.left, names)
    right = evaluate(node.right, names)
    if node.symbol in "/%" and right == 0:
        raise CalcError("division by zero")
    return OPERATIONS[node.symbol](left, right)


def call(node, names):
    if node.function not in FUNCTIONS:
        raise CalcError("unknown function %r" % node.function)
    function, arity = FUNCTIONS[node.function]
    values = [evaluate(argument, names) for argument in node.arguments]
    if arity is not None and len(values) != arity:
        raise CalcError("%s takes %d arguments, not %d" % (node.function, arity, len(values)))
    return function(*values)
