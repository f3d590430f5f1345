"""One job."""

from dataclasses import dataclass, field
from typing import Any, Dict


@dataclass
class Job:
    """`priority`: lower goes first. `attempts` counts the failed ones."""

    name: str
    payload: Dict[str, Any] = field(default_factory=dict)
    priority: int = 5
    attempts: int = 0
    last_error: str = ""

    def __post_init__(self):
        if not self.name:
            raise ValueError("a job has a name")
        if not 0 <= self.priority <= 9:
            raise ValueError("priority is 0 to 9")
