"""Which of several definitions of one name is meant: overloads, getter and setter, methods of two classes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING

from coder_tools.languages import parse
from coder_tools.names import Name, parsed
from coder_tools.symbols import Symbol, definitions
from coder_tools.syntax import EditRefused

if TYPE_CHECKING:
    from tree_sitter import Node

SHOWN = 8  # definitions that are named to choose from
_SIGNATURE = 120  # characters of a signature that are shown
_METHOD = re.compile(r"(?:[ \t]*[@#].*\n)*[ \t]*(?:async[ \t]+)?def[ \t]+\w+\(\s*(?:self|cls)\b")
_ACCESSOR = re.compile(r"\s*(?:(?:public|private|protected|static|override|abstract)\s+)*(get|set)\s+[\w$#\[]")
_MARK = re.compile(r"@[\w.]*?\b(?:(getter|setter|deleter|overload)|(?:cached_|abstract)?(property))\b")
_PYTHON = (".py", ".pyi")


@dataclass(frozen=True)
class Shape:
    """How a definition looks from outside. Texts have no white space."""

    signature: str  # to be shown: up to its body, in one line
    role: str = ""  # "getter", "setter", "deleter" of a property; "overload" of Python: a type alone
    parameters: str | None = None  # None: it has none, not even brackets
    types: tuple[str, ...] = ()  # of its parameters
    body: bool = True


def shapes(path: str, data: bytes, symbols: Sequence[Symbol]) -> list[Shape]:
    """The shapes of definitions of a file whose language is known."""
    tree = parse(path, data)
    assert tree is not None  # it has definitions
    return [_shape(path, data, symbol, tree.root_node) for symbol in symbols]


def _shape(path: str, data: bytes, symbol: Symbol, root: Node) -> Shape:
    node = root.descendant_for_byte_range(symbol.body_start, symbol.end) or root
    body = _field(node, "body", symbol.body_start, symbol.end)
    end = body.start_byte if body is not None else symbol.end
    head = _text(data, symbol.body_start, end)
    parameters = _field(node, "parameters", symbol.body_start, end)
    types = () if parameters is None else tuple(_type(one) for one in parameters.named_children)
    signature = re.sub(r"\s+", " ", head).strip().rstrip("{=").strip()
    return Shape(
        signature[:_SIGNATURE],
        _role(path, _text(data, symbol.start, symbol.body_start), head),
        None if parameters is None else _squeezed(_text(data, parameters.start_byte, parameters.end_byte)),
        types,
        body is not None,
    )


def _field(node: Node, field: str, start: int, end: int) -> Node | None:
    """The outermost node of that field that begins between the two places."""
    level = [node]
    while level:
        for one in level:
            found = one.child_by_field_name(field)
            if found is not None and start <= found.start_byte < end:
                return found
        level = [child for one in level for child in one.named_children if start < child.end_byte <= end]
    return None


def _type(parameter: Node) -> str:
    """The type of a parameter, or where it has none all of it."""
    typed = parameter.child_by_field_name("type")
    if typed is None and parameter.type == "spread_parameter":
        typed = next((child for child in parameter.named_children if child.type != "modifiers"), None)
    whole = (parameter.text or b"").decode("utf-8", "replace")
    if typed is None:
        return _squeezed(whole)
    words = (typed.text or b"").decode("utf-8", "replace")
    marks = re.findall(r"[*&]|\.\.\.|\[\]", whole.replace(words, "", 1))
    return _squeezed(words).lstrip(":") + "".join(marks)


def _role(path: str, above: str, head: str) -> str:
    if path.endswith(_PYTHON):
        found = _MARK.search(above)
        return (found[1] or "getter") if found else ""
    accessor = _ACCESSOR.match(head)
    return f"{accessor[1]}ter" if accessor else ""


def definition(path: str, data: bytes, name: str, code: str) -> Symbol:
    """The one function or class of that name in a file, which `code` is to replace.

    Of several that only the parameters, or what they do for a property, tell apart it is the one that the name tells
    (`add(int)`, `size.setter`, `add (line 12)`), else the one that the code itself looks like. Raises EditRefused.
    """
    named = [s for s in definitions(path, data) if s.kind != "variable"]
    wanted = parsed(name)
    found = _called(named, wanted.dotted, data, code)
    if not found and wanted.dotted.startswith("exports."):
        found = _called(named, wanted.dotted.removeprefix("exports."), data, code)
    if not found:
        near = difflib.get_close_matches(wanted.dotted, {s.qualified for s in named}, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise EditRefused(f"Nothing was written: {path} defines no function or class {name}.{hint}")
    meant: Sequence[Symbol] = told_apart(path, data, found, wanted)
    own = _shapes_of(path, code, found[0].name)
    if len(meant) > 1:
        meant = _looking_like(path, data, meant, own)
    if len(meant) != 1:
        raise EditRefused(_question(path, data, name, meant or found))
    role = shapes(path, data, meant)[0].role
    if own and own[1].role and role and own[1].role != role:
        raise EditRefused(
            f"Nothing was written: the code is a {own[1].role}, and {name} (line {meant[0].first_line}) is a {role}."
            " To add it, send `search` and `replace`."
        )
    return meant[0]


def _called(named: Sequence[Symbol], wanted: str, data: bytes, code: str) -> list[Symbol]:
    """The definitions with this name: as it stands, or inside of others."""
    whole = [s for s in named if s.qualified == wanted]
    inner = [s for s in named if s not in whole and (s.qualified.endswith("." + wanted) or s.name == wanted)]
    method = _METHOD.match(code) and not any(_METHOD.match(_text(data, s.start, s.end)) for s in whole)
    return whole + inner if method or not whole else whole


def told_apart(path: str, data: bytes, found: Sequence[Symbol], name: Name) -> list[Symbol]:
    """Those of the definitions that have what is said besides the name: all of them where nothing is."""
    pairs = list(zip(found, shapes(path, data, found), strict=True)) if found else []
    if name.line:
        pairs = [(s, shape) for s, shape in pairs if s.first_line <= name.line <= s.last_line]
    if name.role:
        pairs = [(s, shape) for s, shape in pairs if shape.role == name.role]
    if name.parameters is not None and len(pairs) > 1:
        pairs = [(s, shape) for s, shape in pairs if _takes(shape, name.parameters)]
    return [symbol for symbol, _ in pairs]


def _takes(shape: Shape, parameters: str) -> bool:
    """Whether the parameters are those that a name gives: as they stand, or by their types."""
    said = _squeezed(parameters)
    if shape.parameters in (said, f"({said})"):
        return True
    types = tuple(_parts(said))
    return types in (shape.types, tuple(map(_erased, shape.types)))


def _parts(text: str) -> list[str]:
    """What the commas outside of brackets part."""
    parts, depth = [""] if text else [], 0
    for char in text:
        depth += (char in "<([{") - (char in ">)]}")
        if char == "," and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _erased(type_: str) -> str:
    return re.sub(r"<.*>", "", type_)


def _shapes_of(path: str, code: str, name: str) -> tuple[Symbol, Shape] | None:
    """The definition of that name in code that stands alone, or in a class; None if there is none."""
    code = dedent(code)
    forms = (code,) if path.endswith(_PYTHON) else (code, f"class X {{\n{code}\n}}")
    for faulty in (False, True):
        for data in (form.encode("utf-8", "replace") for form in forms):
            tree = parse(path, data)
            found = [s for s in definitions(path, data) if s.name == name and s.kind != "variable"]
            if found and tree is not None and (faulty or not tree.root_node.has_error):
                return found[0], _shape(path, data, found[0], tree.root_node)
    return None


def _looking_like(
    path: str, data: bytes, found: Sequence[Symbol], own: tuple[Symbol, Shape] | None
) -> Sequence[Symbol]:
    """Those that the code can only be meant for; all of them where it does not tell."""
    if own is None:
        return found
    if "." in own[0].qualified and (same := [s for s in found if s.qualified == own[0].qualified]):
        found = same  # Go's receiver, C++'s class
    if len({symbol.qualified for symbol in found}) > 1:
        return found  # methods of two classes can look the same by chance
    code = own[1]
    pairs = list(zip(found, shapes(path, data, found), strict=True))
    if not path.endswith(_PYTHON):  # there a decorator may be left out, here `get` may not
        pairs = [pair for pair in pairs if pair[1].role == code.role]
    alike: list[Callable[[Shape], bool]] = [
        lambda shape: shape.parameters == code.parameters,
        lambda shape: shape.role == code.role,
        lambda shape: _squeezed(shape.signature) == _squeezed(code.signature),
    ]
    if path.endswith((".ts", ".tsx", ".mts", ".cts")):  # only one of its overloads has a body
        alike.insert(1, lambda shape: shape.body == code.body)
    for fits in alike:
        pairs = [pair for pair in pairs if fits(pair[1])] or pairs
    return [symbol for symbol, _ in pairs]


def _question(path: str, data: bytes, name: str, found: Sequence[Symbol]) -> str:
    choices = "\n".join(listed(path, data, found[:SHOWN]))
    more = f"\nand {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    first = found[0]
    advice = "Name one by its whole name"
    if len({symbol.qualified for symbol in found}) < len(found):
        advice = f"Name one with its line, as in `{first.qualified} (line {first.first_line})`"
    return f"Nothing was written: {name} could be any of these:\n{choices}{more}\n{advice}."


def listed(path: str, data: bytes, found: Sequence[Symbol]) -> list[str]:
    """Definitions to choose from, a line each."""
    pairs = zip(found, shapes(path, data, found), strict=True)
    return [f"line {s.first_line}: {s.qualified}{_as(shape.role)}: {shape.signature}" for s, shape in pairs]


def _as(role: str) -> str:
    return f" ({role})" if role else ""


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\s*([^\w\s])\s*", r"\1", text)).strip()


def _text(data: bytes, start: int, end: int) -> str:
    return data[start:end].decode("utf-8", "replace")
