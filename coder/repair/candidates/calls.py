"""Which function is called: a sibling of it, none, or one more around the value."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import pairwise

from coder.repair.candidates.names import likeness
from coder.repair.grammar import ATOM, NAMED, bind
from coder.repair.scope import callee, own_nodes, positional
from coder.repair.site import Edit, Site

# Builtins and library functions that are mistaken for one another; every member may stand for every other.
_FUNCTION_SIBLINGS = (
    ("min", "max"),
    ("any", "all"),
    ("sum", "len", "max"),
    ("sorted", "reversed", "list"),
    ("list", "tuple", "set", "frozenset", "sorted", "iter", "dict"),
    ("int", "float", "round", "abs", "str"),
    ("str", "repr"),
    ("ceil", "floor", "trunc"),
    ("isinstance", "issubclass"),
    ("type", "isinstance"),
    ("map", "filter"),
    ("zip", "zip_longest", "enumerate", "chain"),
    ("range", "enumerate"),
    ("heappush", "heappop", "heappushpop", "heapreplace"),
    ("bisect_left", "bisect_right", "bisect"),
    ("deque", "list"),
    ("hasattr", "getattr"),
    ("permutations", "combinations", "product", "combinations_with_replacement"),
    ("takewhile", "dropwhile", "filterfalse"),
    ("copy", "deepcopy"),
    ("next", "iter", "list"),
    ("ord", "chr"),
    ("divmod", "pow"),
)
_METHOD_SIBLINGS = (
    ("append", "extend", "add", "appendleft", "insert"),
    ("extend", "extendleft", "update"),
    ("add", "update", "discard", "remove"),
    ("pop", "popleft", "popitem", "remove"),
    ("startswith", "endswith"),
    ("lower", "upper", "title", "capitalize", "casefold", "swapcase"),
    ("strip", "lstrip", "rstrip"),
    ("removeprefix", "removesuffix"),
    ("find", "rfind", "index"),
    ("index", "rindex", "find"),
    ("split", "rsplit", "splitlines", "partition"),
    ("partition", "rpartition"),
    ("ljust", "rjust", "center", "zfill"),
    ("keys", "values", "items"),
    ("get", "pop", "setdefault"),
    ("union", "intersection", "difference", "symmetric_difference", "update"),
    ("issubset", "issuperset", "isdisjoint"),
    ("isdigit", "isalpha", "isalnum", "isnumeric", "isdecimal", "isspace", "isidentifier"),
    ("isupper", "islower", "istitle"),
    ("match", "search", "fullmatch", "findall", "finditer"),
    ("group", "groups", "groupdict", "start", "end", "span"),
    ("sub", "subn", "replace"),
    ("encode", "decode"),
    ("sort", "reverse"),
    ("read", "readline", "readlines", "write"),
    ("write", "writelines"),
    ("rotate", "reverse"),
    ("replace", "translate"),
    ("count", "index"),
    ("popleft", "pop"),
    ("copy", "deepcopy"),
    ("is_file", "is_dir", "exists"),
    ("joinpath", "with_name"),
    ("seconds", "total_seconds"),
    ("put", "put_nowait"),
    ("get", "get_nowait"),
    ("acquire", "release"),
    ("wait", "join"),
)
_WRAPS = (
    "list",
    "sorted",
    "reversed",
    "tuple",
    "set",
    "len",
    "str",
    "int",
    "abs",
    "iter",
    "next",
    "float",
    "repr",
    "sum",
    "max",
    "min",
    "bool",
    "dict",
)
_METHODS_TO_ADD = (
    ".copy()",
    ".strip()",
    ".lower()",
    ".items()",
    ".keys()",
    ".values()",
    ".upper()",
    ".split()",
    ".rstrip()",
)


_DISTANCE = 1.5  # nats for `abs` around a difference
_HERE = 1.2  # nats for a callable that the function calls elsewhere
_METHODS = 12  # that the file calls, tried on a value that is left alone
_OWN = 10  # of the file's own callables that are put around a value


def _table(groups: tuple[tuple[str, ...], ...]) -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    for group in groups:
        for name in group:
            table.setdefault(name, []).extend(other for other in group if other != name)
    return {name: list(dict.fromkeys(others)) for name, others in table.items()}


FUNCTIONS = _table(_FUNCTION_SIBLINGS)
METHODS = _table(_METHOD_SIBLINGS)


def edits(site: Site) -> Iterator[Edit]:
    own = _callables(site)
    for node in site.loads:
        if isinstance(node, ast.Call):
            yield from _sibling(site, node)
            yield from _exchanged(site, node)
            yield from _unwrapped(site, node)
        if _value(site, node) and not site.is_definition(node):
            yield from _wrapped(site, node, own)
        if isinstance(node, (ast.Name, ast.Attribute)) and _value(site, node):
            yield from _called(site, node)
    yield from _awaited(site)
    if isinstance(site.statement, ast.Expr) and site.is_idle:
        yield from _done_with(site, site.statement.value, own)


def _done_with(site: Site, value: ast.expr, own: Mapping[str, float]) -> Iterator[Edit]:
    """`items` left alone -> `items.clear()` or `show(items)`."""
    text = bind(site.text(value), ATOM)
    for rank, (method, _) in enumerate(site.inventory.methods.most_common(_METHODS)):
        yield site.replace(value, f"{text}.{method}()", "method-add", -0.1 * rank)
    variables = [name for name in site.variables_at(value)[:_OWN] if name != text]
    for rank, name in enumerate([*own, *variables]):
        yield site.replace(value, f"{name}({text})", "wrap-own", -0.1 * rank)


def _sibling(site: Site, node: ast.Call) -> Iterator[Edit]:
    function = node.func
    if isinstance(function, ast.Name):
        for rank, name in enumerate(FUNCTIONS.get(function.id, ())):
            yield site.replace(function, name, "sibling", -0.3 * rank)
    elif isinstance(function, ast.Attribute):
        end = site.module.span(function)[1]
        table = METHODS.get(function.attr) or FUNCTIONS.get(function.attr, [])
        for rank, name in enumerate(table):
            note = f"`.{function.attr}` becomes `.{name}`"
            yield site.splice(end - len(function.attr), end, name, "sibling", note, -0.3 * rank)


def _exchanged(site: Site, node: ast.Call) -> Iterator[Edit]:
    """`min` here and `max` elsewhere in the function, each in the other's place."""
    if not isinstance(node.func, ast.Name) or site.function is None:
        return
    called = [n.func for n in own_nodes(site.function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    for other in FUNCTIONS.get(node.func.id, ()):
        names = {node.func.id: other, other: node.func.id}
        spans = sorted((*site.module.span(name), names[name.id]) for name in called if name.id in names)
        if len({name for *_, name in spans}) < 2:
            continue
        parts = [
            text for (_, end, name), (start, *_) in pairwise(spans) for text in (name, site.module.text[end:start])
        ]
        note = f"`{node.func.id}` and `{other}` change places"
        yield site.splice(spans[0][0], spans[-1][1], "".join([*parts, spans[-1][2]]), "sibling", note)


def _unwrapped(site: Site, node: ast.Call) -> Iterator[Edit]:
    """The call taken away, what it was given kept."""
    for rank, argument in enumerate(node.args):
        if isinstance(argument, ast.Starred):
            continue
        kind = "unwrap" if rank == 0 else "unwrap-other"
        yield site.replace(node, site.text(argument), kind, -0.3 * rank)
    if isinstance(node.func, ast.Attribute):
        yield site.replace(node, site.text(node.func.value), "method-drop")
    if not isinstance(site.parent(node), ast.Expr):
        yield site.replace(node, site.text(node.func), "call-drop", -0.3 if not node.args else -1.0)


def _value(site: Site, node: ast.expr) -> bool:
    """Whether the expression is a value that is used, and not a part of a name or of another wrap."""
    parent = site.parent(node)
    if isinstance(node, (ast.Constant, ast.Starred, ast.Slice, ast.Lambda, ast.Compare, ast.BoolOp)):
        return False
    if isinstance(parent, (ast.Expr, ast.Attribute, ast.Subscript)) or site.is_called(node):
        return isinstance(parent, ast.Subscript) and node is parent.slice
    return not isinstance(parent, (ast.BoolOp, ast.arguments, ast.withitem, ast.ExceptHandler, ast.FormattedValue))


def _wrapped(site: Site, node: ast.expr, own: Mapping[str, float]) -> Iterator[Edit]:
    text = bind(site.text(node), NAMED)
    already = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
    used = site.inventory.calls
    for rank, name in enumerate(_WRAPS):
        if name != already:
            bonus = _DISTANCE if name == "abs" and _is_difference(node) else 0.3 if name in used else 0.0
            yield site.replace(node, f"{name}({text})", "wrap", -0.12 * rank + bonus)
    for name, bonus in own.items():
        if name != already:
            yield site.replace(node, f"{name}({text})", "wrap-own", bonus)
    for rank, method in enumerate(_METHODS_TO_ADD):
        known = method[1:-2] in site.inventory.methods
        yield site.replace(node, bind(text, ATOM) + method, "method-add", -0.1 * rank + (0.5 if known else -0.5))


def _is_difference(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)


def _callables(site: Site) -> dict[str, float]:
    """What can be called here with one value, what this function calls first, then what the file calls most: its
    functions and classes, and names that it calls so. With the bonus of each."""
    calls = site.inventory.calls
    here = _called_in(site)
    names = [known.name for known, _ in site.names_at(site.statement) if known.name not in _WRAPS]
    single = [name for name in names if _takes_one(site, name) or any(map(_gives_one, calls.get(name, ())))]
    single.sort(key=lambda name: (name not in here, -len(calls.get(name, ()))))
    return {name: (_HERE if name in here else 0.0) - 0.15 * rank for rank, name in enumerate(single[:_OWN])}


def _called_in(site: Site) -> set[str]:
    """The names that the function around the statement calls."""
    nodes = own_nodes(site.function) if site.function is not None else ()
    return {callee(node) for node in nodes if isinstance(node, ast.Call)}


def _gives_one(call: ast.Call) -> bool:
    plain = isinstance(call.func, ast.Name) and len(call.args) == 1 and not call.keywords
    return plain and not isinstance(call.args[0], ast.Starred)


def _takes_one(site: Site, name: str) -> bool:
    for arguments in _signatures(site, name):
        own = positional(arguments)
        return len(own) - len(arguments.defaults) <= 1 <= len(own)
    return False


def _needs_arguments(site: Site, name: str) -> bool:
    """Whether every function or class of this name in the file must be given something."""
    signatures = _signatures(site, name)
    return bool(signatures) and all(len(positional(own)) > len(own.defaults) for own in signatures)


def _signatures(site: Site, name: str) -> list[ast.arguments]:
    """The parameters of the functions of that name in the file, and of what makes an object of the class."""
    body = site.inventory.classes[name].body if name in site.inventory.classes else []
    made = [node.args for node in body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    return [*site.inventory.signatures.get(name, ()), *made]


def _called(site: Site, node: ast.Name | ast.Attribute) -> Iterator[Edit]:
    """`x.name` -> `x.name()`, and a method of the same file that was meant."""
    text = site.text(node)
    name = node.attr if isinstance(node, ast.Attribute) else node.id
    if isinstance(node, ast.Name) and _needs_arguments(site, name):
        return
    known = name in site.inventory.methods or name in site.inventory.signatures
    yield site.replace(node, f"{text}()", "call-add", 1.0 if known else -0.5)
    if isinstance(node, ast.Name):
        return
    near = [method for method in site.inventory.methods if likeness(method, name) > 0.6 and method != name]
    for method in sorted(near)[:4]:
        yield site.replace(node, f"{bind(site.text(node.value), ATOM)}.{method}()", "call-add", -0.5)


def _awaited(site: Site) -> Iterator[Edit]:
    if not isinstance(site.function, ast.AsyncFunctionDef):
        return
    for node in site.loads:
        if isinstance(node, ast.Call) and not isinstance(site.parent(node), ast.Await):
            yield site.replace(node, f"await {site.text(node)}", "await")
        elif isinstance(node, ast.Await):
            yield site.replace(node, site.text(node.value), "await", -1.0)
