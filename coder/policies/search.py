"""The search policy: no model, only the repair engine. It proposes ranked batches of single-edit candidates."""

from __future__ import annotations

from dataclasses import replace

from coder.policies.contract import Edit, Plan, View
from coder.repair.contract import Candidate
from coder.repair.propose import propose

FIRST_BATCH = 64  # most faults are found here: it is under way while the rest is still being made
BATCH = 512  # large enough to keep the warm validator busy, small enough for one step
FIRST_CANDIDATES = 1000  # made in a moment; all there are take seconds
MOST_CANDIDATES = 20_000
PATIENCE = 10.0  # how much longer those get, at the end, that were not done in time


class SearchPolicy:
    """Proposes every candidate once, best first. Its memory is how many it has handed over."""

    name = "search"

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._candidates: list[Candidate] = []
        self._complete = False

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
        start = view.memory.get("cursor", 0)
        size = min(BATCH, max(FIRST_BATCH, start))
        self._make(view, start + 1)  # also after a resume: the engine is deterministic, so the cursor still fits
        batch = tuple(self._candidates[start : start + size])
        if batch:
            view.memory["cursor"] = start + len(batch)
            return Edit(candidates=batch, wants="test", note=f"{start + 1} to {start + len(batch)}, likeliest first")
        if view.late and not view.memory.get("patient"):
            view.memory["patient"] = True
            again = tuple(replace(candidate, patience=PATIENCE) for candidate in view.late[:BATCH])
            return Edit(candidates=again, wants="test", note="again, with more time: these were not done in theirs")
        return Edit(wants="stop", note=f"none of {len(self._candidates)} single-edit candidates passes")

    def _make(self, view: View, wanted: int) -> None:
        """See that there are so many candidates, if there can be. The likeliest are made before the rest."""
        if not self._candidates:
            self._candidates = self._proposed(view, FIRST_CANDIDATES)
        if wanted > len(self._candidates) and not self._complete:
            known = {candidate.key for candidate in self._candidates}
            self._candidates += [c for c in self._proposed(view, MOST_CANDIDATES) if c.key not in known]
            self._complete = True

    def _proposed(self, view: View, limit: int) -> list[Candidate]:
        return propose(
            view.workspace.read,
            view.suspects,
            view.failures,
            seed=self._seed,
            limit=limit,
            world=view.world,
            seconds=view.left.seconds,
        )
