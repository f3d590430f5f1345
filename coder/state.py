"""The state that LangGraph carries and checkpoints: small, and builtins only.

The checkpointer writes the whole state at every step, so bulk (test results, change sets, the model's
conversation) lives in the run's blob store and the state holds its reference.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

GRAPH_VERSION = 3
"""Raised when nodes, their meaning or the form of a checkpoint change: from an older checkpoint nothing is taken over,
the run is recovered from its record (`recover.py`)."""

NodeName = Literal["baseline", "plan", "edit", "test", "analyze", "verify"]
Proposal = Literal["baseline", "plan", "edit", "test", "analyze", "verify", "rollback", "stop"]
Ref = str
"""The name of a blob in the run's store; "" for none."""

COUNTS = (
    "steps",
    "think_steps",
    "act_steps",
    "candidates",
    "model_calls",
    "prompt_tokens",
    "completion_tokens",
    "rollbacks",
)
MODEL_COUNTS = ("model_calls", "prompt_tokens", "completion_tokens")
DRIFT = ("overthinking", "overacting", "interventions")


class State(TypedDict, total=False):
    """Every key is written by a node or by the supervisor; a node returns only what it changed."""

    proposal: Proposal  # what the node that just ran thinks should come next
    next: str  # what the supervisor decided: a node's name, or "stop"
    last: NodeName
    goal_tests: list[str]
    baseline: Ref
    memory: Ref  # what the policy remembers between steps
    batch: Ref  # candidates under test
    change: Ref  # the change set under test, relative to the base
    best: Ref  # the best change set so far that regressed nothing
    best_passed: int  # goal tests that pass with `best`
    plausible: list[Ref]  # change sets that wait for verification, best first
    failed: list[Ref]  # change sets that were tried and must not be tried again
    finding: Ref  # the last failure, read
    outcome: Ref  # the last test results
    choice: Ref  # the candidates of the last batch that pass, judged
    verification: Ref  # what the clean room said last
    verdicts: dict[Ref, Ref]  # change set -> what the clean room said of it
    fixed: Ref  # the change set that held in the clean room
    fixed_at: float  # seconds of the run, when it did
    regressed: list[str]  # tests that the change under test broke
    counts: dict[str, int]
    drift: dict[str, int]
    seconds: dict[str, float]
    elapsed: float  # wall seconds of the run, carried over a resume
    untested: int  # plan and edit steps in a row since something was tested
    did: Ref  # what the last step did, for the supervisor; "" if there is nothing to judge
    took: float  # seconds of the last step
    tested: dict[Ref, list[Any]]  # tested change sets: goal tests passed, tests broken, bytes, shape, finding
    test_runs: int
    unsteady: list[str]  # tests of the goal that pass now and then with nothing changed
    think: bool  # whether the model may think
    demanded: bool  # whether the supervisor asked for the step that comes
    switched: bool  # whether the supervisor has changed the policy already
    status: str
    reason: str


def fresh() -> State:
    """The state a run starts with."""
    return State(
        proposal="baseline",
        next="baseline",
        goal_tests=[],
        baseline="",
        memory="",
        batch="",
        change="",
        best="",
        best_passed=0,
        plausible=[],
        failed=[],
        finding="",
        outcome="",
        choice="",
        verification="",
        verdicts={},
        fixed="",
        fixed_at=0.0,
        regressed=[],
        counts=dict.fromkeys(COUNTS, 0),
        drift=dict.fromkeys(DRIFT, 0),
        seconds={},
        elapsed=0.0,
        untested=0,
        did="",
        took=0.0,
        tested={},
        test_runs=0,
        unsteady=[],
        think=True,
        demanded=False,
        switched=False,
        status="",
        reason="",
    )
