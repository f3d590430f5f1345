"""What a call is given: exchanged, dropped, added, passed by keyword; and a function's own defaults."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise

from coder.repair.candidates.names import likeness, renamed
from coder.repair.scope import BUILTINS, callee, free_names, parameters, positional
from coder.repair.site import Edit, Site, shown
from coder.repair.source import FUNCTIONS

# What a builtin can be told besides, the likeliest first: no file has their signatures.
_OPTIONS = {
    "max": ("key=len", "default=0", "default=None"),
    "min": ("key=len", "default=0", "default=None"),
    "sorted": ("reverse=True", "key=len"),
    "sort": ("reverse=True", "key=len"),
    "enumerate": ("start=1",),
}
_CALLS = 40  # of a function in the file that are looked at for how it is called


def edits(site: Site) -> Iterator[Edit]:
    for node in site.loads:
        if isinstance(node, ast.Call):
            yield from _exchanged(site, node)
            yield from _dropped(site, node)
            yield from _added(site, node)
            yield from _starred(site, node)
    if isinstance(site.statement, FUNCTIONS):
        yield from _mutable_defaults(site, site.statement)
        yield from _parameters(site, site.statement)


def _arguments(site: Site, node: ast.Call) -> list[tuple[int, int]]:
    found = [site.module.span(argument) for argument in [*node.args, *node.keywords]]
    return sorted(found)


def _exchanged(site: Site, node: ast.Call) -> Iterator[Edit]:
    text = site.module.text
    plain = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
    for first, second in combinations(plain[:5], 2):
        (start, end), (after, stop) = site.module.span(first), site.module.span(second)
        swapped = text[after:stop] + text[end:after] + text[start:end]
        distance = plain.index(second) - plain.index(first) - 1
        note = f"{shown(text[start:end])} and {shown(text[after:stop])} change places"
        yield site.splice(start, stop, swapped, "argument-swap", note, -0.5 * distance)
    for one, other in combinations(node.keywords[:5], 2):
        if one.arg and other.arg:
            (start, end), (after, stop) = site.module.span(one.value), site.module.span(other.value)
            swapped = text[after:stop] + text[end:after] + text[start:end]
            yield site.splice(start, stop, swapped, "argument-swap", "", -1.0)


def _dropped(site: Site, node: ast.Call) -> Iterator[Edit]:
    spans = _arguments(site, node)
    if any(isinstance(argument, ast.GeneratorExp) for argument in node.args):
        return  # a generator's own span may take in the brackets of the call
    for place, (start, end) in enumerate(spans):
        note = f"the argument {shown(site.module.text[start:end])} is taken out"
        if place + 1 < len(spans):
            yield site.splice(start, spans[place + 1][0], "", "argument-drop", note)
        else:
            begin = spans[place - 1][1] if place else start
            yield site.splice(begin, end, "", "argument-drop", note)


def _added(site: Site, node: ast.Call) -> Iterator[Edit]:
    """A variable more, or a keyword that this function has or that other calls of it use."""
    spans = _arguments(site, node)
    if any(isinstance(argument, ast.GeneratorExp) for argument in node.args):
        return
    end = site.module.span(node)[1] - 1
    at, comma = (spans[-1][1], ", ") if spans else (end, "")
    missing = list(_missing(site, node))
    names = site.variables_at(node)
    for rank, name in enumerate(missing[:8]):
        yield from _by_name(site, at, comma, name, names, -0.2 * rank)
    allowed = not node.keywords
    for rank, name in enumerate([*names[:10], "None", "True", "0", "1", "''"] if allowed else ()):
        bonus = 1.0 if missing and likeness(missing[0], name) > 0.9 else -0.1 * rank
        yield site.splice(at, at, f"{comma}{name}", "argument-add", _adds(name), bonus)
    if node.args and not isinstance(node.args[0], ast.Starred):
        start = site.module.span(node.args[0])[0]
        for rank, name in enumerate([*names[:6], "self"][:7]):
            yield site.splice(start, start, f"{name}, ", "argument-add", _adds(name), -0.7 - 0.1 * rank)
    yield from _elsewhere(site, node, at, comma)
    yield from _passed_on(site, node, at, comma)
    yield from _another(site, node, at, comma)


def _passed_on(site: Site, node: ast.Call, at: int, comma: str) -> Iterator[Edit]:
    """`*args` and `**kwargs` of the function around it, which the call does not hand on."""
    own = site.function.args if site.function is not None else None
    given = {site.text(a.value) for a in node.args if isinstance(a, ast.Starred)}
    given |= {site.text(keyword.value) for keyword in node.keywords if keyword.arg is None}
    if own is not None and own.vararg is not None and own.vararg.arg not in given and not node.keywords:
        yield site.splice(at, at, f"{comma}*{own.vararg.arg}", "argument-add", _adds(f"*{own.vararg.arg}"), 0.5)
    if own is not None and own.kwarg is not None and own.kwarg.arg not in given:
        yield site.splice(at, at, f"{comma}**{own.kwarg.arg}", "argument-add", _adds(f"**{own.kwarg.arg}"), 0.5)


def _another(site: Site, node: ast.Call, at: int, comma: str) -> Iterator[Edit]:
    """`f(len(a))` -> `f(len(a), len(b))`: the last argument once more, of a variable that is named like its own."""
    last = node.args[-1] if node.args and not node.keywords else None
    if last is None or isinstance(last, (ast.Starred, ast.Constant)):
        return
    names = site.variables_at(node)
    for own in sorted(free_names(last) & set(names))[:2]:
        likest = sorted((name for name in names if name != own), key=lambda name: (-likeness(own, name), name))
        for rank, name in enumerate(likest[:3]):
            text = renamed(site.text(last), own, name)
            yield site.splice(at, at, comma + text, "argument-add", _adds(text), likeness(own, name) - 0.2 * rank)


def _adds(text: str) -> str:
    return f"the argument {shown(text)} is added"


def _missing(site: Site, node: ast.Call) -> Iterator[str]:
    """Parameters of functions of that name in this file which the call does not give."""
    name = callee(node)
    signatures = list(site.inventory.signatures.get(name, ()))
    if name in site.inventory.classes or name == "cls":
        signatures += site.inventory.signatures.get("__init__", [])
    given = {keyword.arg for keyword in node.keywords}
    for arguments in signatures:
        for arg in [*positional(arguments)[len(node.args) :], *(arg.arg for arg in arguments.kwonlyargs)]:
            if arg not in given:
                yield arg


def _by_name(site: Site, at: int, comma: str, parameter: str, names: list[str], bonus: float) -> Iterator[Edit]:
    alike = sorted(names, key=lambda name: -likeness(parameter, name))[:3]
    for rank, value in enumerate(dict.fromkeys([*alike, "True", "False", "None"])):
        text = f"{parameter}={value}"
        extra = 1.0 if value == parameter else -0.3 * rank
        yield site.splice(at, at, comma + text, "keyword-add", _adds(text), bonus + extra)


def _elsewhere(site: Site, node: ast.Call, at: int, comma: str) -> Iterator[Edit]:
    """The next argument, and keywords, as other calls of the same function in the file write them or a builtin has
    them."""
    given = {keyword.arg for keyword in node.keywords}
    seen = {option for option in _OPTIONS.get(callee(node), ()) if option.split("=")[0] not in given}
    calls = [other for other in site.inventory.calls.get(callee(node), ())[:_CALLS] if other is not node]
    visible = {known.name for known, _ in site.names_at(node)} | BUILTINS
    after = [other.args[len(node.args)] for other in calls if len(other.args) > len(node.args)] if not given else []
    next_ones = Counter(site.text(argument) for argument in after if free_names(argument) <= visible)
    for rank, (text, _) in enumerate(next_ones.most_common(12)):
        yield site.splice(at, at, comma + text, "argument-add", _adds(text), 0.8 - 0.1 * rank)
    for other in calls:
        for keyword in other.keywords:
            if keyword.arg and keyword.arg not in given:
                seen.add(f"{keyword.arg}={site.text(keyword.value)}")
    for rank, text in enumerate(sorted(seen, key=len)[:8]):
        yield site.splice(at, at, comma + text, "keyword-add", _adds(text), -0.2 * rank)


def _starred(site: Site, node: ast.Call) -> Iterator[Edit]:
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            yield site.splice(*site.module.span(argument), site.text(argument.value), "star")
        elif isinstance(argument, (ast.Name, ast.Attribute, ast.Call)) and not site.is_definition(argument):
            yield site.splice(*site.module.span(argument), f"*{site.text(argument)}", "star")
            for keyword in ("key", "default", "reverse"):
                known = any(
                    k.arg == keyword for other in site.inventory.calls.get(callee(node), ()) for k in other.keywords
                )
                if known and argument is not node.args[0]:
                    text = f"{keyword}={site.text(argument)}"
                    yield site.splice(*site.module.span(argument), text, "keyword-add")
    for word in node.keywords:
        if word.arg is not None and word is node.keywords[0]:
            yield site.splice(*site.module.span(word), site.text(word.value), "keyword-drop")


def _mutable_defaults(site: Site, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Edit]:
    """`def f(x=[])` -> `def f(x=None)` and, before the body, `if x is None: x = []`."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True))
    pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
    body = function.body[1:] if ast.get_docstring(function) is not None and len(function.body) > 1 else function.body
    if not site.module.starts_line(body[0]):
        return
    for argument, default in pairs:
        if not isinstance(default, (ast.List, ast.Dict, ast.Set, ast.Call)):
            continue
        start, end = site.module.span(default)
        stop = site.module.lines_span(body[0])[0]
        indent, name, text = site.module.indent_of(body[0]), argument.arg, site.text(default)
        unit = indent.removeprefix(site.indent) or "    "
        guard = f"{indent}if {name} is None:\n{indent}{unit}{name} = {text}\n"
        note = f"the default of `{name}` is made anew for every call"
        yield site.splice(start, stop, "None" + site.module.text[end:stop] + guard, "mutable-default", note)


def _parameters(site: Site, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Edit]:
    """Parameters exchanged, `self` forgotten."""
    own = [arg for arg in function.args.args if arg.arg not in ("self", "cls")]
    text = site.module.text
    for first, second in pairwise(own):
        (start, end), (after, stop) = site.module.span(first), site.module.span(second)
        yield site.splice(start, stop, text[after:stop] + text[end:after] + text[start:end], "parameter-swap")
    in_class = isinstance(site.parent(function), ast.ClassDef)
    if in_class and len(own) == len(function.args.args):
        first_parameter = parameters(function.args)[:1]
        place = site.module.find_between(
            site.module.index(function.lineno, function.col_offset), site.module.span(function.body[0])[0], r"\("
        )
        if place:
            text = "self, " if first_parameter else "self"
            yield site.splice(place[1], place[1], text, "self-add", "the parameter `self` is added")
