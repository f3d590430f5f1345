"""Best of n: further answers to the question that brought an edit which did not pass, each drawn hotter than the last.

A draw is one model call and one step. Its edits are made in memory, on the files as they were when the question was
asked; what comes to the same syntax trees as an edit before is dropped. What is left goes to the warm validator as one
batch; edits it cannot hold (new files, other languages) are tested one after the other.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from coder.policies.contract import Edit, View
from coder.repair.contract import MODEL, Candidate
from coder.repair.partial import TURNED_GREEN
from coder_tools.contract import PYTHON
from coder_tools.shape import shape
from coder_tools.splice import splices_between

COOLEST, RISE, HOTTEST = 0.7, 0.3, 1.5  # temperatures of the draws
SHARE = 4  # a draw is made where so many like it would still fit into what is left
FEWEST_STEPS = 10  # that must be left for one
SAME = 2  # draws in a row that brought nothing new, after which no more are made
LARGEST = 200_000  # bytes of an edit that is kept
PATIENCE = 4.0  # an edit may do more than the code did before
_TOLD = 2  # edits that failed too, of which the model is told
_SHOWN = 600  # characters of each


class Samples:
    """The answers to one question. All it knows is in the policy's memory."""

    def __init__(self, memory: dict[str, Any], wanted: int) -> None:
        self._memory = memory
        self._wanted = wanted

    @property
    def _kept(self) -> dict[str, Any]:
        kept: dict[str, Any] = self._memory["question"]
        return kept

    @property
    def question(self) -> str:
        """The id of the first call of the answer that the question got; "" where there is no question."""
        return str(self._kept["call"]) if self._memory.get("question") else ""

    @property
    def temperature(self) -> float:
        """Of the next draw."""
        return min(HOTTEST, COOLEST + RISE * int(self._kept["drawn"]))

    def ask(self, call: str, tokens: int, seconds: float) -> None:
        """Remember a question: the first of a conversation whose answer changed the base, and what that cost."""
        self._memory["question"] = {
            "call": call, "tokens": tokens, "seconds": seconds, "phase": "open", "drawn": 0, "same": 0,
            "shapes": [], "edits": [],
        }  # fmt: skip

    def is_due(self, view: View) -> bool:
        """Whether a draw comes next: the edit under test did not pass, and what is left holds several like it."""
        if not self.question or self._kept["phase"] in ("testing", "over"):
            return False
        kept, left = self._kept, view.left
        if kept["phase"] == "open":
            if self._memory.get("tested") != view.workspace.revision() or view.standing:
                return False
            if view.finding is None or not view.finding.failing:
                return False
            kept["phase"] = "drawing"
            kept["shapes"].append(shape(view.workspace.changes))
            kept["first"] = {"changes": _text(view.workspace.changes), "passed": view.finding.passed}
        enough = kept["drawn"] >= self._wanted - 1 or kept["same"] >= SAME
        affordable = left.tokens >= SHARE * kept["tokens"] and left.seconds >= SHARE * kept["seconds"]
        if enough or not affordable or left.steps < FEWEST_STEPS:
            kept["phase"] = "testing"
        return str(kept["phase"]) == "drawing"

    def give_up(self) -> None:
        """No more draws: the model cannot be asked."""
        self._kept["phase"] = "testing"

    def take(self, changes: Mapping[str, bytes | None]) -> str:
        """Keep what a draw came to; what became of it, in words."""
        kept = self._kept
        words = f"answer {kept['drawn'] + 2} of {self._wanted} at temperature {self.temperature:.1f}"
        kept["drawn"] += 1
        name = shape(changes)
        kept["same"] += 1
        if not changes:
            return f"{words}: no edit"
        if sum(len(data or b"") for data in changes.values()) > LARGEST:
            return f"{words}: too large"
        if name in kept["shapes"]:
            return f"{words}: the same edit as one before"
        kept["same"] = 0
        kept["shapes"].append(name)
        kept["edits"].append({"key": name, "changes": _text(changes), "tested": False})
        return f"{words}: another edit of {', '.join(sorted(changes))}"

    # putting them to test

    def next_test(self, view: View) -> Edit | None:
        """The test that comes next; None when there is none, and the conversation goes on from the best edit."""
        if not self.question or self._kept["phase"] != "testing":
            return None
        kept = self._kept
        untried = [edit for edit in kept["edits"] if not edit["tested"]]
        if candidates := [c for edit in untried if (c := _candidate(view, edit))]:
            for edit in untried:
                edit["tested"] = edit["key"] in {candidate.key for candidate in candidates}
            note = f"best of {kept['drawn'] + 1} answers: {len(candidates)} other edits"
            return Edit(candidates=tuple(candidates), wants="test", note=note)
        self._compare(view)
        if untried:
            untried[0]["tested"] = True
            kept["now"] = untried[0]["key"]
            return self._put(view, untried[0], "another answer to the same question")
        kept["phase"] = "over"
        if not kept["edits"]:
            return None
        best = self._best(view)
        self._memory["news"] = self._news(view, best)
        if _changes(best) == dict(view.workspace.changes):
            return None
        return self._put(view, best, "the best of the answers")

    def _compare(self, view: View) -> None:
        """Note how far the edit came that was tested as a change of its own."""
        for edit in self._kept["edits"]:
            if edit["key"] == self._kept.get("now") and view.finding is not None:
                edit["passed"] = view.finding.passed

    def _best(self, view: View) -> dict[str, Any]:
        """The edit with which most of the goal passes; of equals the first."""
        first = self._kept["first"]
        green = {key for key, strength, _ in view.partials if strength == TURNED_GREEN}
        base = len(view.goal) - len(view.failures)
        for edit in self._kept["edits"]:
            if edit["key"] in green:
                edit.setdefault("passed", base + 1)
        return max([first, *self._kept["edits"]], key=lambda edit: int(edit.get("passed", 0)))

    def _put(self, view: View, edit: Mapping[str, Any], note: str) -> Edit:
        """The edit as the change under test, in place of the one there is."""
        changes = _changes(edit)
        self._memory["tested"] = self._memory["revision"] = view.workspace.over(changes).revision()
        return Edit(changes=changes, wants="test", note=note)

    def _news(self, view: View, best: Mapping[str, Any]) -> str:
        """What the model is told of all this."""
        others = [edit for edit in self._kept["edits"] if edit is not best]
        lines = [f"{self._kept['drawn']} more answers to the same question were drawn and their edits tested."]
        if best is not self._kept["first"]:
            lines += ["This edit did best; it is in the files now, in place of yours:", _diff(view, best)]
        for edit in others[:_TOLD]:
            lines += ["This one failed too:", _diff(view, edit)]
        return "\n".join(lines)


def _candidate(view: View, edit: Mapping[str, Any]) -> Candidate | None:
    """The edit for the warm validator; None where that cannot hold it."""
    changes = _changes(edit)
    if view.language != PYTHON or not all(path.endswith(".py") for path in changes):
        return None
    splices = []
    for path, data in changes.items():
        try:
            old = view.workspace.original(path)
        except KeyError:
            return None
        made = splices_between(path, old, data) if data is not None else []
        if not made:
            return None
        splices += made
    size = sum(splice.text.count("\n") + 1 for splice in splices)
    line = view.workspace.original(splices[0].path)[: splices[0].start].count(b"\n") + 1
    note = f"the model has changed {', '.join(sorted(changes))}"
    return Candidate(str(edit["key"]), splices[0], MODEL, line, -size / 10, note, PATIENCE, tuple(splices[1:]))


def _diff(view: View, edit: Mapping[str, Any]) -> str:
    lines: list[str] = []
    for path, data in _changes(edit).items():
        exists = view.workspace.over({}).exists(path)
        old = view.workspace.original(path).decode("utf-8", "replace") if exists else ""
        new = (data or b"").decode("utf-8", "replace")
        lines += difflib.unified_diff(old.splitlines(), new.splitlines(), path, path, n=1, lineterm="")
    text = "\n".join(lines)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}\n[... {len(text) - _SHOWN} characters left out]"


def _text(changes: Mapping[str, bytes | None]) -> dict[str, str | None]:
    """A change set that JSON takes: a character a byte."""
    return {path: None if data is None else data.decode("latin-1") for path, data in changes.items()}


def _changes(edit: Mapping[str, Any]) -> dict[str, bytes | None]:
    """The inverse of `_text`."""
    return {path: None if text is None else text.encode("latin-1") for path, text in edit["changes"].items()}
