"""The search at a model's side, at no token cost: small edits where its hypothesis points, and of its own edits."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from coder.policies.contract import Edit, View
from coder.repair.contract import Candidate, Suspect
from coder.repair.propose import propose
from coder_tools.contract import PYTHON
from coder_tools.symbols import definitions
from coder_tools.workspace import Workspace

_CANDIDATES = 150
_LINES = 80  # changed lines, above which an edit is too large to be nearly right
_TIMES = 6  # edits of a run that are looked at
_SECONDS = 15.0  # that must be left
_NAMES = 12  # mentioned names that are tried


def near_misses(view: View) -> Edit | None:
    """A batch of single edits of the lines that the tested change has, once a change; None if there is nothing to do.

    What was looked at is kept in the view's memory.
    """
    if view.language != PYTHON:
        return None
    looked: list[str] = view.memory.setdefault("looked", [])
    tested = view.memory.get("model", {}).get("tested")
    revision = view.workspace.revision()
    if not view.workspace.changes or tested != revision or revision in looked or view.standing:
        return None
    if view.finding is None or not view.finding.failing or len(looked) >= _TIMES or view.left.seconds < _SECONDS:
        return None
    looked.append(revision)
    suspects = list(_changed(view))
    if not 0 < len(suspects) <= _LINES:
        return None
    candidates = _proposed(view, suspects, f"{_hypothesis(view)} {_written(view, suspects)}")
    if not candidates:
        return None
    note = f"{len(candidates)} small changes of the model's edit"
    return Edit(candidates=tuple(candidates), on_change=True, wants="test", note=note)


def where_it_points(view: View) -> Edit | None:
    """A batch of single edits in the functions that the model's hypothesis names, once a hypothesis; None for none.

    The search had a share of the time alone, and may not have come this far down its own ranking.
    """
    if view.language != PYTHON or view.plan is None or view.workspace.changes or view.standing:
        return None
    pointed: list[str] = view.memory.setdefault("pointed", [])
    words = _hypothesis(view)
    if words in pointed or len(pointed) >= _TIMES or view.left.seconds < _SECONDS:
        return None
    pointed.append(words)
    suspects = list(_named(view, set(re.findall(r"[A-Za-z_]\w+", words))))[:_LINES]
    candidates = _proposed(view, suspects, words)
    if not candidates:
        return None
    note = f"{len(candidates)} small edits where the hypothesis points"
    return Edit(candidates=tuple(candidates), wants="test", note=note)


def _proposed(view: View, suspects: Sequence[Suspect], words: str) -> list[Candidate]:
    """Single edits of these lines, with the names that the words mention among the material."""
    world = replace(view.world, mentioned=_mentioned(view.workspace, words))
    return propose(view.workspace.read, suspects, view.failures, limit=_CANDIDATES, world=world)


def _hypothesis(view: View) -> str:
    return f"{view.plan.text} {view.plan.evidence}" if view.plan is not None else ""


def _written(view: View, suspects: Sequence[Suspect]) -> str:
    """The lines of the model's edit."""
    lines = {path: view.workspace.read(path).decode().split("\n") for path in {s.path for s in suspects}}
    return "\n".join(lines[s.path][s.line - 1] for s in suspects)


def _mentioned(workspace: Workspace, words: str) -> frozenset[str]:
    """The identifiers in a text that the project's Python files define, assign or read as a member somewhere.

    Those that look like code come first, where there are many: an English word may be a name as well.
    """
    found = dict.fromkeys(re.findall(r"[A-Za-z_]\w+", words))
    names = [name for name in found if not keyword.iskeyword(name)]
    if not names:
        return frozenset()
    either = b"|".join(name.encode() for name in names if name.isascii())
    used = re.compile(rb"(?:\.|\bdef |\bclass )(" + either + rb")\b|\b(" + either + rb")\s*[=,)]")
    there: set[str] = set()
    for _, data in workspace.read_all([path for path in workspace.files() if path.endswith(".py")]):
        there |= {(one or other).decode() for one, other in used.findall(data)}
    looks = sorted((name for name in names if name in there), key=lambda n: "_" not in n.strip("_") and n.islower())
    return frozenset(looks[:_NAMES])


def _named(view: View, names: set[str]) -> Iterator[Suspect]:
    """The lines of the functions with one of these names in the Python files of the plan."""
    paths = view.plan.files if view.plan is not None else ()
    for path in (path for path in paths if path.endswith(".py") and view.workspace.exists(path)):
        for symbol in definitions(path, view.workspace.read(path)):
            if symbol.kind == "function" and symbol.name in names:
                lines = range(symbol.first_line, symbol.last_line + 1)
                yield from (Suspect(path, line, 1.0, ("the model suspects it",)) for line in lines)


def _changed(view: View) -> Iterator[Suspect]:
    """The lines of Python code that the change set has and the base has not."""
    for path in view.workspace.changes:
        try:
            new = view.workspace.read(path).decode().split("\n") if path.endswith(".py") else []
        except (KeyError, UnicodeDecodeError):
            continue
        try:
            old = view.workspace.original(path).decode("utf-8", "replace").split("\n")
        except KeyError:
            old = []
        matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
        for kind, _, _, first, last in matcher.get_opcodes():
            if kind != "equal":
                yield from (Suspect(path, line + 1, 1.0, ("the model changed it",)) for line in range(first, last))
