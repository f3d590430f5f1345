"""The search policy: no model, only the repair engine. It proposes ranked batches of single-edit candidates."""

from __future__ import annotations

import time
from dataclasses import replace

from coder.policies.contract import BASE, BEST, Edit, Plan, View
from coder.repair.contract import Candidate
from coder.repair.partial import MOVED_ON, TURNED_GREEN
from coder.repair.propose import propose
from coder_tools.contract import PYTHON
from coder_tools.logs import unusual

FIRST_BATCH = 64  # most faults are found here: it is under way while the rest is still being made
BATCH = 512  # large enough to keep the warm validator busy, small enough for one step
STAGES = (1_000, 6_000, 20_000)  # candidates made at a time: the first take a moment, all there are many seconds
MOST_CANDIDATES = STAGES[-1]
SECOND_CANDIDATES = 400  # second edits tried on one first edit
MOST_TRIALS = 8  # first edits on which a second is looked for
TRIAL_AFTER = {TURNED_GREEN: 1000, MOVED_ON: 4000}  # single edits that are tried before, by how far the first came
PATIENCE = 10.0  # how much longer those get, at the end, that were not done in time


class SearchPolicy:
    """Proposes every candidate once, best first. Its memory is how many it has handed over.

    When single edits are spent, or many have been tried, it goes on from those that came nearest: a second edit is
    looked for on each in turn, and one that turned a goal test green and broke nothing is kept. When nothing helps on
    that either, it was perhaps turned in a wrong way: the rest of the single edits are tried.
    """

    name = "search"

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._made: dict[str, list[Candidate]] = {}  # by what they stand on
        self._stage: dict[str, int] = {}  # how many stages of it have been made

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
        if view.language != PYTHON:
            why = f"the search mends Python only, and these tests are run by {view.language}"
            return Edit(wants="stop", note=f"{why}: that takes a model (--model)")
        cursors = view.memory.setdefault("cursors", {})
        start = cursors.get(view.standing, 0)
        if not view.is_trial and (trial := self._trial(view, start)):
            return trial
        size = min(BATCH, max(FIRST_BATCH, start))
        # also after a resume: the engine is deterministic, so the cursor still fits
        batch = tuple(self._candidates(view, start + 1)[start : start + size])
        if batch:
            cursors[view.standing] = start + len(batch)
            return Edit(candidates=batch, wants="test", note=f"{start + 1} to {start + len(batch)}, likeliest first")
        if view.is_trial:
            return Edit(stand_on=BEST, wants="more", note="no second edit helps here")
        if view.late and not view.memory.get("patient"):
            view.memory["patient"] = True
            again = tuple(replace(candidate, patience=PATIENCE) for candidate in view.late[:BATCH])
            return Edit(candidates=again, wants="test", note="again, with more time: these were not done in theirs")
        if trial := self._trial(view, MOST_CANDIDATES):
            return trial
        if view.standing:  # it turned a test green, but perhaps in a wrong way: what is left of single edits is tried
            return Edit(stand_on=BASE, wants="more", note="nothing helps on what was kept")
        return Edit(wants="stop", note=self._spent(view))

    def _spent(self, view: View) -> str:
        """Why there is nothing more to try."""
        number = len(self._made[view.standing])
        if not number:
            why = next((words for result in view.failures if (words := unusual(result))), "")
            nothing = "there is nothing to try: no line of the code under test can be tied to the failure"
            return f"{nothing}; {why}" if why else nothing
        tried = len(view.memory.get("trials", ()))
        second = f", nor does a second edit on {tried} of them" if tried else ""
        return f"none of {number} single-edit candidates passes{second}"

    def _trial(self, view: View, tried: int) -> Edit | None:
        """A second edit on the next candidate that came far enough, once so many have been tried; None if it is not
        time, or there is none."""
        trials = view.memory.setdefault("trials", [])
        for key, strength, note in view.partials:
            if key in trials or len(trials) >= MOST_TRIALS or tried < TRIAL_AFTER[strength]:
                continue
            trials.append(key)
            return Edit(stand_on=key, wants="test", note=f"on: {note}")
        return None

    def _candidates(self, view: View, wanted: int) -> list[Candidate]:
        """At least so many candidates, if there are and there is time. The likeliest are made before the rest."""
        stages = (SECOND_CANDIDATES,) if view.is_trial else STAGES
        made = self._made.setdefault(view.standing, [])
        deadline = time.monotonic() + view.left.seconds
        while wanted > len(made) and (stage := self._stage.get(view.standing, 0)) < len(stages):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            known = {candidate.key for candidate in made}
            made += [c for c in self._proposed(view, stages[stage], left) if c.key not in known]
            self._stage[view.standing] = stage + 1
        return made

    def _proposed(self, view: View, limit: int, seconds: float) -> list[Candidate]:
        """Edits of what the search stands on. Without that they are edits of the base, whatever else has been changed:
        so are the suspects, and that is what they are tested on."""
        return propose(
            view.workspace.read if view.standing else view.workspace.original,
            view.suspects,
            view.failures,
            seed=self._seed,
            limit=limit,
            world=view.world,
            seconds=seconds,
        )
