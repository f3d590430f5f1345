"""Names that an import or a use of a module asks for in vain, by what is installed: renamed there, or moved."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator

from coder.repair.site import Edit, Site, shown

_SURE = 2.5  # nats an edit is raised by that the failure's message asks for
_STEP = 0.2
_NEAR = 6  # names like the one that is not there


def edits(site: Site) -> Iterator[Edit]:
    statement = site.statement
    if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
        for alias in statement.names:
            yield from _imported(site, statement, alias)
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        yield from _module_renamed(site, statement)
    for node in site.loads:
        if isinstance(node, ast.Attribute):
            yield from _member_moved(site, node)


def _asked_in_vain(site: Site, module: str, name: str) -> bool:
    here = rf"(?:cannot import name '{re.escape(name)}' from '{re.escape(module)}'|"
    return any(site.clues.search(rf"{here}module '{re.escape(module)}' has no attribute '{re.escape(name)}')"))


def _imported(site: Site, statement: ast.ImportFrom, alias: ast.alias) -> Iterator[Edit]:
    """`from a import x`: x from where it is now, or what it is called now under the old name."""
    module = statement.module or ""
    if not _asked_in_vain(site, module, alias.name):
        return
    start, end = site.module.span(statement)
    others = [other for other in statement.names if other is not alias]
    known_as = alias.asname or alias.name
    for rank, home in enumerate(home for home in site.world.homes.get(alias.name, ()) if home != module):
        line = f"from {home} import {_spelt(alias.name, known_as)}"
        rest = f"from {module} import {', '.join(_spelt(a.name, a.asname or a.name) for a in others)}\n{site.indent}"
        text = (rest if others else "") + line
        yield site.splice(start, end, text, "import-name", f"{shown(line)}", _SURE - _STEP * rank)
    members = [name for name in site.world.library.get(module, ()) if name != alias.name]
    near = difflib.get_close_matches(alias.name, members, n=_NEAR, cutoff=0.5)
    place = site.module.find_between(start, end, rf"import\b[^#]*?\b{re.escape(alias.name)}\b")
    for rank, name in enumerate(near if place else ()):
        _, stop = place or (0, 0)
        new = name if alias.asname else f"{name} as {alias.name}"
        note = f"`{alias.name}` is called `{name}` in `{module}`"
        yield site.splice(stop - len(alias.name), stop, new, "import-name", note, _SURE - _STEP * rank)


def _spelt(name: str, known_as: str) -> str:
    return name if name == known_as else f"{name} as {known_as}"


def _module_renamed(site: Site, statement: ast.Import | ast.ImportFrom) -> Iterator[Edit]:
    """A module that is nowhere: one of that name elsewhere."""
    start, end = site.module.span(statement)
    text = site.module.text[start:end]
    for match in site.clues.search(r"No module named '([\w.]+)'"):
        missing = match.group(1)
        if not re.search(rf"(?<![\w.]){re.escape(missing)}(?!\w)", text):
            continue
        for rank, home in enumerate(site.world.homes.get(missing.rpartition(".")[2], ())):
            if home == missing or home.startswith(f"{missing}."):
                continue
            plain = isinstance(statement, ast.Import) and re.fullmatch(rf"import\s+{re.escape(missing)}", text)
            new = f"{home} as {missing}" if plain and "." not in missing else home
            changed = re.sub(rf"(?<![\w.]){re.escape(missing)}(?!\w)", new, text, count=1)
            yield site.splice(start, end, changed, "import-name", "", _SURE - _STEP * rank)


def _member_moved(site: Site, node: ast.Attribute) -> Iterator[Edit]:
    """`module.x` where x is in a part of the module now."""
    base = site.text(node.value)
    for match in site.clues.search(rf"module '([\w.]+)' has no attribute '{re.escape(node.attr)}'"):
        module = match.group(1)
        inner = [home for home in site.world.homes.get(node.attr, ()) if home.startswith(f"{module}.")]
        for rank, home in enumerate(inner):
            new = f"{base}{home.removeprefix(module)}.{node.attr}"
            yield site.replace(node, new, "attribute", _SURE - _STEP * rank)
