"""Whether a step is calibrated, overthinks or overacts, judged against K, with the reason in words.

A step is calibrated when K grew by it. It overacts when what it did asks for what is known, or takes no account of
what came back; it overthinks when it reasons again over what is known. Length alone never counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from coder.supervisor.actions import Action, actions_of
from coder.supervisor.knowledge import Knowledge
from coder.supervisor.wording import Thought, thought_of
from coder.trajectories.contract import Call, Step

Name = Literal["calibrated", "overthinking", "overacting"]

LONG_AGO = 15  # steps after which having forgotten an answer is likely
MOST_REMINDERS = 3  # times that one answer may be fetched again after it was dropped from the context
CIRCLES = 2  # replies that brought nothing, after which other words are no way out of it: an action is
STALE = 0.1  # share of unseen lines up to which an observation counts as known


@dataclass(frozen=True)
class Label:
    """A step's label. `gained`: new pieces of evidence; `confidence`: 0 to 1."""

    name: Name
    confidence: float
    reason: str
    gained: int = 0

    @property
    def drifts(self) -> bool:
        return self.name != "calibrated"


@dataclass(frozen=True)
class _Weight:
    """What one action was worth: new, or known with this confidence and for this reason."""

    new: bool
    confidence: float
    reason: str


def judge(known: Knowledge, step: Step) -> Label:
    """Label a step, and let K learn from it."""
    known.steps += 1
    if step.given:
        known.observe(step.given)
    weights: list[_Weight] = []
    acted, spoken = False, step.thought
    for call in step.calls:
        actions = [known.placed(action) for action in actions_of(call)]
        doing = [a for a in actions if a.kind != "think"]
        if doing:
            acted = True
            weights.append(_weigh_call(known, doing, call))
        else:
            spoken += "\n" + " ".join(str(v) for v in call.arguments.values())
    label = _of_acts(weights) if acted else _of_thought(known, spoken)
    known.learn_thought(spoken, alone=not acted)
    known.gained_since_thought += label.gained if acted else 0
    known.sketches = 0 if acted else known.sketches + bool(_CODE.search(spoken))
    known.circling = 0 if acted else known.circling + label.drifts
    return label


def _of_acts(weights: list[_Weight]) -> Label:
    new = [w for w in weights if w.new]
    if new:
        return Label("calibrated", max(w.confidence for w in new), new[0].reason, len(new))
    worst = max(weights, key=lambda w: w.confidence)
    return Label("overacting", worst.confidence, worst.reason)


def _weigh_call(known: Knowledge, actions: list[Action], call: Call) -> _Weight:
    """The actions of one call share its result: the call is new if any of them is."""
    failed = _failed(call, actions)
    weights = [_forgotten(known, a, call) or _weigh(known, a, call.result, failed) for a in actions]
    for action, weight in zip(actions, weights, strict=True):
        if not (call.held and action.kind == "edit"):  # an edit that the agent's tools did not carry out again
            _learn(known, action, call.result, failed, weight.new)
    known.errors = known.errors + 1 if failed else 0
    known.observe(call.result)
    new = [w for w in weights if w.new]
    return new[0] if new else max(weights, key=lambda w: w.confidence)


def _forgotten(known: Knowledge, action: Action, call: Call) -> _Weight | None:
    """An answer that was dropped from the agent's context may be asked for again, though not without end."""
    before = known.asked.get(action.key)
    if call.held is not False or action.kind not in ("read", "search", "list") or before is None:
        return None
    if before.count >= MOST_REMINDERS:
        return _Weight(False, 0.75, f"asked for {before.count + 1} times, and dropped from the context each time")
    return _Weight(True, 0.55, f"known, but no longer in the agent's context: {action.words}")


def _learn(known: Knowledge, action: Action, result: str, failed: bool, new: bool) -> None:
    known.learn_asked(action, failed)
    if action.kind == "search":
        known.empty_searches = 0 if result.strip() and not _NOTHING.search(result[:200]) else known.empty_searches + 1
    if failed:
        return
    if action.kind == "read":
        known.learn_read(action, result)
    elif action.kind == "edit":
        known.learn_edit(action, new)
    elif action.kind == "test" and result.strip():
        known.learn_test(action, bool(_RED.search(result)), result)
    elif (action.kind == "format" and new) or (action.kind == "run" and _MUTATES.match(action.target)):
        known.world += 1
        known.regions.clear()


def _weigh(known: Knowledge, action: Action, result: str, failed: bool) -> _Weight:
    """What an action was worth, before K has learnt of it."""
    if failed:
        return _weigh_failure(known, action, result)
    match action.kind:
        case "read":
            return _weigh_read(known, action, result)
        case "search" | "list":
            return _weigh_search(known, action, result)
        case "edit":
            return _weigh_edit(known, action)
        case "wait":
            return _weigh_wait(known, action, result)
        case "finish":
            return _weigh_finish(known)
        case _:
            return _weigh_run(known, action, result)


def _weigh_failure(known: Knowledge, action: Action, result: str) -> _Weight:
    before = known.asked.get(action.key)
    unseen, total = known.unseen(result)
    if before and before.failed and before.world == known.world:
        return _Weight(False, 0.92, f"the same call failed before in the same way: {action.words}")
    if known.errors >= 1 and total and not unseen:
        return _Weight(False, 0.75, f"another call that fails with the error already seen: {action.words}")
    return _Weight(True, 0.6, f"an error not seen before: {action.words}")


def _weigh_read(known: Knowledge, action: Action, result: str) -> _Weight:
    unseen, total = known.unseen(result)
    if not known.covers(action) or (total and unseen > STALE * total):
        return _Weight(True, 0.9, f"lines not read before: {action.words}")
    before = known.asked.get(action.key)
    if before and known.steps - before.step >= LONG_AGO and before.count == 1:
        return _Weight(False, 0.5, f"read {known.steps - before.step} steps ago and not changed since: {action.words}")
    how = "the same read again" if before else "read already, by another command"
    return _Weight(False, 0.9, f"{how}, and nothing has changed since: {action.words}")


_NOTHING = re.compile(r"no (?:matches|results|files|such)|not found|nothing|0 (?:matches|results)|^\s*$", re.IGNORECASE)
_DEFINITION = re.compile(r"\b(?:class|def|func|function|fn)\b[\s\\s+]+(\w+)")


def _weigh_search(known: Knowledge, action: Action, result: str) -> _Weight:
    before = known.asked.get(action.key)
    unseen, total = known.unseen(result)
    if before and before.world == known.world and not unseen:
        return _Weight(False, 0.92, f"asked and answered before: {action.words}")
    if not total or (_NOTHING.search(result[:200]) and total <= 2):
        if known.empty_searches >= 2:
            return _Weight(False, 0.75, f"search number {known.empty_searches + 1} in a row that finds nothing")
        return _Weight(True, 0.55, f"found nothing, which was not known: {action.words}")
    named = _DEFINITION.search(action.target)
    if named and named[1] in known.definitions and unseen <= STALE * total:
        place = known.definitions[named[1]]
        return _Weight(False, 0.85, f"the definition of {named[1]} is known already, in {place}")
    if not unseen:
        return _Weight(False, 0.72, f"every line found was known already: {action.words}")
    return _Weight(True, 0.8, f"{unseen} lines not seen before: {action.words}")


def _weigh_edit(known: Knowledge, action: Action) -> _Weight:
    tried = [edit for edit in known.edits if edit.key == action.key]
    if tried:
        outcome = {"failed": "and failed", "passed": "and passed"}.get(tried[-1].outcome, "and was not tested")
        return _Weight(False, 0.92, f"this very edit was made before {outcome}: {action.target}")
    own = sum(path == action.target and _inside(text, action.old) for path, text in known.drafts)
    rewritten = sum(path == action.target for path, _ in known.drafts)
    if own and rewritten >= 2:
        return _Weight(False, 0.75, f"rewrites an edit of its own for the {rewritten}. time without testing one")
    return _Weight(True, 0.9, f"a new edit of {action.target}")


def _inside(written: str, replaced: str) -> bool:
    """Whether most of what is replaced now is what was written."""
    lines = {line.strip() for line in replaced.splitlines() if len(line.strip()) > 3}
    return bool(lines) and len(lines & {line.strip() for line in written.splitlines()}) * 2 >= len(lines)


_RUNNING = re.compile(
    r"running|in progress|pending|waiting|queued|still|not (?:yet )?(?:finished|done)|compiling|building|%|ETA", re.I
)
_ENDED = re.compile(
    r"exit(?:ed)?\b|finished|completed?\b|\bdone\b|passed|failed|no such (?:process|job)|not running|terminated", re.I
)
_POLLS = 20  # polls without a change after which a job counts as stuck


def _weigh_wait(known: Knowledge, action: Action, result: str) -> _Weight:
    unseen, _ = known.unseen(result)
    before = known.asked.get(action.key)
    if unseen or before is None:
        return _Weight(True, 0.7, "waits for something under way, and there is news")
    if _ENDED.search(result) and not _RUNNING.search(result):
        return _Weight(False, 0.85, "waits for something that has ended already")
    if before.count >= _POLLS:
        return _Weight(False, 0.75, f"waited {before.count} times, and nothing has moved")
    return _Weight(True, 0.55, "waits for something that is still under way")


def _weigh_finish(known: Knowledge) -> _Weight:
    test = known.last_test
    if test and test.failed and test.world == known.world:
        return _Weight(False, 0.8, "ends although the last run of the tests failed and nothing was changed since")
    return _Weight(True, 0.7, "ends")


def _weigh_run(known: Knowledge, action: Action, result: str) -> _Weight:
    """Tests, formatters and other commands: new if the workspace changed since, or if something else came out."""
    before = known.asked.get(action.key)
    unseen, total = known.unseen(result)
    if before is None:
        if action.kind == "test" and total and not unseen and not known.drafts and known.tests:
            return _Weight(False, 0.75, f"the same tests in other words, and nothing was changed: {action.words}")
        return _Weight(True, 0.85, f"not done before: {action.words}")
    if before.world != known.world:
        return _Weight(True, 0.85, f"done again after a change: {action.words}")
    if unseen:
        return _Weight(True, 0.7, f"done again, with another result: {action.words}")
    return _Weight(False, 0.92, f"done before with the same result, and nothing was changed since: {action.words}")


def _of_thought(known: Knowledge, text: str) -> Label:
    """A step that only reasons: is there anything in it that was not thought, and not read, before?"""
    if not text.strip():
        return Label("overthinking", 0.72, "a reply with neither an action nor a word")
    thought = thought_of(text)
    if thought.repeats > 0.6 and len(thought.shingles) >= 5:
        return Label("overthinking", 0.9, "says the same over and over within one thought")
    alike = max((thought.likeness(earlier) for earlier in known.thoughts), default=0.0)
    idle = not known.gained_since_thought and bool(known.hypotheses)
    if alike >= 0.6:
        return Label("overthinking", 0.92 if idle else 0.75, f"{alike:.0%} of this was thought before, in these words")
    if known.sketches and _CODE.search(text):
        return Label("overthinking", 0.72, "writes code into its reply again, where it changes nothing")
    if idle and not thought.hard:
        return Label("overthinking", 0.6, "names no file, function or value that could be looked at or tried")
    hard, words = _newness(thought, known.thoughts)
    if idle and ((len(thought.hard) >= 2 and hard <= 0.2 and words <= 0.75) or words <= 0.3):
        return Label("overthinking", 0.8, "goes over what is known again in other words, with no evidence in between")
    if known.circling >= CIRCLES:
        return Label("overthinking", 0.6, f"{known.circling} replies brought nothing, and still nothing is done")
    return Label("calibrated", 0.7 if idle else 0.85, "new reasoning" if idle else "takes in what came back")


_CODE = re.compile(r"^\s*(?:```|~~~).*\n\s*\S", re.MULTILINE)  # a fence with something in it


def _newness(thought: Thought, earlier: list[Thought]) -> tuple[float, float]:
    """The shares of a thought's hard terms, and of its words, that no earlier thought had."""
    hard = thought.hard.difference(*(t.hard for t in earlier)) if earlier else thought.hard
    words = thought.words.difference(*(t.words for t in earlier)) if earlier else thought.words
    return len(hard) / max(1, len(thought.hard)), len(words) / max(1, len(thought.words))


_RED = re.compile(
    r"\b[1-9]\d* (?:failed|errors?|failing)\b|\bFAILED\b|\bFAIL\b|Traceback|AssertionError|returncode>[1-9]"
)
_ERROR = re.compile(
    r"^\s*(?:<returncode>[1-9]\d*|(?:bash|sh|zsh|/bin/\w+): |cat: |sed: |ls: |Error\b|error: |ERROR\b|Invalid |"
    r"No replacement|.*(?:command not found|No such file or directory|did not appear verbatim|Nothing was written))",
    re.IGNORECASE,
)
_MUTATES = re.compile(
    r"(?:git (?:-\S+ )*(?:checkout|restore|reset|stash|apply|revert|bisect|switch|clean|merge|pull|rebase)|"
    r"pip3? install|python\S* -m pip|npm (?:i|install|ci)|apt|conda|uv (?:pip|sync|add)|make|alembic|\S*manage\.py)"
)


def _failed(call: Call, actions: list[Action]) -> bool:
    """Whether the call itself failed. Tests that fail are a result, and so is a search that finds nothing."""
    if {a.kind for a in actions} <= {"test", "search", "list", "wait", "finish"}:
        return call.ok is False and not call.result.strip()
    if call.ok is not None:
        return not call.ok
    return bool(_ERROR.match(call.result[:400]))
