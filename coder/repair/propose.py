"""From suspicious lines to candidates: every single edit that compiles and changes something, best first."""

from __future__ import annotations

import ast
import hashlib
import itertools
import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence

from coder.repair.check import Checker
from coder.repair.clues import Clues
from coder.repair.contract import Candidate, Suspect
from coder.repair.families import FEW, MANY, edits
from coder.repair.naturalness import Text
from coder.repair.rank import Ranker, Scored, likely, order
from coder.repair.scope import Inventory, Scopes, free_names
from coder.repair.site import Edit, Site
from coder.repair.source import FUNCTIONS, Module, is_text, module_at
from coder.repair.world import NOTHING, World
from coder_tools.contract import Splice, TestResult

_SURPLUS = 1.6  # edits made for one candidate wanted: some are equal, some do not compile; then only likely ones
_MOST = 8  # edits made for one candidate wanted, after which less suspicious statements are looked at for what takes
# few edits, or not at all where few candidates are wanted
_END = 16  # edits made for one candidate wanted, after which nothing more is looked at
_FEWEST = 2_000  # candidates looked for, however few are wanted: the best need not be made first
# How suspicious what stands around a suspicious line is, as a share of the line's own score.
_HEADER, _AROUND, _OUTSIDE = 0.5, 0.4, 0.25


def propose(
    read: Callable[[str], bytes],
    suspects: Sequence[Suspect],
    failures: Sequence[TestResult],
    seed: int = 0,
    limit: int = 20_000,
    world: World = NOTHING,
    seconds: float = math.inf,
) -> list[Candidate]:
    """Single-edit candidates for the suspicious lines, best first, each different in compiled code.

    `read` gives a file's bytes, KeyError if there is none; files that cannot be read or parsed are passed over.
    `seed` only decides between candidates of exactly the same score. `world` is what is known beyond the files.
    When `seconds` are over, what has been made so far is given.
    """
    deadline = time.monotonic() + seconds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of compiling `x is 1` and the like
        _, scored = score_all(read, suspects, failures, limit, world, deadline)
        made = _candidates(order(scored, seed), limit)
        return list(itertools.takewhile(lambda _: time.monotonic() < deadline, made))


def score_all(
    read: Callable[[str], bytes],
    suspects: Sequence[Suspect],
    failures: Sequence[TestResult],
    limit: int = 20_000,
    world: World = NOTHING,
    deadline: float = math.inf,
) -> tuple[Ranker, list[Scored]]:
    """Who scores, and every edit of the suspicious statements that leaves a text of its own with its score alone."""
    modules = dict(_modules(read, suspects))
    clues = Clues.of(failures)
    ranker = Ranker({path: Text(module.text) for path, module in modules.items()})
    scored: dict[tuple[str, int, int, str], Scored] = {}
    made, wanted = 0, max(limit, _FEWEST)
    for suspicion, site in _sites(modules, suspects, clues, world):
        rest = made > wanted * _MOST
        if (rest and limit <= _FEWEST) or made > wanted * _END or time.monotonic() > deadline:
            break
        full = len(scored) > wanted * _SURPLUS
        for edit in edits(site, FEW if rest else (*FEW, *MANY)):
            made += 1
            if not full or likely(edit):
                _keep_best(scored, Scored(edit, site, suspicion, ranker.score(edit, site, suspicion)))
    return ranker, list(scored.values())


def _modules(read: Callable[[str], bytes], suspects: Sequence[Suspect]) -> Iterator[tuple[str, Module]]:
    for path in dict.fromkeys(suspect.path for suspect in suspects):
        if (module := module_at(path, read)) is not None:
            yield path, module


def _sites(
    modules: dict[str, Module], suspects: Sequence[Suspect], clues: Clues, world: World
) -> list[tuple[float, Site]]:
    """The suspicious statements with what stands around them, most suspicious first."""
    found: list[tuple[float, Site]] = []
    for path, module in modules.items():
        inventory = Inventory.of(module)
        scopes = Scopes(module, inventory)
        scores: dict[ast.stmt, float] = {}
        for suspect in suspects:
            if suspect.path == path:
                for statement in module.statements_at(suspect.line):
                    _raise_to(scores, statement, suspect.score)
        for statement, score in list(scores.items()):
            for around, share in _around(module, inventory, statement):
                _raise_to(scores, around, score * share)
        hunks = world.hunks(module)
        found += [
            (score, Site(module, inventory, scopes, statement, clues, hunks, world))
            for statement, score in scores.items()
            if not is_text(statement)
        ]
    return sorted(found, key=lambda item: (-item[0], item[1].module.path, item[1].statement.lineno))


def _raise_to(scores: dict[ast.stmt, float], statement: ast.stmt, score: float) -> None:
    scores[statement] = max(score, scores.get(statement, 0.0))


def _around(module: Module, inventory: Inventory, statement: ast.stmt) -> Iterator[tuple[ast.stmt, float]]:
    """The blocks around a statement, its function's header, and what binds the outer names it reads."""
    for above in module.ancestors(statement):
        if isinstance(above, FUNCTIONS):
            yield above, _HEADER
            break
        if isinstance(above, ast.stmt) and not isinstance(above, ast.ClassDef):
            yield above, _AROUND
    names = free_names(statement)
    for name in sorted(names):
        known = inventory.names.get(name)
        if known is not None and known.line:
            yield from ((bound, _OUTSIDE) for bound in module.statements_at(known.line))


def _keep_best(scored: dict[tuple[str, int, int, str], Scored], new: Scored) -> None:
    """Of edits that leave the same text only the best is kept."""
    key = _minimal(new.site.module, new.edit)
    old = scored.get(key)
    if old is None or new.score > old.score:
        scored[key] = new


def _minimal(module: Module, edit: Edit) -> tuple[str, int, int, str]:
    """The edit without what its old and new text share at either end."""
    old, new = module.text[edit.start : edit.end], edit.text
    start = 0
    shortest = min(len(old), len(new))
    while start < shortest and old[start] == new[start]:
        start += 1
    end = 0
    while end < shortest - start and old[-1 - end] == new[-1 - end]:
        end += 1
    low, high, text = edit.start + start, edit.end - end, new[start : len(new) - end]
    if low == high and text:  # `a` before `a` is the same as `a` after it: taken as far to the left as it goes
        while low and module.text[low - 1] == text[-1]:
            low, text = low - 1, text[-1] + text[:-1]
        return module.path, low, low, text
    return module.path, low, high, text


def _candidates(ranked: Iterable[Scored], limit: int) -> Iterator[Candidate]:
    checkers: dict[str, Checker] = {}
    count = 0
    for entry in ranked:
        module, edit = entry.site.module, entry.edit
        if count == limit:
            return
        checker = checkers.setdefault(module.path, Checker(module))
        text = _encodable(module, edit.text)
        if text is None or not checker.accepts(edit, entry.site.statement) or _is_hopeless(entry.site, edit):
            continue
        count += 1
        start, end = edit.reach
        splice = Splice(module.path, module.byte_offset(start), module.byte_offset(end), text)
        yield Candidate(_key(splice), splice, edit.kind, edit.line, entry.score, edit.note)


def _is_hopeless(site: Site, edit: Edit) -> bool:
    """Whether the statement, edited, raises for whatever the failing tests bring to it: by the types they had there."""
    if not site.types or not site.types_matter or not site.holds(edit):
        return False
    start, end = site.module.span(site.statement)
    text = site.module.text
    source = text[start : edit.start] + edit.text + text[edit.end : end]
    try:
        changed = ast.parse("if 1:\n" + site.indent + " " + source if site.indent else source).body
    except SyntaxError:  # an `elif`, a part of something longer
        return False
    changed = changed[0].body if site.indent and isinstance(changed[0], ast.If) else changed
    return len(changed) == 1 and type(changed[0]) is type(site.statement) and site.types.cannot_work(changed[0])


def _encodable(module: Module, text: str) -> str | None:
    """The text with the file's own line breaks; None if the file's encoding cannot hold it."""
    if module.eol != "\n":
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", module.eol)
    try:
        text.encode(module.encoding)
    except UnicodeEncodeError:
        return None
    return text


def _key(splice: Splice) -> str:
    words = f"{splice.path}\0{splice.start}\0{splice.end}\0{splice.text}"
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
