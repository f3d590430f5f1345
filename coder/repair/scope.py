"""What a place in a file can name, and what the file already says: the material that edits are made of."""

from __future__ import annotations

import ast
import builtins
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from coder.repair.source import COMPREHENSIONS, FUNCTIONS, Module

NameKind = Literal["variable", "constant", "function", "class", "import"]
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.Raise, ast.Delete)

BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True)
class Known:
    """A name that can be used: what it is, and the line it is first bound on (0: always there)."""

    name: str
    kind: NameKind
    line: int = 0


@dataclass
class Phrase:
    """An expression that stands somewhere in the file, and the variables it needs."""

    text: str
    names: frozenset[str]
    line: int


@dataclass(frozen=True)
class Donor:
    """A one-line statement that may be copied elsewhere."""

    statement: ast.stmt
    text: str
    names: frozenset[str]
    function: ast.AST | None


@dataclass
class Inventory:
    """What one file contains, in the order of the text."""

    module: Module
    names: dict[str, Known] = field(default_factory=dict)  # at module level
    plain_attributes: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)
    attributes_of: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    calls: dict[str, list[ast.Call]] = field(default_factory=lambda: defaultdict(list))
    signatures: dict[str, list[ast.arguments]] = field(default_factory=lambda: defaultdict(list))
    predicates: list[Phrase] = field(default_factory=list)  # what is tested
    slices: dict[str, frozenset[str]] = field(default_factory=dict)  # text in the brackets -> names it needs
    strings: Counter[str] = field(default_factory=Counter)
    integers: Counter[int] = field(default_factory=Counter)
    donors: list[Donor] = field(default_factory=list)
    raises: list[ast.Raise] = field(default_factory=list)
    returned: list[Phrase] = field(default_factory=list)  # values of some length that functions give back
    exceptions: Counter[str] = field(default_factory=Counter)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)

    @classmethod
    def of(cls, module: Module) -> Inventory:
        found = cls(module)
        found.names = {known.name: known for known in _module_names(module.tree)}
        called: set[int] = set()
        for node in ast.walk(module.tree):
            found._take(node, called)
        found.donors.sort(key=lambda donor: donor.statement.lineno)
        return found

    def _take(self, node: ast.AST, called: set[int]) -> None:
        if isinstance(node, ast.Call):
            called.add(id(node.func))
            self.calls[callee(node)].append(node)
        elif isinstance(node, ast.Attribute):
            (self.methods if id(node) in called else self.plain_attributes)[node.attr] += 1
            if isinstance(node.value, ast.Name):
                self.attributes_of[node.value.id][node.attr] += 1
        elif isinstance(node, ast.Constant):
            self._take_constant(node)
        elif isinstance(node, FUNCTIONS):
            self.signatures[node.name].append(node.args)
            self._take_members(node)
        elif isinstance(node, ast.ClassDef):
            self.classes[node.name] = node
        elif isinstance(node, ast.ExceptHandler) and node.type is not None:
            types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            self.exceptions.update(ast.unparse(kind) for kind in types)
        elif isinstance(node, ast.Slice):
            self.slices.setdefault(self.module.inline(node), free_names(node))
        elif isinstance(node, SIMPLE):
            self._take_simple(node)
        for test in _tests(node):
            self._take_predicate(test)

    def _take_constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            if not isinstance(self.module.parents[node], ast.Expr):
                self.strings[node.value] += 1
        elif isinstance(node.value, int) and not isinstance(node.value, bool):
            self.integers[node.value] += 1

    def _take_members(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if isinstance(self.module.parents[node], ast.ClassDef):
            is_property = any(ast.unparse(d).endswith(("property", "setter")) for d in node.decorator_list)
            (self.plain_attributes if is_property else self.methods)[node.name] += 1
            self.attributes_of["self"][node.name] += 1

    def _take_simple(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Raise):
            self.raises.append(node)
            if node.exc is not None:
                kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                self.exceptions[ast.unparse(kind)] += 1
        elif isinstance(node, ast.Return):
            self._take_returned(node)
        elif not isinstance(getattr(node, "value", None), ast.Constant | ast.Yield):
            text = self.module.segment(node)
            if "\n" not in text and "\r" not in text and len(text) <= 100:
                self.donors.append(Donor(node, text, free_names(node), self.module.function_of(node)))

    def _take_returned(self, node: ast.Return) -> None:
        if node.value is not None and not isinstance(node.value, (ast.Constant, ast.Name)):
            text = self.module.inline(node.value)
            if len(text) <= 80:
                self.returned.append(Phrase(text, free_names(node.value), node.lineno))

    def _take_predicate(self, test: ast.expr) -> None:
        parts = test.values if isinstance(test, ast.BoolOp) else [test]
        for part in [*parts, test] if len(parts) > 1 else parts:
            text = self.module.inline(part)
            if len(text) <= 80 and not isinstance(part, ast.Constant):
                self.predicates.append(Phrase(text, free_names(part), part.lineno))


def callee(node: ast.Call) -> str:
    """The last name of what is called, "" where there is none."""
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def free_names(node: ast.AST) -> frozenset[str]:
    """The names a tree reads and does not bind itself."""
    read: set[str] = set()
    bound: set[str] = set()
    for below in ast.walk(node):
        if isinstance(below, ast.Name):
            (read if isinstance(below.ctx, ast.Load) else bound).add(below.id)
        elif isinstance(below, ast.arg):
            bound.add(below.arg)
    return frozenset(read - bound)


def _tests(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
        yield node.test
    elif isinstance(node, ast.BoolOp):
        yield node
    elif isinstance(node, ast.comprehension):
        yield from node.ifs


def bound_names(target: ast.AST) -> Iterator[ast.Name]:
    """The names an assignment target binds."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        if alias.name != "*":
            yield alias.asname or alias.name.partition(".")[0]


def _module_names(tree: ast.Module) -> Iterator[Known]:
    pending: list[ast.stmt] = list(tree.body)
    for node in pending:
        if isinstance(node, FUNCTIONS):
            yield Known(node.name, "function")
        elif isinstance(node, ast.ClassDef):
            yield Known(node.name, "class")
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (Known(name, "import") for name in _imported(node))
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            yield from (Known(name.id, "constant", node.lineno) for name in bound_names(node))
        else:
            pending.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))
            pending.extend(s for handler in getattr(node, "handlers", []) for s in handler.body)


class Scopes:
    """Which variables each function of a file has; worked out once a function."""

    def __init__(self, module: Module, inventory: Inventory) -> None:
        self._module = module
        self._inventory = inventory
        self._of: dict[ast.AST, dict[str, Known]] = {}

    def variables(self, function: ast.FunctionDef | ast.AsyncFunctionDef | None) -> dict[str, Known]:
        """Parameters and local variables, with those of the functions around it."""
        if function is None:
            return {}
        if function not in self._of:
            outer = self.variables(self._module.function_of(function))
            self._of[function] = {**outer, **{known.name: known for known in _locals(function)}}
        return self._of[function]

    def definitions(self, function: ast.FunctionDef | ast.AsyncFunctionDef | None) -> frozenset[str]:
        """The functions and classes that are defined inside a function, or those around it."""
        if function is None:
            return frozenset()
        nodes = list(own_nodes(function))
        stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        stored |= {arg.arg for arg in parameters(function.args)}
        own = {node.name for node in nodes if isinstance(node, (*FUNCTIONS, ast.ClassDef))}
        return (self.definitions(self._module.function_of(function)) | own) - stored

    def visible(self, node: ast.AST) -> dict[str, Known]:
        """Every variable that can be named at a place, those of comprehensions and lambdas around it too."""
        found = dict(self.variables(self._module.function_of(node)))
        for above in self._module.ancestors(node):
            if isinstance(above, (*FUNCTIONS, ast.ClassDef)):
                break
            if isinstance(above, COMPREHENSIONS):
                names = [name.id for part in above.generators for name in bound_names(part.target)]
                found.update((name, Known(name, "variable")) for name in names)
            elif isinstance(above, ast.Lambda):
                found.update((arg.arg, Known(arg.arg, "variable")) for arg in parameters(above.args))
        return found

    def module_names(self) -> dict[str, Known]:
        return self._inventory.names


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters in the order they are written."""
    rest = [arguments.vararg] if arguments.vararg else []
    keywords = [arguments.kwarg] if arguments.kwarg else []
    return [*arguments.posonlyargs, *arguments.args, *rest, *arguments.kwonlyargs, *keywords]


def positional(arguments: ast.arguments) -> list[str]:
    """The parameters that a call gives by their place; a method's own object is not among them."""
    names = (arg.arg for arg in [*arguments.posonlyargs, *arguments.args])
    return [name for name in names if name not in ("self", "cls")]


def _locals(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Known]:
    for arg in parameters(function.args):
        yield Known(arg.arg, "variable")
    found: dict[str, int] = {}
    for node in own_nodes(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = min(node.lineno, found.get(node.id, node.lineno))
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.ExceptHandler)) and node.name:
            found.setdefault(node.name, node.lineno)
    yield from (Known(name, "variable", line) for name, line in sorted(found.items(), key=lambda item: item[1]))


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's body, without those of functions, classes, lambdas and comprehensions in it."""
    pending: list[ast.AST] = list(getattr(function, "body", []))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda, *COMPREHENSIONS)):
            pending.extend(ast.iter_child_nodes(node))


def returned(function: ast.AST | None) -> list[ast.expr]:
    """The values a function returns, in the order of the text."""
    if function is None:
        return []
    found = [node.value for node in own_nodes(function) if isinstance(node, ast.Return) and node.value]
    return sorted(found, key=lambda value: (value.lineno, value.col_offset))
