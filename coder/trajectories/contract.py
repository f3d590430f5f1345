"""A step as the supervisor judges it, whoever took it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Judgement = Literal["new", "known", ""]
"""What a judge model said of a step; "" where none was asked."""


class TrajectoryError(Exception):
    """A file that is no trajectory. The message says what was expected and what is there."""


@dataclass(frozen=True)
class Call:
    """One tool call or shell command, and what came back."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    result: str = ""
    ok: bool | None = None  # None: the record does not say
    held: bool | None = None  # whether an earlier answer was still in the agent's context; None: not known


@dataclass(frozen=True)
class Step:
    """What an agent thought, said and did in one turn."""

    id: str | int
    thought: str = ""  # reasoning and message together
    calls: tuple[Call, ...] = ()
    tokens: int = 0  # of the completion; 0 where the record does not say
    seconds: float = 0.0  # 0 where the record does not say
    demanded: bool = False  # the supervisor asked for this very step, so it is no evidence against the agent
    judged: Judgement = ""
    given: str = ""  # what others told the agent before this step: it is known from then on


@dataclass(frozen=True)
class Trajectory:
    """One run of one agent."""

    format: str  # such as "ATIF-v1.7"
    agent: str
    steps: tuple[Step, ...]
