"""Small changes of a model's edit that was nearly right: the search's candidates on it, at no token cost."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from coder.policies.contract import Edit, View
from coder.repair.contract import Suspect
from coder.repair.propose import propose

_CANDIDATES = 150
_LINES = 80  # changed lines, above which an edit is too large to be nearly right
_TIMES = 6  # edits of a run that are looked at
_SECONDS = 15.0  # that must be left


def near_misses(view: View) -> Edit | None:
    """A batch of single edits of the lines that the tested change has, once a change; None if there is nothing to do.

    What was looked at is kept in the view's memory.
    """
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
    candidates = propose(view.workspace.read, suspects, view.failures, limit=_CANDIDATES, world=view.world)
    if not candidates:
        return None
    note = f"{len(candidates)} small changes of the model's edit"
    return Edit(candidates=tuple(candidates), on_change=True, wants="test", note=note)


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
