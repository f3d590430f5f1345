"""K: what a run knows. Kept by code from what was done and what came back, never from a model's word.

It is derived: the same steps give the same K, so a resumed run has it again from its record.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from coder.supervisor.actions import END, Action
from coder.supervisor.wording import Thought, lines_of, place_lines, thought_of

_MOST_LINES = 60_000  # observed lines that are remembered
_MOST_THOUGHTS = 40
_MOST_TEXT = 300  # characters of a hypothesis or a test's result that are kept
_DEFINED = re.compile(r"^[^\S\n]*(?:\d+\s*[|:\t]\s?)?[^\S\n]*(?:async\s+def|def|class|function|func|fn)\s+(\w+)", re.M)

Fate = Literal["open", "refuted", "held"]
Outcome = Literal["untested", "failed", "passed", "refused"]


@dataclass
class Asked:
    """An action that was taken, and when."""

    count: int
    step: int  # the newest
    world: int  # the state of the workspace then
    failed: bool = False


@dataclass
class Hypothesis:
    text: str
    step: int
    fate: Fate = "open"


@dataclass
class Tried:
    """An edit by its syntax tree, and what became of it."""

    path: str
    key: str
    step: int
    outcome: Outcome = "untested"


@dataclass
class Tested:
    """The last run of a selection of tests."""

    selection: str
    step: int
    world: int
    failed: bool
    result: str


@dataclass
class Knowledge:
    """Facts, hypotheses, edits, test results and repeated actions. Serialisable by `to_json`."""

    steps: int = 0
    world: int = 0  # raised by whatever changed the workspace
    regions: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # lines read of each file as it is now
    definitions: dict[str, str] = field(default_factory=dict)  # name -> file it was seen in
    lines: dict[int, None] = field(default_factory=dict)  # observed lines, oldest first
    asked: dict[str, Asked] = field(default_factory=dict)
    hypotheses: list[Hypothesis] = field(default_factory=list)
    edits: list[Tried] = field(default_factory=list)
    tests: dict[str, Tested] = field(default_factory=dict)
    thoughts: list[Thought] = field(default_factory=list)
    gained_since_thought: int = 0
    sketches: int = 0  # replies since the last action that hold code and do nothing with it
    circling: int = 0  # replies since the last action that brought nothing
    empty_searches: int = 0  # in a row
    errors: int = 0  # failed calls in a row
    drafts: list[tuple[str, str]] = field(default_factory=list)  # path and new text of edits nothing has tested yet
    paths: dict[str, None] = field(default_factory=dict)  # files by the name each was first called

    def placed(self, action: Action) -> Action:
        """The action with its file under the name it was first called by: `/testbed/a.py` and `a.py` are one file."""
        if action.kind not in ("read", "edit") or not action.target:
            return action
        path = action.target
        for known in self.paths:
            if known == path or (known.endswith(f"/{path}") and known[0] == "/"):
                return replace(action, target=known)
            if path[0] == "/" and path.endswith(f"/{known}"):
                return replace(action, target=known)
        self.paths[path] = None
        return action

    def unseen(self, result: str) -> tuple[int, int]:
        """How many lines of an observation are new, and how many it has."""
        hashes = set(lines_of(result))
        return len(hashes - self.lines.keys()), len(hashes)

    def covers(self, action: Action) -> bool:
        """Whether every line of a read has been read since the file last changed."""
        at = action.first
        for first, last in sorted(self.regions.get(action.target, ())):
            if first <= at <= last:
                at = last + 1
        return at > action.last or at > END

    def observe(self, result: str) -> None:
        """Remember the lines of an observation."""
        for line in lines_of(result):
            self.lines[line] = None
        while len(self.lines) > _MOST_LINES:
            del self.lines[next(iter(self.lines))]

    def learn_read(self, action: Action, result: str) -> None:
        """A file, or a part of it, was shown."""
        last = action.last
        if numbers := place_lines(result):
            last = min(last, max(numbers)) if _cut(result) else last
        elif _cut(result):
            last = min(last, action.first + result.count("\n"))
        self.regions.setdefault(action.target, []).append((action.first, last))
        for name in _DEFINED.findall(result):
            self.definitions.setdefault(name, action.target)

    def learn_asked(self, action: Action, failed: bool) -> None:
        """An action was taken."""
        before = self.asked.get(action.key)
        self.asked[action.key] = Asked(before.count + 1 if before else 1, self.steps, self.world, failed)

    def learn_edit(self, action: Action, new: bool) -> None:
        """The file changed: what was read of it holds no longer. An edit made before leads to nothing new to test."""
        self.world += new
        self.edits.append(Tried(action.target, action.key, self.steps))
        self.drafts.append((action.target, action.new))
        if action.target == "*":
            self.regions.clear()
        self.regions.pop(action.target, None)

    def learn_test(self, action: Action, failed: bool, result: str) -> None:
        """Tests were run: the edits before them, and the newest hypothesis, have their outcome."""
        shown = " ".join(result.split())[:_MOST_TEXT]
        self.tests[action.target] = Tested(action.target, self.steps, self.world, failed, shown)
        fresh = [edit for edit in self.edits if edit.outcome == "untested"]
        for edit in fresh:
            edit.outcome = "failed" if failed else "passed"
        if fresh and self.hypotheses and self.hypotheses[-1].fate == "open":
            self.hypotheses[-1].fate = "refuted" if failed else "held"
        self.drafts.clear()

    def learn_thought(self, text: str, alone: bool) -> None:
        """A thought, and whether it came without an action."""
        if not text.strip():
            return
        self.thoughts = [*self.thoughts[1 - _MOST_THOUGHTS :], thought_of(text)]
        if alone:
            self.hypotheses.append(Hypothesis(" ".join(text.split())[:_MOST_TEXT], self.steps))
            self.gained_since_thought = 0

    @property
    def last_test(self) -> Tested | None:
        """The newest run of tests."""
        return max(self.tests.values(), key=lambda t: t.step, default=None)

    def facts(self, most: int = 8) -> tuple[str, ...]:
        """What is known, in short lines for a prompt, the most useful first."""
        said = []
        if test := self.last_test:
            said.append(f"last test run: {test.result[:160]}")
        failed = [e.path for e in self.edits if e.outcome == "failed"]
        if failed:
            said.append(f"{len(failed)} edits tried and failed, in {', '.join(dict.fromkeys(failed[-4:]))}")
        said += [f"refuted: {h.text[:120]}" for h in self.hypotheses[-6:] if h.fate == "refuted"][-2:]
        for path, spans in list(self.regions.items())[-4:]:
            shown = ", ".join(f"{a} to {'the end' if b >= END else b}" for a, b in merged(spans)[:3])
            said.append(f"read {path}, lines {shown}")
        return tuple(said[:most])

    def to_json(self) -> dict[str, Any]:
        """Builtins only."""
        data = asdict(self)
        data["lines"] = list(self.lines)
        data["paths"] = list(self.paths)
        data["thoughts"] = [
            {"hard": sorted(t.hard), "words": sorted(t.words), "shingles": sorted(t.shingles), "repeats": t.repeats}
            for t in self.thoughts
        ]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Knowledge:
        """The inverse of `to_json`."""
        plain = (
            "steps",
            "world",
            "definitions",
            "gained_since_thought",
            "sketches",
            "circling",
            "empty_searches",
            "errors",
        )
        return cls(
            **{name: data[name] for name in plain},
            regions={path: [(a, b) for a, b in spans] for path, spans in data["regions"].items()},
            lines=dict.fromkeys(data["lines"]),
            paths=dict.fromkeys(data["paths"]),
            asked={key: Asked(**value) for key, value in data["asked"].items()},
            hypotheses=[Hypothesis(**value) for value in data["hypotheses"]],
            edits=[Tried(**value) for value in data["edits"]],
            tests={key: Tested(**value) for key, value in data["tests"].items()},
            thoughts=[
                Thought(frozenset(t["hard"]), frozenset(t["words"]), frozenset(t["shingles"]), t["repeats"])
                for t in data["thoughts"]
            ],
            drafts=[(path, text) for path, text in data["drafts"]],
        )


def merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of lines with those that touch taken together."""
    result: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


_CUT = re.compile(r"truncat|clipped|omitted|elided|left out|more lines|\[\.\.\.|lines? too long", re.IGNORECASE)


def _cut(result: str) -> bool:
    """Whether an observation says of itself that it is not whole."""
    return bool(_CUT.search(result[-400:]) or _CUT.search(result[:200]) or (len(result) > 8000 and _CUT.search(result)))
