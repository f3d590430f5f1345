"""Names and attributes: the wrong variable, two of them exchanged, the wrong member, a forgotten `self`."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations

from coder.repair.grammar import ATOM, bind
from coder.repair.scope import Known, own_nodes
from coder.repair.site import Edit, Site, shown

_MOST = 30  # names offered in one place
_MEMBERS = 5
_LIKE = 0.4  # from which likeness a member seen only at run time is offered
_SAME_NAME = 1.5  # nats for `size=size`
_DONORS = 8  # expressions of the function that are tried in the place of one
_PAIRS = 3  # of names that are exchanged in one expression
_BUILTINS = frozenset(name for name in dir(builtins) if name.islower() and not name.startswith("_"))


def edits(site: Site) -> Iterator[Edit]:
    for node in site.expressions:
        if isinstance(node, ast.Name):
            yield from _name(site, node)
        elif isinstance(node, ast.Attribute):
            yield from _attribute(site, node)
        elif isinstance(node, (ast.Call, ast.Subscript)) and _stands_alone(site, node):
            yield from _variable_for(site, node)
        yield from _exchanged(site, node)
        yield from _expression_for(site, node)


@lru_cache(maxsize=100_000)
def likeness(one: str, other: str) -> float:
    """How alike two names are, 0 to 1: shared beginning, shared end, shared words."""
    prefix = _shared_start(one, other)
    suffix = _shared_start(one[::-1], other[::-1])
    words, others = set(one.lower().strip("_").split("_")), set(other.lower().strip("_").split("_"))
    shared = len(words & others) / max(len(words), len(others))
    return max(shared, min(1.0, (prefix + suffix) / max(len(one), len(other), 1)))


def _shared_start(one: str, other: str) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def renamed(text: str, old: str, new: str) -> str:
    """An expression, given as text, with one variable in the place of another."""
    return re.sub(rf"(?<![.\w]){re.escape(old)}\b", new, text)


def members_like(site: Site, name: str) -> list[str]:
    """`self.x` for the attributes of `self` in this file that are named much like this, the likest first."""
    if "self" not in site.scopes.variables(site.function):
        return []
    near = {attr: likeness(attr.strip("_"), name.strip("_")) for attr in site.inventory.attributes_of["self"]}
    likest = sorted((attr for attr in near if near[attr] >= _LIKE and attr != name), key=lambda a: (-near[a], a))
    return [f"self.{attr}" for attr in likest[:_MEMBERS]]


def _name(site: Site, node: ast.Name) -> Iterator[Edit]:
    stored = not isinstance(node.ctx, ast.Load)
    called = site.is_called(node)
    choices = []
    for known, cost in site.names_at(node):
        if known.name != node.id and (not stored or known.kind in ("variable", "constant")):
            bonus = 1.5 * likeness(node.id, known.name) - cost - _misfit(known, called, node.id, site)
            bonus += _alike_in_type(site, node.id, known.name)
            bonus += _SAME_NAME if known.name == getattr(site.parent(node), "arg", None) else 0.0
            choices.append((bonus, known.name))
    choices.sort(key=lambda choice: (-choice[0], choice[1]))
    kind = "callee" if called else ("target" if stored else "name")
    for bonus, name in choices[:_MOST]:
        yield site.replace(node, name, kind, bonus - 0.75)
    if not stored and not called:
        yield from _member_of(site, node)
    yield from _with_self(site, node)


def _misfit(known: Known, called: bool, old: str, site: Site) -> float:
    """What speaks against a name in this role: data called, functions used as data."""
    if called:
        return {"function": -1.5, "class": -0.5, "import": -1.0, "variable": 2.0, "constant": 1.5}[known.kind]
    now = site.scopes.module_names().get(old)
    return -1.0 if now is not None and now.kind == known.kind else 0.0


def _alike_in_type(site: Site, one: str, other: str) -> float:
    """What the types seen at run time say of two names: something for the same ones, less than nothing for others."""
    kinds, others = site.types.of(one), site.types.of(other)
    if not kinds or not others:
        return 0.0
    return 0.3 if kinds & others else -0.5


def _member_of(site: Site, node: ast.Name) -> Iterator[Edit]:
    """`x` -> `x.attr`, for attributes that the file reads from a variable of that name."""
    if isinstance(site.parent(node), ast.Attribute):
        return
    for rank, (attribute, _) in enumerate(site.inventory.attributes_of.get(node.id, {}).items()):
        if rank < 12 and attribute not in site.inventory.methods:
            yield site.replace(node, f"{node.id}.{attribute}", "attribute-add", -0.2 * rank)


def _with_self(site: Site, node: ast.Name) -> Iterator[Edit]:
    function = site.module.function_of(node)
    if function is None or not function.args.args or function.args.args[0].arg not in ("self", "cls"):
        return
    owner = function.args.args[0].arg
    known = site.inventory.attributes_of["self"] + site.inventory.attributes_of["cls"]
    if node.id in known:
        bonus = 0.0 if node.id not in site.scopes.variables(function) else -0.5
        yield site.replace(node, f"{owner}.{node.id}", "self-add", bonus)
    if isinstance(node.ctx, ast.Load) and not isinstance(site.parent(node), ast.Attribute):
        near = sorted(known, key=lambda name: (-likeness(name, node.id), name))[:6]
        for rank, name in enumerate(near):
            yield site.replace(node, f"{owner}.{name}", "self-add", -1.5 - 0.3 * rank)


def _attribute(site: Site, node: ast.Attribute) -> Iterator[Edit]:
    value = bind(site.text(node.value), ATOM)
    called = site.is_called(node)
    end = site.module.span(node)[1]
    for bonus, name in _members(site, node, called):
        note = f"`.{node.attr}` becomes `.{name}`"
        yield site.splice(end - len(node.attr), end, name, "attribute", note, bonus)
    if isinstance(node.ctx, ast.Load):
        yield site.replace(node, value, "attribute-drop", -0.5)
    is_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
    if is_self and node.attr in site.scopes.visible(node):
        yield site.replace(node, node.attr, "self-drop")
    if isinstance(node.ctx, ast.Load) and not called:
        for rank, name in enumerate(site.variables_at(node)[:12]):
            yield site.replace(node, name, "name", -1.0 - 0.1 * rank)


def _members(site: Site, node: ast.Attribute, called: bool) -> list[tuple[float, str]]:
    """Other members, likeliest first: seen on the same base, used in the same way, alike."""
    stock = site.inventory
    base = node.value.id if isinstance(node.value, ast.Name) else ""
    seen: Mapping[str, int] = stock.attributes_of.get(base, {})
    same_role, other_role = (stock.methods, stock.plain_attributes)[:: 1 if called else -1]
    choices: list[tuple[float, str]] = []
    held = site.types.members(site.text(node.value)) if isinstance(node.ctx, ast.Load) else None
    there = {name for name in held or () if likeness(node.attr, name) > _LIKE}
    for name in {*seen, *same_role, *other_role, *there}:
        if name == node.attr or (name.startswith("__") and not node.attr.startswith("__")):
            continue
        if held is not None and name not in held:
            continue  # what it really was at run time has no such member
        bonus = 2.0 * likeness(node.attr, name) - 1.5
        bonus += 0.8 if name in seen else -0.7
        bonus -= 0.0 if name in same_role else 0.5 if name in there else 1.5
        choices.append((bonus, name))
    return sorted(choices, key=lambda choice: (-choice[0], choice[1]))[: _MOST + 15]


def _stands_alone(site: Site, node: ast.expr) -> bool:
    return isinstance(site.parent(node), (ast.Call, ast.Return, ast.Assign, ast.BinOp, ast.Compare, ast.keyword))


def _variable_for(site: Site, node: ast.Call | ast.Subscript) -> Iterator[Edit]:
    """A whole call or item where a plain variable was meant; those used in it first."""
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return
    inside = {below.id for below in ast.walk(node) if isinstance(below, ast.Name)}
    held = _holders(site, site.text(node))
    names = sorted(site.variables_at(node)[:12], key=lambda name: (name not in held, name not in inside))
    for rank, name in enumerate(names[:8]):
        yield site.replace(node, name, "name-for-call", -0.15 * rank + (1.0 if name in held else 0.0))


def _holders(site: Site, text: str) -> set[str]:
    """The variables of the function that are given this very expression: what it was before something changed it."""
    nodes = own_nodes(site.function) if site.function is not None else ()
    assigned = (node for node in nodes if isinstance(node, ast.Assign) and node is not site.statement)
    targets = (node.targets[0] for node in assigned if site.module.segment(node.value) == text)
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _exchanged(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`(c, r - 1)` -> `(r, c - 1)`: one variable taken for the other all through an expression."""
    if not isinstance(node, (ast.Tuple, ast.BinOp, ast.Subscript, ast.Compare, ast.Call)):
        return
    start, end = site.module.span(node)
    local = site.scopes.visible(node)
    read = [below for below in site.loads if isinstance(below, ast.Name) and below.id in local]
    names = [below for below in read if start <= site.module.span(below)[0] and site.module.span(below)[1] <= end]
    for one, other in list(combinations(dict.fromkeys(below.id for below in names), 2))[:_PAIRS]:
        text, at = "", start
        for below in names:
            first, last = site.module.span(below)
            new = {one: other, other: one}.get(below.id, below.id)
            text, at = text + site.module.text[at:first] + new, last
        note = f"`{one}` and `{other}` change places in {shown(site.module.text[start:end])}"
        yield site.splice(start, end, text + site.module.text[at:end], "exchange", note)


def _expression_for(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`row[i]` -> `rows[-1][i]`: another item or member that the function reads, those of the statement first."""
    if not isinstance(node, (ast.Name, ast.Subscript)) or not isinstance(node.ctx, ast.Load) or not site.function:
        return
    if isinstance(site.parent(node), (ast.Expr, ast.Attribute)) or site.is_called(node):
        return
    start, end = site.module.span(node)
    apart = (other for other in site.items_read if not _overlaps(site.module.span(other), start, end))
    texts = dict.fromkeys(map(site.text, apart))
    for rank, text in enumerate(list(texts)[:_DONORS]):
        yield site.replace(node, text, "expression", -0.2 * rank)


def _overlaps(span: tuple[int, int], start: int, end: int) -> bool:
    return span[0] < end and start < span[1]


def near_builtin(name: str) -> list[str]:
    """Builtins with a name like this one."""
    return [other for other in sorted(_BUILTINS) if likeness(name, other) > 0.6]
