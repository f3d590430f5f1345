"""Repairs that a failure message spells out: an unknown name, member, key or module, a wrong number of arguments."""

from __future__ import annotations

import ast
import difflib
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from coder.repair.candidates.constants import literal
from coder.repair.candidates.names import members_like, near_builtin
from coder.repair.clues import Pair
from coder.repair.grammar import AND, ATOM, NAMED, bind
from coder.repair.scope import callee
from coder.repair.site import Edit, Site, shown
from coder.repair.source import FUNCTIONS

_SURE = 2.5  # nats an edit is raised by that the message itself asks for
_PAIRS = 6  # of expected and actual values that are made use of
_HOMES = 6  # installed modules from which a name may be imported
# Where a name that is used but nowhere bound most often comes from.
_COMMON_ORIGINS = {
    "defaultdict": "collections", "deque": "collections", "Counter": "collections", "OrderedDict": "collections",
    "namedtuple": "collections", "partial": "functools", "wraps": "functools", "reduce": "functools",
    "lru_cache": "functools", "cached_property": "functools", "total_ordering": "functools",
    "chain": "itertools", "islice": "itertools", "product": "itertools", "groupby": "itertools", "count": "itertools",
    "zip_longest": "itertools", "repeat": "itertools", "accumulate": "itertools", "combinations": "itertools",
    "permutations": "itertools", "cycle": "itertools", "starmap": "itertools", "takewhile": "itertools",
    "Path": "pathlib", "datetime": "datetime", "timedelta": "datetime", "date": "datetime", "timezone": "datetime",
    "Decimal": "decimal", "Fraction": "fractions", "dataclass": "dataclasses", "field": "dataclasses",
    "Any": "typing", "Optional": "typing", "Union": "typing", "Callable": "typing", "Iterable": "typing",
    "Mapping": "collections.abc", "Sequence": "collections.abc", "Iterator": "collections.abc",
    "Enum": "enum", "contextmanager": "contextlib", "suppress": "contextlib", "deepcopy": "copy",
    "itemgetter": "operator", "attrgetter": "operator", "StringIO": "io", "BytesIO": "io", "sqrt": "math",
    "ceil": "math", "floor": "math", "heappush": "heapq", "heappop": "heapq", "bisect_left": "bisect",
    "ABC": "abc", "abstractmethod": "abc", "Lock": "threading", "Thread": "threading", "dedent": "textwrap",
}  # fmt: skip


def edits(site: Site) -> Iterator[Edit]:
    yield from _unknown_names(site)
    yield from _imports(site)
    yield from _unknown_members(site)
    yield from _unknown_keys(site)
    yield from _arity(site)
    yield from _unbound(site)
    yield from _none_given(site)
    yield from _expected_strings(site)
    yield from _expected_numbers(site)


_UNBOUND = (
    r"cannot access local variable '(\w+)'",
    r"local variable '(\w+)' referenced",
    r"name '(\w+)' is not defined",
)


def _names(site: Site, *patterns: str) -> list[str]:
    return [match.group(1) for pattern in patterns for match in site.clues.search(pattern)]


def _close(name: str, choices: Iterable[str], hints: Iterable[str] = ()) -> list[str]:
    near = difflib.get_close_matches(name, sorted(set(choices) - {name}), n=6, cutoff=0.55)
    return list(dict.fromkeys([*hints, *near]))


def _hints(site: Site) -> list[str]:
    return _names(site, r"[Dd]id you mean: '(\w+)'")


def _unknown_names(site: Site) -> Iterator[Edit]:
    unknown = _names(site, r"name '(\w+)' is not defined", r"local variable '(\w+)'")
    for node in site.expressions:
        if isinstance(node, ast.Name) and node.id in unknown:
            known = [name.name for name, _ in site.names_at(node)]
            choices = _close(node.id, [*known, *near_builtin(node.id)], _hints(site))
            for rank, name in enumerate(choices):
                yield site.replace(node, name, "name", _SURE - 0.2 * rank)


def _imports(site: Site) -> Iterator[Edit]:
    """A missing import of a name that the suspicious statement uses; a member that is called otherwise."""
    module, statement = site.module, site.statement
    used = {node.id for node in site.expressions if isinstance(node, ast.Name)}
    for name in _names(site, r"name '(\w+)' is not defined"):
        if name not in used:
            continue
        lines = [f"import {name}"] if name in sys.stdlib_module_names else []
        lines += [f"from {_COMMON_ORIGINS[name]} import {name}"] if name in _COMMON_ORIGINS else []
        lines += [f"from typing import {name}"] if name[0].isupper() and name not in _COMMON_ORIGINS else []
        homes = [home for home in site.world.homes.get(name, ()) if home.rpartition(".")[2] != name]
        lines += [f"from {home} import {name}" for home in homes[:_HOMES]]
        for rank, line in enumerate(dict.fromkeys(lines)):
            yield _import_line(site, line, _SURE - 0.2 * rank)
    if isinstance(statement, (ast.ImportFrom, ast.Import)):
        for name in _names(site, r"cannot import name '(\w+)'", r"No module named '([\w.]+)'"):
            seen = [
                *site.inventory.names,
                *site.inventory.plain_attributes,
                *site.inventory.methods,
                *sys.stdlib_module_names,
            ]
            for rank, near in enumerate(_close(name, seen, _hints(site))):
                start, end = module.span(statement)
                text = module.text[start:end]
                yield site.splice(start, end, text.replace(name, near), "import-name", "", _SURE - 0.2 * rank)


def _import_line(site: Site, line: str, bonus: float) -> Edit:
    """An import after the last one at the top of the file, or before the first statement there."""
    module = site.module
    body = module.tree.body
    tops = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    if tops:
        at = module.lines_span(tops[-1])[1]
    elif ast.get_docstring(module.tree) is not None:
        at = module.lines_span(body[0])[1]
    else:
        at = module.lines_span(body[0])[0]
    return site.splice(at, at, f"{line}\n", "import-add", f"{shown(line)} is added", bonus)


def _unknown_members(site: Site) -> Iterator[Edit]:
    unknown = _names(site, r"has no attribute '(\w+)'")
    stock = site.inventory
    for node in site.expressions:
        if isinstance(node, ast.Attribute) and node.attr in unknown:
            end = site.module.span(node)[1]
            choices = _close(node.attr, [*stock.methods, *stock.plain_attributes], _hints(site))
            choices += [name for name in _usual_members(node.attr) if name not in choices]
            for rank, name in enumerate(choices):
                note = f"`.{node.attr}` becomes `.{name}`"
                yield site.splice(end - len(node.attr), end, name, "attribute", note, _SURE - 0.2 * rank)


def _usual_members(name: str) -> list[str]:
    """Members of the builtin types with a name like this one."""
    members = {member for kind in (str, list, dict, set, bytes, int, tuple) for member in dir(kind) if member[0] != "_"}
    return difflib.get_close_matches(name, sorted(members - {name}), n=4, cutoff=0.6)


def _unknown_keys(site: Site) -> Iterator[Edit]:
    if not site.clues.mentions("KeyError"):
        return
    keys = _names(site, r"KeyError: '([^'\n]+)'", r"KeyError: \"([^\"\n]+)\"")
    for node in site.loads:
        if isinstance(node, ast.Constant) and node.value in keys:
            for rank, name in enumerate(_close(str(node.value), site.inventory.strings)):
                text = literal(name, site.module.segment(node))
                yield site.replace(node, text, "string-near", _SURE - 0.2 * rank)
        elif isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            base, key = bind(site.text(node.value), ATOM), bind(site.text(node.slice), NAMED)
            for rank, default in enumerate(("", ", 0", ", []", ", ''", ", {}")):
                yield site.replace(node, f"{base}.get({key}{default})", "get-default", 1.0 - 0.3 * rank)


def _arity(site: Site) -> Iterator[Edit]:
    """An argument the callee does not know, or one it asks for; a method without `self`."""
    unexpected = _names(site, r"unexpected keyword argument '(\w+)'")
    for node in site.loads:
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            if keyword.arg in unexpected and keyword.arg:
                start, _ = site.module.span(keyword)
                for rank, name in enumerate(_close(keyword.arg, _parameters_of(site, node), _hints(site))):
                    note = f"the keyword `{keyword.arg}` becomes `{name}`"
                    yield site.splice(start, start + len(keyword.arg), name, "keyword-name", note, _SURE - 0.2 * rank)
        yield from _required(site, node)
    if isinstance(site.statement, FUNCTIONS) and _names(site, r"(takes \d+ positional arguments? but \d+ w\w+ given)"):
        yield from _parameter_added(site, site.statement)


def _parameters_of(site: Site, node: ast.Call) -> list[str]:
    signatures = site.inventory.signatures.get(callee(node), [])
    own = [arg.arg for arguments in signatures for arg in [*arguments.args, *arguments.kwonlyargs]]
    own += [k.arg for other in site.inventory.calls.get(callee(node), ()) for k in other.keywords if k.arg]
    return [name for name in dict.fromkeys(own) if name not in ("self", "cls")]


def _required(site: Site, node: ast.Call) -> Iterator[Edit]:
    end = site.module.span(node)[1] - 1
    names = [name for name, _ in site.names_at(node)]
    comma = ", " if node.args or node.keywords else ""
    for match in site.clues.search(r"(\w+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: ([^\n]*)"):
        if match.group(1) not in (callee(node), "__init__"):
            continue
        wanted = [word.strip("' ") for word in match.group(2).replace(" and ", ",").split(",") if word.strip("' ")]
        known = {name.name for name in names}
        values = [name if name in known else "None" for name in wanted]
        text = comma + ", ".join(f"{name}={value}" for name, value in zip(wanted, values, strict=True))
        yield site.splice(end, end, text, "argument-add", f"{shown(text)} is given to the call", _SURE)


def _parameter_added(site: Site, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Edit]:
    start, _ = site.module.span(function)
    indent = site.indent
    if isinstance(site.parent(function), ast.ClassDef):
        note = f"`{function.name}` is made a static method"
        yield site.splice(start, start, f"@staticmethod\n{indent}", "decorator-add", note, 0.5)


def _unbound(site: Site) -> Iterator[Edit]:
    """`nonlocal x` or `global x` where a variable is changed before it is bound."""
    function = site.function
    if function is None:
        return
    for name in _names(site, *_UNBOUND):
        outer = site.scopes.variables(site.module.function_of(function))
        word = "nonlocal" if name in outer else "global" if name in site.scopes.module_names() else ""
        first = site.opening or function.body[0]
        edit = site.insert_before(first, [f"{word} {name}"], "scope-add", _SURE) if word else None
        if edit:
            yield edit
        for rank, value in enumerate((*members_like(site, name), "None", "0", "[]", "''", "{}", "False", "1")):
            initial = site.insert_before(first, [f"{name} = {value}"], "initialise", 1.0 - 0.2 * rank)
            if initial:
                yield initial


def _none_given(site: Site) -> Iterator[Edit]:
    """`(x or "").strip()` where None came: an empty value of a type that has the member asked for."""
    wanted = _names(site, r"'NoneType' object has no attribute '(\w+)'")
    empty = {'""' if site.module.text.count('"') > site.module.text.count("'") else "''": str, "[]": list, "{}": dict}
    for node in site.loads:
        if isinstance(node, ast.Attribute) and node.attr in wanted:
            having = [text for text, kind in empty.items() if hasattr(kind, node.attr)]
            for rank, text in enumerate(having):
                base = bind(site.text(node.value), AND)
                yield site.replace(node.value, f"{base} or {text}", "or-default", _SURE - 0.3 * rank)


def _expected_strings(site: Site) -> Iterator[Edit]:
    """A string of the code that stands in the actual value where the expected one has another."""
    for pair in site.clues.pairs:
        if not (pair.left[:1] in "'\"" and pair.right[:1] in "'\""):
            continue
        one, other = pair.left[1:-1], pair.right[1:-1]
        for node in site.loads:
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not node.value:
                continue
            for actual, expected in ((one, other), (other, one)):
                before, found, after = actual.partition(node.value)
                if (
                    found
                    and expected.startswith(before)
                    and expected.endswith(after)
                    and len(expected) >= len(before + after)
                ):
                    new = expected[len(before) : len(expected) - len(after)]
                    yield site.replace(node, literal(new, site.module.segment(node)), "string", _SURE)


def _expected_numbers(site: Site) -> Iterator[Edit]:
    """A number of the code moved by what the actual value is off the expected one, or put in proportion. One that
    says where, not how much, is left."""
    written = [node for node in site.loads if isinstance(node, ast.Constant) and type(node.value) in (int, float)]
    numbers = map(site.number, written)
    constants = [n for n in numbers if not isinstance(site.parent(n[0]), (ast.Slice, ast.Subscript))]
    pairs = [both for pair in site.clues.pairs if (both := _two_numbers(pair)) is not None]
    for one, other in pairs[:_PAIRS] if constants else ():
        for actual, expected in ((one, other), (other, one)):
            for node, value in constants:
                for number in _suggested(value, actual, expected):
                    yield site.replace(node, repr(number), "int-value", 0.8)


def _two_numbers(pair: Pair) -> tuple[int | float, int | float] | None:
    try:
        values = ast.literal_eval(pair.left), ast.literal_eval(pair.right)
    except (ValueError, SyntaxError):
        return None
    return values if all(type(value) in (int, float) for value in values) else None


def _suggested(value: Any, actual: float, expected: float) -> Iterator[int | float]:
    """Numbers that would turn the actual value into the expected one, if it is this number's sum or its multiple."""
    yield from (value + expected - actual, value - expected + actual)
    for numerator, denominator in ((expected, actual), (actual, expected)):
        if denominator and value * numerator % denominator == 0:
            quotient = value * numerator / denominator
            yield int(quotient) if quotient.is_integer() and isinstance(value, int) else quotient
