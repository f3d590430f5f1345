"""A judge model, asked where the rules are unsure whether a step brought anything. Off unless the user names one.

It is heeded only once it has answered four questions whose answers are certain: a model that says anything, or always
the same, would make the verdicts worse than the rules alone do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from coder.models.contract import ChatModel, Message, ModelError
from coder.policies.contract import Spent
from coder.supervisor.labels import Label, Name
from coder.trajectories.contract import Call, Judgement, Step
from coder_tools.text import cap

UNSURE = 0.7  # confidence up to which the rules are
_SHOWN = 1500  # characters of a thought, and of what a call gave
_SECONDS, _TOKENS = 30.0, 300
_COSTS = ("prompt_tokens", "completion_tokens", "model_calls")
_SYSTEM = (
    "You watch a coding agent. Say whether its last step brought something that was not known before: a fact, a new "
    "idea that can be tested, a change. Going over known things again in other words is nothing new. "
    "Answer with one word: new or known."
)


_KNOWN = ("src/cart.py lines 1 to 40 were read", "test_total fails: expected 30, got 33")
EXAM: tuple[tuple[Step, Judgement], ...] = (
    (Step(1, "", (Call("read_file", {"path": "src/tax.py"}, "1| RATE = 0.2\n2| def tax(sum):"),)), "new"),
    (Step(2, "", (Call("read_file", {"path": "src/cart.py"}, "(these lines were read before)"),)), "known"),
    (Step(3, "So test_total fails: it expected 30 and got 33. It got 33 where 30 was expected."), "known"),
    (Step(4, "", (Call("edit_file", {"path": "src/cart.py", "replace": "return total - rebate"}, "Edited."),)), "new"),
)
"""Steps after which what is known is `_KNOWN`, and what they brought."""


@dataclass(frozen=True)
class Judge:
    """Asks one small question a step, and has no memory."""

    model: ChatModel

    def ask(self, facts: Sequence[str], step: Step, seconds: float = _SECONDS) -> tuple[Judgement, Spent]:
        """What the model says, and what that cost; no judgement ("") where it fails or answers something else.

        `seconds`: what is left of the run's time; the model has no more than that, and never more than 30.
        """
        messages: list[Message] = [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": _question(facts, step)},
        ]
        timeout = max(1.0, min(_SECONDS, seconds))
        try:
            reply = self.model.chat(messages, [], think=False, max_tokens=_TOKENS, timeout=timeout, temperature=0.0)
        except ModelError:
            return "", Spent(model_calls=1)
        words = reply.text.lower().replace(".", " ").split()
        spent = Spent(reply.prompt_tokens, reply.completion_tokens, reply.calls)
        return ("new" if words[-1:] == ["new"] else "known" if words[-1:] == ["known"] else ""), spent

    def sit_exam(self, seconds: float = _SECONDS) -> tuple[int, Spent]:
        """How many of the EXAM's questions it answers rightly, up to the first that it does not, and what that cost."""
        right, total = 0, Spent()
        for step, answer in EXAM:
            said, spent = self.ask(_KNOWN, step, seconds)
            total = Spent(*(getattr(total, name) + getattr(spent, name) for name in _COSTS))
            if said != answer:
                break
            right += 1
        return right, total


def _question(facts: Sequence[str], step: Step) -> str:
    lines = ["Known before:", *(f"- {fact}" for fact in facts), "", "The step:"]
    if step.thought.strip():
        lines.append(f"thought: {cap(step.thought, _SHOWN)}")
    for call in step.calls:
        lines.append(f"{call.name} {cap(json.dumps(dict(call.arguments)), _SHOWN)}\ngave: {cap(call.result, _SHOWN)}")
    return "\n".join(lines)


def overruled(label: Label, says: Judgement, step: Step) -> Label:
    """The label after the judge has spoken."""
    if says == "new" and label.drifts:
        return Label("calibrated", 0.6, f"the judge model sees something new; by the rules: {label.reason}", 1)
    if says == "known" and not label.drifts:
        name: Name = "overacting" if step.calls else "overthinking"
        return Label(name, 0.7, f"the judge model sees nothing new; by the rules: {label.reason}")
    return label
