"""What one instance, and the whole set, came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from statistics import median
from typing import Any

from coder.evaluate.stats import wilson

REPORT_SCHEMA = "coder.eval/1"


@dataclass(frozen=True)
class Verdict:
    """What the harness's own clean room said of a patch that coder called fixed."""

    goal_passed: bool = False
    regressed: tuple[str, ...] = ()
    tests_touched: tuple[str, ...] = ()  # protected files that the patch changes
    flaky: tuple[str, ...] = ()
    error: str = ""  # why no verdict could be had

    @property
    def holds(self) -> bool:
        return self.goal_passed and not (self.regressed or self.tests_touched or self.error)


@dataclass(frozen=True)
class Outcome:
    """One line of results.jsonl. `status` is that of coder's result, or "error" where it gave none."""

    id: str
    kind: str
    expect: str
    needs: str
    status: str
    seconds: float
    reason: str = ""
    patch: str = ""
    run_id: str = ""
    policy: str = ""
    model: str = ""
    sandbox: str = ""
    candidates: int = 0
    model_calls: int = 0
    verdict: Verdict | None = None  # only where coder said fixed

    @property
    def resolved(self) -> bool:
        """Fixed, and the harness's own clean room says so too."""
        return self.expect == "fixed" and self.verdict is not None and self.verdict.holds

    @property
    def correct(self) -> bool:
        """Resolved; or, of a task that cannot be done, said not to be."""
        return self.resolved if self.expect == "fixed" else self.status == "not_fixed"

    @property
    def false_claim(self) -> bool:
        """Coder said fixed and it is not."""
        return self.verdict is not None and (self.expect != "fixed" or not self.verdict.holds)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"resolved": self.resolved, "correct": self.correct}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Outcome:
        """An outcome as kept; keys of a newer version are ignored. Raises KeyError or TypeError if it is none."""
        known = {f.name for f in fields(cls)}
        kept = {key: value for key, value in data.items() if key in known}
        if (found := data["verdict"]) is not None:
            verdict: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}
            kept["verdict"] = Verdict(**verdict)
        return cls(**kept)


@dataclass(frozen=True)
class Report:
    """The set as a whole. Rates are over the tasks that can be done; impossible ones are counted beside them."""

    dataset: str
    outcomes: Sequence[Outcome] = field(default_factory=tuple)
    total: int = 0  # instances in the dataset
    interrupted: bool = False

    @property
    def possible(self) -> Sequence[Outcome]:
        return [o for o in self.outcomes if o.expect == "fixed"]

    @property
    def n(self) -> int:
        return len(self.possible)

    @property
    def resolved(self) -> int:
        return sum(o.resolved for o in self.outcomes)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the resolved rate."""
        return wilson(self.resolved, self.n)

    @property
    def impossible(self) -> int:
        return len(self.outcomes) - self.n

    @property
    def honest(self) -> int:
        """Impossible tasks of which coder said that they are not fixed."""
        return sum(o.correct for o in self.outcomes if o.expect != "fixed")

    @property
    def correct(self) -> bool:
        """Whether every instance of the dataset has come out as it should."""
        return len(self.outcomes) == self.total and all(o.correct for o in self.outcomes)

    @property
    def seconds_median(self) -> float:
        return median(o.seconds for o in self.outcomes) if self.outcomes else 0.0

    def ids(self, wanted: str) -> list[str]:
        """Ids of the outcomes of which the property `wanted` is true."""
        return sorted(o.id for o in self.outcomes if getattr(o, wanted))

    def to_dict(self) -> dict[str, Any]:
        """report.json, with SWE-bench's names where it has them."""
        low, high = self.interval
        verdicts = [o.verdict for o in self.outcomes if o.verdict]
        return {
            "schema": REPORT_SCHEMA,
            "dataset": self.dataset,
            "total_instances": self.total,
            "completed_instances": len(self.outcomes),
            "interrupted": self.interrupted,
            "n": self.n,
            "resolved": self.resolved,
            "wilson_95": [round(low, 4), round(high, 4)],
            "impossible": self.impossible,
            "honest": self.honest,
            "false_claims": len(self.ids("false_claim")),
            "regressions": sum(len(v.regressed) for v in verdicts),
            "test_edits": sum(bool(v.tests_touched) for v in verdicts),
            "seconds_median": round(self.seconds_median, 3),
            "resolved_ids": self.ids("resolved"),
            "unresolved_ids": sorted(o.id for o in self.possible if not o.resolved and o.status != "error"),
            "error_ids": sorted(o.id for o in self.outcomes if o.status == "error"),
            "empty_patch_ids": sorted(o.id for o in self.outcomes if not o.patch),
            "false_claim_ids": self.ids("false_claim"),
        }
