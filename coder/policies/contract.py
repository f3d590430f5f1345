"""What a policy is: given what is known and what the tools can see, propose the next plan or edit.

A call is one step: a model policy makes at most one model call in it, a search policy hands over one batch.
The policy's own state between steps lives in `View.memory`, which the caller stores and passes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from coder.repair.contract import Candidate, Suspect
from coder.repair.world import NOTHING, World
from coder_tools.contract import PYTHON, Changes, TestResult
from coder_tools.logs import Finding
from coder_tools.workspace import Workspace

Wants = Literal["test", "more", "plan", "stop"]
"""What a policy asks for after an edit step: run the tests, another edit step, a new plan, or an end."""

BEST, BASE = "", "base"
"""What a search can stand on besides a partial success: the best of those that were kept, or nothing at all."""


@dataclass(frozen=True)
class Spent:
    """What a step cost."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0
    prompts: tuple[Mapping[str, Any], ...] = ()  # what was sent, request by request, secrets masked


@dataclass(frozen=True)
class Left:
    """What the budgets still hold."""

    seconds: float
    steps: int
    tokens: int


@dataclass(frozen=True)
class Plan:
    """Where and why."""

    text: str  # the hypothesis, in words; "" where there is none
    files: tuple[str, ...] = ()  # the files to touch
    evidence: str = ""
    spent: Spent = field(default_factory=Spent)
    fault: str = ""  # why the model could not be asked, in words
    slow: str = ""  # that the run's own time ended the model's answer, in words
    note: str = ""  # in words, for the record: why there is no hypothesis


@dataclass(frozen=True)
class ToolEvent:
    """One tool call and how it went, for the record and for the supervisor's eye on repetition."""

    name: str
    arguments: dict[str, Any]
    ok: bool
    repeated: bool  # the same call has been answered before with nothing changed since
    summary: str  # one line
    text: str = ""  # the answer; "" for one given before, and for one that is not known yet
    pending: bool = False  # answered by the next run of the tests


@dataclass(frozen=True)
class Edit:
    """What an edit step did."""

    changes: Changes | None = None  # the whole change set as it is now; None if this step changed nothing
    candidates: tuple[Candidate, ...] = ()  # a search policy's ranked batch, each one alternative to the others
    stand_on: str | None = None  # the key of a partial success to go on from, BEST or BASE
    on_change: bool = False  # the candidates are edits of the change under test, not of the base
    note: str = ""  # in words, for the record and the user
    tool_events: tuple[ToolEvent, ...] = ()
    spent: Spent = field(default_factory=Spent)
    wants: Wants = "more"
    thought: str = ""  # what a model reasoned and said, for the supervisor
    attempt: str = ""  # in words: one more answer to a question asked before, not tested yet and no step of its own
    fault: str = ""  # why the model could not be asked, in words: there is nothing to judge
    slow: str = ""  # that the run's own time ended the model's answer, in words


@dataclass
class View:
    """All that a policy gets to see in one step."""

    task: str  # the goal in words
    goal: tuple[str, ...]  # ids of the tests that must pass
    workspace: Workspace  # edits go here, and only here
    left: Left
    memory: dict[str, Any]  # JSON-able, the policy's own: stored by the caller, changed in place
    finding: Finding | None = None  # of the last run of the tests
    failures: tuple[TestResult, ...] = ()  # the goal tests' results at the base, as the runner gave them
    suspects: tuple[Suspect, ...] = ()  # most suspicious first
    late: tuple[Candidate, ...] = ()  # those that were not done in the time they had
    world: World = NOTHING  # what is known beyond the files
    plan: Plan | None = None
    standing: str = ""  # the key of the partial success that the workspace has in it; "" for none
    is_trial: bool = False  # it is not known yet whether that is worth keeping
    partials: tuple[tuple[str, int, str], ...] = ()  # candidates that made progress: key, how much, words; best first
    facts: tuple[str, ...] = ()  # from K, short
    refused: tuple[str, ...] = ()  # unified diffs that were tried and failed; not to be tried again
    nudge: str = ""  # the supervisor's word for this step
    think: bool = True  # False: the supervisor has turned thinking off
    logs: Mapping[str, str] = field(default_factory=dict)  # what failing tests printed in the last run, by test
    map: Callable[[int], str] | None = None  # a map of the repository in at most so many characters
    language: str = PYTHON  # or the name of the runner, for tests in another language
    images: tuple[str, ...] = ()  # data URLs that belong to the task


class Policy(Protocol):
    """Search, model, hybrid and scripted policies are interchangeable behind this.

    Both methods raise coder.models.contract.ModelError where a model cannot be reached or answers rubbish.
    """

    name: str

    def plan(self, view: View) -> Plan: ...

    def edit(self, view: View) -> Edit: ...


@runtime_checkable
class Switchable(Protocol):
    """A policy made of two, which the supervisor may change over."""

    def switch(self, memory: dict[str, Any]) -> bool:
        """Go on with the other one from the next step. `memory`: the policy's own, changed in place.

        Whether that is a search, which can look for an edit on the best change set so far.
        """
