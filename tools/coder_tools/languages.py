"""The languages whose syntax is known (tree-sitter): which files, and what a definition looks like in each."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Parser, Query, Tree

_NAMED = "({type} name: (_) @name) @{kind}"

_ECMASCRIPT = {
    "function": ("function_declaration", "generator_function_declaration", "method_definition"),
    "class": ("class_declaration",),
}
_LAMBDA = "[(arrow_function) (function_expression) (generator_function)]"
# `holder` opens a scope and is no definition itself: `const api = { get() {} }` has `api.get`.
_ARROW = (
    f"(variable_declarator name: (identifier) @name value: {_LAMBDA}) @function\n"
    f"(assignment_expression left: [(identifier) (member_expression)] @name right: {_LAMBDA}) @function\n"
    f"(pair key: [(property_identifier) (string)] @name value: {_LAMBDA}) @function\n"
    f'(export_statement "default" @name value: {_LAMBDA}) @function\n'
    "(variable_declarator name: (identifier) @name value: (class)) @class\n"
    '(export_statement "default" @name value: (class)) @class\n'
    "(variable_declarator name: (identifier) @name value: (object)) @holder\n"
    "(assignment_expression left: [(identifier) (member_expression)] @name right: (object)) @holder\n"
    "(pair key: [(property_identifier) (string)] @name value: (object)) @holder\n"
    '(export_statement "default" @name value: (object)) @holder\n'
    "(program (lexical_declaration (variable_declarator name: (identifier) @name) @variable))\n"
    "(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name) @variable)))\n"
)
_FIELD = f"(field_definition property: (_) @name value: {_LAMBDA}) @function\n"
_TYPED_FIELD = f"(public_field_definition name: (_) @name value: {_LAMBDA}) @function\n"
_C_FUNCTION = (
    "(function_definition declarator: (function_declarator declarator: (_) @name)) @function\n"
    "(function_definition declarator: (pointer_declarator"
    " declarator: (function_declarator declarator: (_) @name))) @function"
)
_C_TYPES = (
    "(struct_specifier name: (_) @name body: (_)) @class\n"
    "(enum_specifier name: (_) @name body: (_)) @class\n"
    "(type_definition declarator: (type_identifier) @name) @class\n"
    "(preproc_def name: (identifier) @name) @variable\n"
    "(preproc_function_def name: (identifier) @name) @function"
)

_PROTOTYPE = (
    "({around} ({what} declarator: (function_declarator declarator: ({name}) @name)) @prototype)\n"
    "({around} ({what} declarator: (pointer_declarator"
    " declarator: (function_declarator declarator: ({name}) @name))) @prototype)"
)
# Not inside functions, where in C++ the same form may define a variable.
_PROTOTYPES = "\n".join(
    _PROTOTYPE.format(around=around, what="declaration", name="identifier")
    for around in ("translation_unit", "preproc_ifdef", "preproc_if", "preproc_else", "declaration_list")
)


@dataclass(frozen=True)
class Grammar:
    """A language. `named`: node types that define something and have a name, by kind; `extra`: other queries."""

    name: str
    module: str
    suffixes: tuple[str, ...]
    named: dict[str, tuple[str, ...]]
    extra: str = ""
    entry: str = "language"  # the function of the module that gives the grammar

    def query(self) -> str:
        """The definitions as a tree-sitter query: `name`, and the whole under its kind."""
        lines = [_NAMED.format(type=t, kind=kind) for kind, types in self.named.items() for t in types]
        return "\n".join([*lines, self.extra])


_TYPED = {
    "function": (*_ECMASCRIPT["function"], "function_signature", "method_signature", "abstract_method_signature"),
    "class": (
        "class_declaration",
        "abstract_class_declaration",
        "interface_declaration",
        "type_alias_declaration",
        "enum_declaration",
        "internal_module",
    ),
}

GRAMMARS = (
    Grammar(
        "python",
        "tree_sitter_python",
        (".py", ".pyi"),
        {"function": ("function_definition",), "class": ("class_definition",)},
        "(module (expression_statement (assignment left: (identifier) @name) @variable))\n"
        "(class_definition body: (block (expression_statement (assignment left: (identifier) @name) @variable)))",
    ),
    Grammar("javascript", "tree_sitter_javascript", (".js", ".jsx", ".mjs", ".cjs"), _ECMASCRIPT, _ARROW + _FIELD),
    Grammar(
        "typescript",
        "tree_sitter_typescript",
        (".ts", ".mts", ".cts"),
        _TYPED,
        _ARROW + _TYPED_FIELD,
        entry="language_typescript",
    ),
    Grammar("tsx", "tree_sitter_typescript", (".tsx",), _TYPED, _ARROW + _TYPED_FIELD, entry="language_tsx"),
    Grammar(
        "go",
        "tree_sitter_go",
        (".go",),
        {
            "function": ("function_declaration", "method_declaration", "method_elem"),
            "class": ("type_spec", "type_alias"),
            "variable": ("const_spec",),
        },
    ),
    Grammar(
        "rust",
        "tree_sitter_rust",
        (".rs",),
        {
            "function": ("function_item", "function_signature_item", "macro_definition"),
            "class": ("struct_item", "enum_item", "trait_item", "type_item", "mod_item", "union_item"),
            "variable": ("const_item", "static_item"),
        },
        "(impl_item type: (_) @name) @impl",
    ),
    Grammar(
        "java",
        "tree_sitter_java",
        (".java",),
        {
            "function": ("method_declaration", "constructor_declaration", "compact_constructor_declaration"),
            "class": (
                "class_declaration",
                "interface_declaration",
                "enum_declaration",
                "record_declaration",
                "annotation_type_declaration",
            ),
        },
    ),
    Grammar("c", "tree_sitter_c", (".c", ".h"), {}, f"{_C_FUNCTION}\n{_C_TYPES}\n{_PROTOTYPES}"),
    Grammar(
        "cpp",
        "tree_sitter_cpp",
        (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx"),
        {"class": ("namespace_definition",)},
        f"{_C_FUNCTION}\n{_C_TYPES}\n{_PROTOTYPES}\n(class_specifier name: (_) @name body: (_)) @class\n"
        "(function_definition declarator: (reference_declarator (function_declarator declarator: (_) @name)))"
        " @function\n"
        + _PROTOTYPE.format(around="field_declaration_list", what="field_declaration", name="field_identifier"),
    ),
)
_BY_SUFFIX = {suffix: grammar for grammar in GRAMMARS for suffix in grammar.suffixes}


def grammar_of(path: str) -> Grammar | None:
    """The language of a file by its name; None for one whose syntax is not known."""
    name = path.rsplit("/", 1)[-1]
    return _BY_SUFFIX.get(name[name.rfind(".") :].lower()) if "." in name else None


@dataclass(frozen=True)
class Loaded:
    """A language, ready to parse."""

    parser: Parser
    definitions: Query


@lru_cache(maxsize=len(GRAMMARS))
def _load(name: str) -> Loaded:
    from tree_sitter import Language, Parser, Query

    grammar = next(g for g in GRAMMARS if g.name == name)
    entry = getattr(importlib.import_module(grammar.module), grammar.entry)
    language: Language = Language(entry())
    return Loaded(Parser(language), Query(language, grammar.query()))


def load(path: str) -> Loaded | None:
    """What parses a file of this name; None if its language is not known."""
    grammar = grammar_of(path)
    return _load(grammar.name) if grammar is not None else None


def parse(path: str, data: bytes) -> Tree | None:
    """The syntax tree; None if the language is not known."""
    loaded = load(path)
    return loaded.parser.parse(data) if loaded is not None else None
