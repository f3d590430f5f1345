"""Other agents' detectors, written anew from their published rules, to be measured beside coder's.

Each takes a sequence of steps and gives the index of the step after which it would first have reacted, -1 for never.
Reaction means whatever that agent does first: a notice, a question to the user or a stop.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from coder.supervisor.watch import Watch
from coder.trajectories.contract import Step

Detector = Callable[[Sequence[Step]], int]


def coder(steps: Sequence[Step]) -> int:
    """The first rung of the ladder."""
    watch = Watch()
    return next((at for at, step in enumerate(steps) if watch.see(step).intervention is not None), -1)


def _acts(step: Step) -> str:
    return json.dumps([[c.name, dict(c.arguments)] for c in step.calls], sort_keys=True)


def openhands(steps: Sequence[Step]) -> int:
    """Four equal actions (thought included) with equal observations, three failures of one action, three messages
    in a row, or six in the order ABABAB; in the last twenty events."""
    for at in range(len(steps)):
        seen = steps[max(0, at - 19) : at + 1]
        actions = [(s.thought, _acts(s)) for s in seen]
        observed = [tuple(c.result for c in s.calls) for s in seen]
        both = list(zip(actions, observed, strict=True))
        if len(both) >= 4 and seen[-1].calls and len(set(both[-4:])) == 1:
            return at
        failed = [any(c.ok is False for c in s.calls) for s in seen]
        if len(seen) >= 3 and len(set(actions[-3:])) == 1 and all(failed[-3:]):
            return at
        if len(seen) >= 3 and not any(s.calls for s in seen[-3:]):
            return at
        if len(both) >= 6 and all(both[-i] == both[-i - 2] for i in range(1, 5)) and both[-1] != both[-2]:
            return at
    return -1


def gemini(steps: Sequence[Step]) -> int:
    """A cycle of one to five calls, by their hash, five times over; or a chunk of 50 characters ten times."""
    hashes: list[str] = []
    for at, step in enumerate(steps):
        for call in step.calls:
            text = call.name + json.dumps(dict(call.arguments), sort_keys=True)
            hashes.append(hashlib.sha256(text.encode()).hexdigest())
        for size in range(1, 6):
            tail = hashes[-5 * size :]
            if len(tail) == 5 * size and all(tail[i] == tail[i % size] for i in range(len(tail))):
                return at
        if any(
            step.thought.count(step.thought[i : i + 50]) >= 10 for i in range(0, max(0, len(step.thought) - 50), 50)
        ):
            return at
    return -1


def consecutive(most: int) -> Detector:
    """The same call `most` times in a row, whatever it returns."""

    def detect(steps: Sequence[Step]) -> int:
        last, count = "", 0
        for at, step in enumerate(steps):
            for call in step.calls:
                text = json.dumps([call.name, dict(call.arguments)], sort_keys=True)
                count = count + 1 if text == last else 1
                last = text
                if count >= most:
                    return at
        return -1

    return detect


def swe_agent(steps: Sequence[Step]) -> int:
    """Counting of failed steps: three in a row without a valid action (here: no call at all, or a refused one)."""
    count = 0
    for at, step in enumerate(steps):
        bad = not step.calls or all(c.ok is False for c in step.calls)
        count = count + 1 if bad else 0
        if count >= 3:
            return at
    return -1


DETECTORS: dict[str, Detector] = {
    "coder": coder,
    "OpenHands": openhands,
    "Gemini CLI": gemini,
    "Cline (soft, 3)": consecutive(3),
    "opencode (3)": consecutive(3),
    "SWE-agent": swe_agent,
}
