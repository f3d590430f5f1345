"""What a run came to: schema `coder.result/1`, printed by `fix --json` and kept as result.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal, TypeVar, cast

from coder.errors import CoderError

SCHEMA = "coder.result/1"

Status = Literal["fixed", "not_fixed", "already_passing", "environment_error", "usage_error", "interrupted"]

EXIT_CODES: Mapping[str, int] = {
    "fixed": 0,
    "not_fixed": 1,
    "usage_error": 2,
    "environment_error": 3,
    "already_passing": 4,
    "interrupted": 130,
}

T = TypeVar("T")


def sandbox_in_words(opened: Mapping[str, Any]) -> str:
    """A result's `sandbox`: the backend's name, and what is not as it is by default."""
    words = [str(opened.get("name", ""))]
    if image := opened.get("image"):
        words.append(f"image {image}")
    if opened.get("network"):
        words.append("with the network")
    if hosts := opened.get("allow_hosts"):
        words.append(f"may reach {' '.join(hosts)}")
    return ", ".join(words)


@dataclass
class Verification:
    """What the clean-room run showed. `scope` is "none" where none was made."""

    scope: Literal["all", "reachable", "none"] = "none"
    goal_passed: int = 0  # goal tests
    still_passing: int = 0  # tests that passed at the baseline and pass still
    not_run: int = 0  # tests outside the scope
    regressed: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)


@dataclass
class Counts:
    """How much was done and used."""

    steps: int = 0
    think_steps: int = 0
    act_steps: int = 0
    candidates: int = 0
    model_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rollbacks: int = 0


@dataclass
class Drift:
    """Steps by the supervisor's label, what they brought, how often it stepped in and whether that helped."""

    overthinking: int = 0
    overacting: int = 0
    interventions: int = 0
    calibrated: int = 0
    evidence: int = 0  # pieces
    per_minute: float | None = None  # of evidence, over the time of the judged steps; None where there were none
    helped: int = 0  # interventions after which a step brought something


@dataclass
class Seconds:
    """Wall time of each node, and of the whole run."""

    total: float = 0.0
    baseline: float = 0.0
    plan: float = 0.0
    edit: float = 0.0
    test: float = 0.0
    analyze: float = 0.0
    verify: float = 0.0


@dataclass
class Difference:
    """An input that no test of the goal decides, and what two patches make of it."""

    call: str
    this: str  # what the run's patch does, such as "returns 3"
    other: str  # what the alternative does


@dataclass
class Alternative:
    """Another patch with which the goal passes, and that does something else on some input."""

    number: int  # from 1, as `coder apply RUN --alternative` takes it
    note: str  # what it changes, in words
    patch: str
    files: list[str]
    verified: bool  # in a clean room of its own
    warnings: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    test: str = ""  # the text of a test that would tell the two apart; "" if none can be written


def alternative_file(number: int) -> str:
    """Where in the run's directory the change set of an alternative is kept."""
    return f"alternatives/{number}.json"


@dataclass
class Result:
    """One run's outcome. The keys are the schema: some may be added, none renamed or removed without a new one."""

    run_id: str
    status: Status
    goal_tests: list[str] = field(default_factory=list)
    patch: str = ""  # unified diff, as `git apply` takes it
    files: list[str] = field(default_factory=list)
    verification: Verification = field(default_factory=Verification)
    policy: str = ""
    model: str = ""
    sandbox: str = ""
    counts: Counts = field(default_factory=Counts)
    drift: Drift = field(default_factory=Drift)
    seconds: Seconds = field(default_factory=Seconds)
    run_dir: str = ""
    reason: str = ""
    explanation: str = ""  # of the patch, in plain sentences
    warnings: list[str] = field(default_factory=list)
    alternatives: list[Alternative] = field(default_factory=list)
    resume_with: str = ""  # the option without which a resumable run would end at once: `--time 1200s`

    @property
    def exit_code(self) -> int:
        """The process exit code that goes with the status."""
        return EXIT_CODES[self.status]

    @property
    def resumable(self) -> bool:
        """Whether the run can go on: it was interrupted, or something around it failed that may be mended."""
        return self.status in ("interrupted", "environment_error")

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the schema."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def of_fault(cls, error: CoderError) -> Result:
        """The result of a request that never became a run."""
        return cls("", cast(Status, error.status), reason=str(error))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """Read a result back. Keys of a newer coder are ignored; ValueError if it is no result."""
        if data.get("status") not in EXIT_CODES or not isinstance(data.get("run_id"), str):
            raise ValueError("not a coder result")
        return _build(cls, data)


_NESTED: Mapping[str, type] = {
    "verification": Verification,
    "counts": Counts,
    "drift": Drift,
    "seconds": Seconds,
}


_LISTED: Mapping[str, type] = {"alternatives": Alternative, "differences": Difference}


def _build(cls: type[T], data: Mapping[str, Any]) -> T:
    """Make a dataclass from the keys it knows; missing ones keep their defaults."""
    assert is_dataclass(cls)
    known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
    for name, value in known.items():
        if name in _NESTED and isinstance(value, Mapping):
            known[name] = _build(_NESTED[name], value)
        elif name in _LISTED:
            known[name] = [_build(_LISTED[name], part) for part in value]
    return cast(T, cls(**known))
