"""A judge model, asked where the rules are unsure whether a step brought anything. Off unless the user names one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from coder.models.contract import ChatModel, Message, ModelError
from coder.policies.contract import Spent
from coder.supervisor.labels import Label, Name
from coder.trajectories.contract import Judgement, Step
from coder_tools.text import cap

UNSURE = 0.7  # confidence up to which the rules are
_SHOWN = 1500  # characters of a thought, and of what a call gave
_SECONDS, _TOKENS = 30.0, 300
_SYSTEM = (
    "You watch a coding agent. Say whether its last step brought something that was not known before: a fact, a new "
    "idea that can be tested, a change. Going over known things again in other words is nothing new. "
    "Answer with one word: new or known."
)


@dataclass(frozen=True)
class Judge:
    """Asks one small question a step, and has no memory."""

    model: ChatModel

    def ask(self, facts: Sequence[str], step: Step) -> tuple[Judgement, Spent]:
        """What the model says, and what that cost; no judgement ("") where it fails or answers something else."""
        messages: list[Message] = [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": _question(facts, step)},
        ]
        try:
            reply = self.model.chat(messages, [], think=False, max_tokens=_TOKENS, timeout=_SECONDS, temperature=0.0)
        except ModelError:
            return "", Spent(model_calls=1)
        words = reply.text.lower().replace(".", " ").split()
        spent = Spent(reply.prompt_tokens, reply.completion_tokens, reply.calls)
        return ("new" if words[-1:] == ["new"] else "known" if words[-1:] == ["known"] else ""), spent


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
