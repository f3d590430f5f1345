"""Raw test results in, one small structured finding out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from coder_tools.contract import Outcome


@dataclass(frozen=True)
class Finding:
    """What the last run of the tests says, in few words. Empty text where a thing is not known."""

    test: str  # the failing test this is about, the first of the goal; "" if the whole goal passes
    outcome: Outcome
    exception: str = ""  # type name
    message: str = ""  # the first lines of what the runner says
    expected: str = ""
    actual: str = ""
    path: str = ""  # the deepest frame in the project, outside tests if there is one
    line: int = 0
    function: str = ""
    passed: int = 0  # goal tests that pass
    failing: tuple[str, ...] = ()  # goal tests that do not, in their order
    others: tuple[str, ...] = ()  # tests outside the goal that fail in these results

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"failing": list(self.failing), "others": list(self.others)}
