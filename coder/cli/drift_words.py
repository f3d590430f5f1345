"""The drift of a run and what it knows, in words, from its events alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from coder.cli.text import count, one_line
from coder.record.events import Event
from coder.supervisor.actions import END
from coder.supervisor.knowledge import Knowledge, merged
from coder.supervisor.live import Live
from coder.supervisor.review import review
from coder.trajectories.contract import Trajectory
from coder.trajectories.own import steps_in

_MARKS = {"calibrated": ".", "overthinking": "T", "overacting": "A"}
_SHOWN = 20  # lines of each kind


def drift_lines(events: Sequence[Event]) -> list[str]:
    """The strip of the run, steps by label, evidence a minute, interventions and effect; none without steps."""
    found = review(Trajectory("coder.event/1", "coder", tuple(steps_in(events))))
    if not found.steps:
        return []
    sums = found.summary()
    strip = "".join(_MARKS[judged.label.name] for judged in found.steps)
    pace = f", {sums['per_minute']} a minute" if sums["per_minute"] is not None else ""
    labels = ", ".join(f"{sums[name]} {name}" for name in _MARKS)
    lines = ["", f"strip      {strip}", f"labels     {labels}"]
    lines.append(f"evidence   {count(sums['evidence'], 'piece')}{pace}; {found.balance}")
    made = [e for e in events if (e.node, e.kind) == ("supervisor", "intervention")]
    helped = [e.data.get("helped") for e in events if (e.node, e.kind) == ("supervisor", "effect")]
    if made:
        rungs = ", ".join(one_line(str(e.data.get("rung", "")), 20) for e in made)
        effect = f"helped {helped.count(True)}, did not {helped.count(False)}"
        lines.append(f"stepped in {count(len(made), 'time')} ({rungs}); {effect}")
    return lines


def knowledge_lines(events: Iterable[Event]) -> list[str]:
    """K as it is after the last step of the record."""
    known = Live(events).watch.known
    if not known.steps:
        return ["Nothing is known: no step of a model or of tests is on the record. A search keeps its own account."]
    return [*_facts(known), *_attempts(known)]


def _facts(known: Knowledge) -> list[str]:
    lines = [f"after {count(known.steps, 'step')}, {len(known.lines):,} lines observed", "", "files read"]
    for path, spans in list(known.regions.items())[:_SHOWN]:
        shown = ", ".join(f"{a} to {'the end' if b >= END else b}" for a, b in merged(spans))
        lines.append(f"  {one_line(path, 100)}: lines {shown}")
    lines += ["", "definitions seen"]
    lines += [
        f"  {one_line(name, 60)} in {one_line(path, 100)}" for name, path in list(known.definitions.items())[:_SHOWN]
    ]
    repeated = sorted((a.count, key) for key, a in known.asked.items() if a.count > 1)[::-1]
    lines += ["", "done more than once"]
    return lines + [f"  {times} times: {one_line(key, 140)}" for times, key in repeated[:_SHOWN]]


def _attempts(known: Knowledge) -> list[str]:
    lines = ["", "hypotheses"]
    lines += [f"  {h.fate:<8} (step {h.step}) {one_line(h.text, 160)}" for h in known.hypotheses[-_SHOWN:]]
    lines += ["", "edits tried"]
    lines += [f"  {e.outcome:<8} (step {e.step}) {one_line(e.path, 140)}" for e in known.edits[-_SHOWN:]]
    lines += ["", "test results"]
    tests = [*known.tests.values()][-_SHOWN:]
    return lines + [f"  {'failed' if t.failed else 'passed'} (step {t.step}) {one_line(t.result, 200)}" for t in tests]
