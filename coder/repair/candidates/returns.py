"""What a function gives back: another value, none yet, its opposite, part by part."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from coder.repair.candidates.conditions import opposites, predicates
from coder.repair.candidates.names import members_like
from coder.repair.grammar import SUM, bind
from coder.repair.scope import BUILTINS, own_nodes, parameters, returned
from coder.repair.site import Edit, Site, shown
from coder.repair.source import FUNCTIONS

_FORMS = ("dict({})", "list({})", "tuple({})", "str({})", "''.join({})", "set({})", "sorted({})", "len({})", "not {}")
_MADE = 4  # variables that a value is made of where none is returned
_RETURNED = 6  # values of other functions
_PREDICATES = 40  # offered in the place of a constant that is returned


def edits(site: Site) -> Iterator[Edit]:
    statement = site.statement
    if isinstance(statement, ast.Return):
        yield from _other_value(site, statement)
    elif isinstance(statement, ast.Expr):
        yield from _made_return(site, statement)
    for node in site.loads:
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            yield from _yield(site, node)
        elif isinstance(node, (ast.Tuple, ast.List)) and isinstance(site.parent(node), ast.Return):
            for element in node.elts:
                yield site.replace(node, site.text(element), "return-value")
    yield from _missing(site)


def _other_value(site: Site, statement: ast.Return) -> Iterator[Edit]:
    value = statement.value
    names = site.variables_at(statement)
    if value is None:
        end = site.module.span(statement)[1]
        others = [site.text(other) for other in returned(site.function)]
        near = _returned_near(site, statement)
        plain = [*_likely_members(site), *names[:10], *others, "None", "True", "False", "self"]
        texts = [*plain, *near, *_made_of(site, names)]
        for rank, text in enumerate(dict.fromkeys(texts)):
            yield site.splice(
                end, end, f" {text}", "return-value", f"`return` becomes {shown(f'return {text}')}", -0.1 * rank
            )
        return
    others = [site.text(other) for other in returned(site.function) if other is not value]
    for rank, text in enumerate(dict.fromkeys([*others, *names[:12], *_returned_near(site, statement)])):
        yield site.replace(value, text, "return-value", -0.1 * rank)
    for rank, text in enumerate(("None", "True", "False", "self", "[]", "0", "''", "{}")):
        yield site.replace(value, text, "return-constant", -0.2 * rank)
    for rank, text in enumerate(opposites(site, value)):
        yield site.replace(value, text, "return-negate", -0.7 * rank)
    if isinstance(value, ast.Constant) and (value.value is None or isinstance(value.value, bool)):
        yield from _asked(site, statement, value)
    start, end = site.module.span(statement)
    yield site.splice(start, end, site.text(value), "return-drop", f"`return` is taken from {shown(site.text(value))}")
    yield from _joined(site, value, names)
    if isinstance(value, (ast.Name, ast.Attribute, ast.Call)):
        for rank, name in enumerate(name for name in names[:6] if name != site.text(value)):
            yield site.replace(value, f"{site.text(value)}, {name}", "return-more", -0.2 * rank)
            yield site.replace(value, f"{name}, {site.text(value)}", "return-more", -0.3 - 0.2 * rank)


def _returned_near(site: Site, statement: ast.Return) -> list[str]:
    """What the file's other functions give back, as far as it can be said here, the nearest first."""
    visible = {known.name for known, _ in site.names_at(statement)} | BUILTINS
    can_be_said = [value for value in site.inventory.returned if value.names <= visible]
    can_be_said.sort(key=lambda value: abs(value.line - statement.lineno))
    return list(dict.fromkeys(value.text for value in can_be_said if value.line != statement.lineno))[:_RETURNED]


def _joined(site: Site, value: ast.expr, names: list[str]) -> Iterator[Edit]:
    """`return x` -> `return name + x`, and the other way round, of what can be added to something."""
    if isinstance(value, (ast.Constant, ast.Compare, ast.BoolOp, ast.Lambda, ast.IfExp)):
        return
    text = bind(site.text(value), SUM)
    for rank, name in enumerate(name for name in names[:6] if name != text):
        yield site.replace(value, f"{text} + {name}", "return-more", -0.5 - 0.2 * rank)
        yield site.replace(value, f"{name} + {bind(text, SUM + 1)}", "return-more", -0.5 - 0.2 * rank)


def _made_of(site: Site, names: list[str]) -> Iterator[str]:
    """Values made of one variable, what the class's other methods give, and what the class above does."""
    for form in _FORMS:
        yield from (form.format(name) for name in names[:_MADE])
    function = site.function
    around = site.module.parents[function] if function is not None else None
    if function is None or not isinstance(around, ast.ClassDef):
        return
    for method in around.body:
        if isinstance(method, ast.FunctionDef) and method is not function and len(parameters(method.args)) == 1:
            yield f"self.{method.name}()"
    yield f"super().{function.name}({', '.join(_passed_on(function.args))})"


def _passed_on(own: ast.arguments) -> Iterator[str]:
    """A method's parameters, but the first, as arguments of a call."""
    for parameter in parameters(own)[1:]:
        name = parameter.arg
        if parameter in own.kwonlyargs:
            yield f"{name}={name}"
        else:
            yield ("*" if parameter is own.vararg else "**" if parameter is own.kwarg else "") + name


def _likely_members(site: Site) -> list[str]:
    """What a method named like an attribute gives back."""
    return members_like(site, site.function.name) if site.function is not None else []


def _asked(site: Site, statement: ast.Return, value: ast.expr) -> Iterator[Edit]:
    """`return True` -> `return not rest`: what is given back depends on something after all."""
    for rank, (text, bonus) in enumerate(predicates(site, statement)[:_PREDICATES]):
        yield site.replace(value, text, "return-predicate", bonus - 0.05 * rank)


def _made_return(site: Site, statement: ast.Expr) -> Iterator[Edit]:
    value = statement.value
    if site.function is None or (isinstance(value, ast.Constant) and isinstance(value.value, str)):
        return
    start, _ = site.module.span(statement)
    if not isinstance(value, (ast.Yield, ast.YieldFrom)):
        yield site.splice(start, start, "return ", "return-add", f"{shown(site.text(value))} is returned")
        yield site.splice(start, start, "yield ", "return-add", f"{shown(site.text(value))} is yielded", -1.0)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            target = site.text(value.func.value)
            note = f"the result of {shown(site.text(value))} is kept"
            yield site.splice(start, start, f"{target} = ", "assign-add", note)
        for rank, name in enumerate(site.variables_at(statement)[:5]):
            note = f"the result of {shown(site.text(value))} is kept in `{name}`"
            yield site.splice(start, start, f"{name} = ", "assign-add", note, -0.8 - 0.1 * rank)


def _yield(site: Site, node: ast.Yield | ast.YieldFrom) -> Iterator[Edit]:
    value = node.value
    if value is None:
        return
    text = site.text(value)
    if isinstance(node, ast.Yield):
        yield site.replace(node, f"yield from {text}", "yield-from")
        for rank, name in enumerate(site.variables_at(node)[:10]):
            yield site.replace(value, name, "return-value", -0.1 * rank)
    else:
        yield site.replace(node, f"yield {text}", "yield-from")
    if isinstance(site.parent(node), ast.Expr):
        start, end = site.module.span(node)
        yield site.splice(start, end, f"return {text}", "yield-return")


def _missing(site: Site) -> Iterator[Edit]:
    """A `return` at the end of a function that has none there, or after the suspicious statement."""
    function, statement = site.function, site.statement
    if function is None or isinstance(statement, (ast.Return, ast.Raise)):
        return
    anchors: list[ast.stmt] = []
    if not isinstance(function.body[-1], (ast.Return, ast.Raise)):
        anchors.append(function.body[-1])
    if (
        not isinstance(statement, FUNCTIONS)
        and statement not in anchors
        and site.module.blocks[statement][-1] is statement
    ):
        anchors.append(statement)
    generator = any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in own_nodes(function))
    for anchor in anchors:
        texts = [
            *(site.text(value) for value in returned(function)),
            *_assigned(anchor),
            *site.variables_at(anchor)[:10],
        ]
        texts += ["" if generator else "self", "None", "False", "True"]
        for rank, text in enumerate(dict.fromkeys(texts)):
            edit = site.insert_after(anchor, [f"return {text}".rstrip()], "return-add", -0.12 * rank)
            if edit:
                yield edit


def _assigned(statement: ast.stmt) -> list[str]:
    targets = [
        node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return list(dict.fromkeys(targets))
