"""Conditions: turned round, made stronger or weaker, dropped, added, or fixed to true or false."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from coder.repair.candidates.names import likeness, renamed
from coder.repair.grammar import AND, NOT, OR, bind, negated, text_level
from coder.repair.site import Edit, Site, shown

_PREDICATES = 90  # offered for one condition
_FORMS = (
    "{} is not None", "{}", "not {}", "{} is None", "{} > 0", "{} < 0", "{} == 0", "{} != 0", "len({}) > 0",
    "{} > 1", "{} >= 0", "{} == 1", "{} == ''", "len({}) == 1",
)  # fmt: skip


def edits(site: Site) -> Iterator[Edit]:
    for node in site.loads:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield site.replace(node, site.text(node.operand), "condition-negate")
        elif isinstance(node, ast.IfExp):
            yield from _ternary(site, node)
        if isinstance(node, ast.BoolOp):
            yield from _operands(site, node)
            yield from _none_only(site, node)
        if _is_condition(site, node):
            yield from _negations(site, node)
        if isinstance(node, (ast.Name, ast.Attribute)) and _is_condition(site, node):
            yield from _sharpened(site, node)
        elif isinstance(node, ast.Compare):
            yield from _blunted(site, node)
    yield from _keywords(site)


def joined(site: Site) -> Iterator[Edit]:
    """Conditions made stronger or weaker by another one, and filters: a family of its own, as these are many."""
    for node in site.loads:
        if _is_condition(site, node) and not isinstance(site.parent(node), ast.BoolOp):
            yield from _joined(site, node)
        for generator in getattr(node, "generators", ()):
            yield from _filters(site, node, generator)


def _is_condition(site: Site, node: ast.expr) -> bool:
    parent = site.parent(node)
    if isinstance(parent, (ast.If, ast.While, ast.IfExp, ast.Assert)):
        return node is parent.test
    if isinstance(parent, ast.comprehension):
        return node in parent.ifs
    if isinstance(parent, (ast.Return, ast.Assign, ast.Lambda, ast.GeneratorExp, ast.ListComp)):
        return _is_truth(node)
    return isinstance(parent, ast.BoolOp)


def _is_truth(node: ast.expr) -> bool:
    """Whether an expression is true or false by its form, wherever it stands."""
    if isinstance(node, ast.BoolOp):
        return any(map(_is_truth, node.values))
    return isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))


def _negations(site: Site, node: ast.expr) -> Iterator[Edit]:
    for rank, text in enumerate(opposites(site, node)):
        yield site.replace(node, text, "condition-negate", -1.0 * rank)
    if not isinstance(node, ast.Constant) and not isinstance(site.parent(node), ast.BoolOp):
        yield site.replace(node, "True", "condition-fixed")
        yield site.replace(node, "False", "condition-fixed", -0.2)


def opposites(site: Site, node: ast.expr) -> list[str]:
    """The negation as one would write it, then with a plain `not`."""
    plain = f"not {bind(site.text(node), NOT)}"
    return list(dict.fromkeys([negated(site.module, node), plain]))


def _operands(site: Site, node: ast.BoolOp) -> Iterator[Edit]:
    """One part of an `and` / `or` left out."""
    for value in node.values:
        rest = [other for other in node.values if other is not value]
        word = " and " if isinstance(node.op, ast.And) else " or "
        if len(rest) == 1:
            text = site.text(rest[0])
        else:
            text = word.join(bind(site.text(other), NOT if word == " and " else AND) for other in rest)
        note = f"{shown(site.text(value))} is dropped from {shown(site.text(node))}"
        yield site.replace(node, text, "condition-drop", note=note)


def _none_only(site: Site, node: ast.BoolOp) -> Iterator[Edit]:
    """`a or b`, which takes `b` for whatever is empty or zero -> `a if a is not None else b`."""
    first, *rest = node.values
    if not isinstance(node.op, ast.Or) or len(rest) != 1 or _is_condition(site, node):
        return
    if isinstance(first, (ast.Name, ast.Attribute, ast.Subscript)):
        value, other = site.text(first), bind(site.text(rest[0]), OR)
        yield site.replace(node, f"{value} if {value} is not None else {other}", "or-none")


def _ternary(site: Site, node: ast.IfExp) -> Iterator[Edit]:
    body, test, other = site.text(node.body), site.text(node.test), site.text(node.orelse)
    yield site.replace(node, body, "ternary-drop")
    yield site.replace(node, other, "ternary-drop")
    yield site.replace(node, f"{bind(other, AND)} if {test} else {bind(body, AND)}", "condition-negate")


def _joined(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`c` -> `c and p`, `c or p` and the other way round, with predicates that make sense here."""
    own = site.text(node)
    for rank, (text, bonus) in enumerate(predicates(site, node)[:_PREDICATES]):
        if text == own:
            continue
        for word in ("and", "or"):
            need = NOT if word == "and" else AND
            after = f"{bind(own, need)} {word} {bind(text, need)}"
            before = f"{bind(text, need)} {word} {bind(own, need)}"
            kind = "condition-add"
            note = f"{shown(own)} becomes {shown(after)}"
            yield site.replace(node, after, kind, bonus - 0.05 * rank, note)
            if rank < 40:
                yield site.replace(node, before, kind, bonus - 0.05 * rank - 0.4)


def predicates(site: Site, node: ast.AST) -> list[tuple[str, float]]:
    """Conditions that could be asked here, likeliest first: the file's own, and some of the variables near."""
    visible = {known.name for known, _ in site.names_at(node)}
    local = set(site.scopes.visible(node))
    here = getattr(node, "lineno", 0)
    place = node if isinstance(node, ast.expr) else site.statement
    near = {below.id for below in ast.walk(place) if isinstance(below, ast.Name)}
    found: dict[str, float] = {}
    for predicate in site.inventory.predicates:
        if predicate.names <= visible | {"len", "isinstance", "hasattr", "callable"} and predicate.names & local:
            shared = len(predicate.names & near) / len(predicate.names)
            distance = min(2.0, abs(predicate.line - here) / 40)
            bonus = shared - distance
            found[predicate.text] = max(found.get(predicate.text, -9.0), bonus)
    for text, bonus in _analogues(site, node):
        found[text] = max(found.get(text, -9.0), bonus)
    for name in site.variables_at(node)[:10]:
        bonus = 0.2 if name in near else -0.8
        for cost, form in enumerate(_FORMS):
            found.setdefault(form.format(name), bonus - 0.15 * cost)
    for text in _relations(site, node, near):
        found.setdefault(text, -0.9)
    for text in _equal_members(site, node):
        found.setdefault(text, 0.8)
    for base, attribute in _members_near(site):
        for cost, form in enumerate(("{}", "not {}", "{} is not None", "{} is None")):
            found.setdefault(form.format(f"{base}.{attribute}"), -0.4 - 0.2 * cost)
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _analogues(site: Site, node: ast.AST) -> Iterator[tuple[str, float]]:
    """The condition itself, asked of another variable: `a is None` -> `b is None`."""
    if not isinstance(node, ast.expr) or len(site.text(node)) > 80:
        return
    own = sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & set(site.variables_at(node)))
    for name in own[:3]:
        for other in site.variables_at(node)[:12]:
            if other != name and other not in own:
                yield renamed(site.text(node), name, other), 0.5 * likeness(name, other) - 0.3


def _relations(site: Site, node: ast.AST, near: set[str]) -> Iterator[str]:
    """Two variables compared, one of them in the condition already."""
    names = [name for name in site.variables_at(node) if name not in ("self", "cls")][:8]
    for one in [name for name in names if name in near][:3]:
        for other in names:
            if other != one:
                yield from (f"{one} {sign} {other}" for sign in ("<", ">", "<=", ">=", "!=", "==", "in", "not in"))
        if isinstance(node, ast.Call):  # something is asked of a text: perhaps also whether it is this one
            short = [text for text, _ in site.inventory.strings.most_common(40) if len(text) == 1]
            yield from (f"{one} == {text!r}" for text in short[:12])


def _equal_members(site: Site, node: ast.AST) -> Iterator[str]:
    """`self.x == other.x`, for what the file reads of an object, where there is another one to compare it with."""
    if "self" in (names := site.variables_at(node)) and "other" in names:
        members = (m for m in site.inventory.attributes_of.get("self", ()) if m not in site.inventory.methods)
        yield from (f"self.{member} == other.{member}" for member in list(members)[:8])


def _members_near(site: Site) -> list[tuple[str, str]]:
    """The plain attributes that the statement reads, then those that the file reads of its variables."""
    stock = site.inventory
    nodes = list(ast.walk(site.statement))
    read = [(n.value.id, n.attr) for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
    names = dict.fromkeys(n.id for n in nodes if isinstance(n, ast.Name))
    read += [(name, attribute) for name in names for attribute in stock.attributes_of.get(name, ())]
    return [pair for pair in dict.fromkeys(read) if pair[1] not in stock.methods][:8]


def _sharpened(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`x` -> `x is not None` and the like: what exactly is asked."""
    text = site.text(node)
    for rank, form in enumerate(
        ("{} is not None", "{} is None", "len({}) > 1", "{} > 0", "{} == 0", "{} != ''", "callable({})")
    ):
        yield site.replace(node, form.format(text), "condition-form", -0.3 * rank)


def _blunted(site: Site, node: ast.Compare) -> Iterator[Edit]:
    """`x is not None` -> `x`, `x == 0` -> `not x`."""
    right = node.comparators[0]
    if len(node.ops) > 1 or not isinstance(right, ast.Constant) or right.value not in (None, 0, "", False, True):
        return
    text = site.text(node.left)
    positive = isinstance(node.ops[0], (ast.IsNot, ast.NotEq, ast.Gt))
    plain, opposite = text, f"not {bind(text, NOT)}"
    yield site.replace(node, plain if positive else opposite, "condition-form")
    yield site.replace(node, opposite if positive else plain, "condition-form", -0.6)


def _filters(site: Site, node: ast.expr, generator: ast.comprehension) -> Iterator[Edit]:
    """The `if` of a comprehension dropped or added."""
    text = site.module.text
    for test in generator.ifs:
        start, end = site.module.span(test)
        before = text.rindex("if", 0, start)
        while before > 0 and text[before - 1 : before].isspace():
            before -= 1
        yield site.splice(before, end, "", "condition-drop", f"the filter {shown(text[start:end])} is dropped")
    after = site.module.span(generator.ifs[-1] if generator.ifs else generator.iter)[1]
    if text[after : after + 1] == ")" and text_level(site.text(generator.iter)) < AND:
        return
    targets = [name.id for name in ast.walk(generator.target) if isinstance(name, ast.Name)]
    element: ast.expr = generator.iter if isinstance(node, ast.DictComp) else node
    forms = [f"{name}{form}" for form in ("", " is not None") for name in targets]
    forms += [p for p, _ in predicates(site, element) if any(name in p for name in targets)][:10]
    for rank, form in enumerate(dict.fromkeys(forms)):
        yield site.splice(
            after, after, f" if {form}", "condition-add", f"the filter {shown(form)} is added", -0.15 * rank
        )


def _keywords(site: Site) -> Iterator[Edit]:
    """`elif` <-> `if`, `if` <-> `while`, and an `if` made to ask for less than the block before it."""
    node, module = site.statement, site.module
    if not isinstance(node, (ast.If, ast.While)):
        return
    start, _ = module.span(node)
    if isinstance(node, ast.While):
        yield site.splice(start, start + 5, "if", "keyword-swap")
    elif module.text.startswith("elif", start):
        yield site.splice(start, start + 4, "if", "keyword-swap")
    else:
        yield site.splice(start, start + 2, "while", "keyword-swap", "", -0.5)
        block = module.blocks[node]
        before = block[block.index(node) - 1] if block.index(node) else None
        if isinstance(before, ast.If) and module.starts_line(node):
            yield site.splice(start, start + 2, "elif", "keyword-swap")
