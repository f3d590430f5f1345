"""The search policy: no model, only the repair engine. It proposes ranked batches of single-edit candidates."""

from __future__ import annotations

from coder.policies.contract import Edit, Plan, View
from coder.repair.contract import Candidate
from coder.repair.propose import propose

FIRST_BATCH = 64
BATCH = 512  # large enough to keep the warm validator busy, small enough for one step


class SearchPolicy:
    """Proposes every candidate once, best first. Its memory is how many it has handed over."""

    name = "search"

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._candidates: list[Candidate] | None = None

    def plan(self, view: View) -> Plan:
        """The ranking in words; nothing is decided here that the suspects do not say."""
        if not view.suspects:
            return Plan("no line of the code under test can be tied to the failure")
        top = view.suspects[0]
        why = f" ({'; '.join(top.reasons)})" if top.reasons else ""
        text = f"{len(view.suspects)} suspicious lines; the first is {top.path}:{top.line}{why}"
        return Plan(text, files=tuple(dict.fromkeys(s.path for s in view.suspects[:20])))

    def edit(self, view: View) -> Edit:
        """The next batch, or an end when all have been tried. The same view gives the same batch again."""
        if self._candidates is None:  # also after a resume: the engine is deterministic, so the cursor still fits
            self._candidates = propose(view.workspace.read, view.suspects, view.failures, seed=self._seed)
        start = view.memory.get("cursor", 0)
        size = FIRST_BATCH if start == 0 else BATCH
        batch = tuple(self._candidates[start : start + size])
        if not batch:
            return Edit(wants="stop", note=f"none of {len(self._candidates)} single-edit candidates passes")
        view.memory["cursor"] = start + len(batch)
        return Edit(
            candidates=batch,
            wants="test",
            note=f"{start + 1} to {start + len(batch)} of {len(self._candidates)}",
        )
