"""Exceptions: the type that is caught or raised, and a failing statement put into a `try`."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from coder.repair.candidates.guards import _unit as unit_of
from coder.repair.grammar import ATOM, bind
from coder.repair.scope import returned
from coder.repair.site import Edit, Site, shown

_NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "KeyError": ("IndexError", "LookupError", "AttributeError", "TypeError", "ValueError"),
    "IndexError": ("KeyError", "LookupError", "ValueError", "TypeError"),
    "ValueError": ("TypeError", "KeyError", "IndexError", "AttributeError", "OverflowError", "UnicodeError"),
    "TypeError": ("ValueError", "AttributeError", "KeyError"),
    "AttributeError": ("TypeError", "KeyError", "NameError"),
    "StopIteration": ("StopAsyncIteration", "IndexError", "ValueError"),
    "ImportError": ("ModuleNotFoundError", "AttributeError", "OSError"),
    "ModuleNotFoundError": ("ImportError",),
    "OSError": ("FileNotFoundError", "PermissionError", "ValueError"),
    "IOError": ("OSError", "ValueError"),
    "FileNotFoundError": ("OSError", "IsADirectoryError", "PermissionError"),
    "ZeroDivisionError": ("ValueError", "ArithmeticError", "OverflowError"),
    "UnicodeDecodeError": ("UnicodeEncodeError", "UnicodeError", "ValueError"),
    "UnicodeEncodeError": ("UnicodeDecodeError", "UnicodeError"),
    "RuntimeError": ("ValueError", "NotImplementedError", "TypeError"),
    "NotImplementedError": ("TypeError", "RuntimeError", "ValueError"),
    "AssertionError": ("ValueError", "TypeError"),
    "LookupError": ("KeyError", "IndexError"),
    "Exception": ("BaseException", "ValueError", "TypeError"),
}
_BUILTIN = frozenset(
    name
    for name in dir(builtins)
    if isinstance(getattr(builtins, name), type) and issubclass(getattr(builtins, name), BaseException)
)


def edits(site: Site) -> Iterator[Edit]:
    statement = site.statement
    if isinstance(statement, ast.Try):
        for handler in statement.handlers:
            yield from _handler(site, handler)
    elif isinstance(statement, ast.Raise) and statement.exc is not None:
        yield from _raised(site, statement.exc)
    elif site.clues.exceptions:
        yield from _try_added(site)


def _raised_in_tests(site: Site) -> list[str]:
    names = [name.rpartition(".")[2] for name in site.clues.exceptions]
    names += [
        match.group(1) for match in site.clues.search(r"\b([A-Z]\w*(?:Error|Exception|Iteration|Exit|Warning))\b")
    ]
    return [name for name in dict.fromkeys(names) if name != "AssertionError"]


def _others(site: Site, old: str) -> list[tuple[str, float]]:
    """Exception types that may have been meant, likeliest first."""
    found: dict[str, float] = {}
    for name in _raised_in_tests(site):
        if name in _BUILTIN or name in site.scopes.module_names():
            found[name] = 1.5
    for rank, name in enumerate(_NEIGHBOURS.get(old, ("ValueError", "TypeError", "KeyError"))):
        found.setdefault(name, -0.2 * rank)
    for name, _ in site.inventory.exceptions.most_common(10):
        found.setdefault(name, -0.4)
    for name, node in site.inventory.classes.items():
        if name.endswith(("Error", "Exception", "Warning")) and node.bases:
            found.setdefault(name, -0.5)
    found.setdefault("Exception", -0.8)
    return sorted(((name, bonus) for name, bonus in found.items() if name != old), key=lambda item: -item[1])


def _handler(site: Site, handler: ast.ExceptHandler) -> Iterator[Edit]:
    kind = handler.type
    if kind is None:
        return
    if isinstance(kind, ast.Tuple):
        for element in kind.elts:
            for name, bonus in _others(site, ast.unparse(element))[:8]:
                yield site.replace(element, name, "except-type", bonus)
        present = [site.text(element) for element in kind.elts]
        for name, bonus in _others(site, present[0])[:6]:
            if name not in present:
                yield site.replace(kind, f"({', '.join([*present, name])})", "except-type", bonus)
        return
    old = site.text(kind)
    for name, bonus in _others(site, old)[:14]:
        yield site.replace(kind, name, "except-type", bonus)
        yield site.replace(kind, f"({old}, {name})", "except-type", bonus - 0.3)


def _raised(site: Site, raised: ast.expr) -> Iterator[Edit]:
    kind = raised.func if isinstance(raised, ast.Call) else raised
    for name, bonus in _others(site, site.text(kind))[:14]:
        yield site.replace(kind, name, "raise-type", bonus)
    own = [
        site.module.inline(other.exc)
        for other in site.inventory.raises
        if other.exc not in (None, raised) and other.exc
    ]
    for rank, text in enumerate(dict.fromkeys(own)):
        if rank < 6:
            yield site.replace(raised, text, "raise-type", -1.0 - 0.1 * rank)


def _try_added(site: Site) -> Iterator[Edit]:
    """The statement put into `try`, for an exception that a failing test ended with on that line."""
    statement, module = site.statement, site.module
    numbers = [
        number
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
        for number in site.clues.raised_at.get((module.path, line), ())
    ]
    kinds = dict.fromkeys(site.clues.exceptions[number].rpartition(".")[2] for number in numbers)
    simple = isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return))
    start, end = module.span(statement)
    text = module.text[start:end]
    if not simple or not module.starts_line(statement) or "\n" in text or site.function is None:
        return
    unit, indent = unit_of(site, statement), site.indent
    for kind in [kind for kind in kinds if kind in _BUILTIN and kind != "AssertionError"]:
        for rank, answer in enumerate(_answers(site)):
            lines = [f"try:\n{indent}{unit}{text}\n", f"{indent}except {kind}:\n{indent}{unit}{answer}"]
            note = f"{kind} from {shown(text)} is answered with {shown(answer)}"
            yield site.splice(start, end, "".join(lines), "handler-add", note, 1.0 - 0.2 * rank)


def _answers(site: Site) -> list[str]:
    """What a handler could do instead of the statement."""
    found = []
    if isinstance(site.statement, ast.Assign) and isinstance(site.statement.targets[0], ast.Name):
        target = bind(site.text(site.statement.targets[0]), ATOM)
        found += [f"{target} = None", f"{target} = 0", f"{target} = []"]
    if site.module.loop_of(site.statement) is not None:
        found += ["continue", "break"]
    found += [f"return {site.text(value)}" for value in returned(site.function)][:4]
    return list(dict.fromkeys([*found, "return None", "pass", "return False"]))
