"""What is asked of one run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

_LISTS = ("tests", "allow_hosts", "pictures")


@dataclass(frozen=True)
class Request:
    """A request as the command line, the eval harness and the GitHub Action make it.

    `time` is in seconds, `tokens` counts prompt and completion tokens together, `steps` counts node executions.
    """

    repo: Path
    goal: str = ""
    tests: tuple[str, ...] = ()
    test_cmd: str = ""
    junit: str = ""
    model: str = "auto"
    sandbox: str = "auto"
    time: float = 600.0
    steps: int = 200
    tokens: int = 200_000
    verify: str = "auto"
    allow_test_edits: bool = False
    allow_config_edits: bool = False  # of CI workflows and of coder's own configuration
    network: bool = False
    allow_hosts: tuple[str, ...] = ()
    image: str = ""
    seed: int = 0
    tokens_in: int = 0  # of prompts alone; here and below 0 is no limit of its own
    tokens_out: int = 0  # of answers alone
    model_calls: int = 0
    test_runs: int = 0
    disk: int = 2048  # MB that the run's directory may have
    judge: str = ""  # a model that the supervisor may ask, as `model` is written; "" for none
    samples: int = 3  # answers of the model to one question at most, where the first does not pass
    supervise: bool = True  # False: drift is seen and told, not answered
    pictures: tuple[str, ...] = ()  # files that belong to the goal, for models that take them

    def to_dict(self) -> dict[str, Any]:
        """Builtins only, for the record."""
        return {**asdict(self), "repo": str(self.repo), **{key: list(getattr(self, key)) for key in _LISTS}}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Request:
        """The request a record holds; keys of a newer version are ignored."""
        known = {f.name for f in fields(cls)}
        kept = {key: value for key, value in data.items() if key in known}
        lists = {key: tuple(data.get(key, ())) for key in _LISTS}
        return cls(**{**kept, **lists, "repo": Path(data["repo"])})
