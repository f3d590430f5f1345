"""A run in words: one line or two an event. The live view, the plain view and `coder show` all speak from here.

Everything in an event may come from a repository or a model, so every text is cleaned; and an event may come from
another version of coder, so nothing in it is taken for granted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from coder.cli.text import clean, count, duration, one_line
from coder.record.events import Event
from coder.record.result import sandbox_in_words
from coder_tools.contract import PYTHON

Data = Mapping[str, Any]
Teller = Callable[[Data], str]


def tell(event: Event) -> str:
    """What happened, for a reader; "" for an event that is no milestone, is unknown, or is not understood."""
    teller = _TELLERS.get((event.node, event.kind))
    try:
        return clean(teller(event.data)).strip() if teller else ""
    except (TypeError, ValueError, KeyError, AttributeError):
        return ""


def _start(data: Data) -> str:
    goal = one_line(str(data.get("goal") or ""), 120) or "every test that fails now"
    return f"{'resumed' if data.get('resumed') else 'started'}: {goal}, in {data.get('repo', '')}"


def _sandbox(data: Data) -> str:
    if data.get("worktree", "work") != "work":  # one of its own for each clean room, which tells of itself
        return ""
    note = f"; {data['note']}" if data.get("note") else ""
    return f"sandbox {sandbox_in_words(data)}, python {data['python']} ({data.get('source', '')}){note}"


def _runner(data: Data) -> str:
    return f"tests run by {data['name']}: {data['why']}" if data["name"] != PYTHON else ""


def _policy(data: Data) -> str:
    model = f" with {data['model']}" if data.get("model") else ""
    return f"policy {data['policy']}{model}: {one_line(str(data.get('why', '')))}"


def _end(data: Data) -> str:
    status = str(data["status"]).replace("_", " ")
    return f"{status}: {data['reason']}" if data.get("reason") else status


def _collected(data: Data) -> str:
    errors = data.get("errors") or []
    left_out = f"; cannot be collected: {_names(errors)}" if errors else ""
    return f"{count(data['tests'], 'test')} collected{left_out}"


def _baseline(data: Data) -> str:
    excused = f", {data['excused']:,} skipped or expected to fail" if data.get("excused") else ""
    words = f"{data['passed']:,} pass, {data['failed']:,} fail{excused} in {duration(data['seconds'])}"
    if data.get("flaky"):
        words += f"; flaky: {_names(data['flaky'])}"
    if data.get("not_run"):
        words += f"; {data['not_run']:,} not run: no time was left, or the suite ended before them"
    goal = data.get("goal") or []
    words += f"\ngoal: {_names(goal)}" if goal else ""
    return words + "".join(f"\nnote: {one_line(str(why), 300)}" for why in data.get("notes") or ())


def _suspects(data: Data) -> str:
    top = data.get("top") or []
    first = f", first {top[0]['path']}:{top[0]['line']}" if top else ""
    return f"{count(data['n'], 'suspicious place')}{first}"


def _unsteady(data: Data) -> str:
    often = f"{data['passed']} of {data['of']} times"
    return f"the goal passes {often} with nothing changed: it fails by chance, and a patch has to pass it every time"


def _switched(data: Data) -> str:
    mended = len(data["conditions"])
    found = f"{count(mended, 'condition')} with which the failing test would have passed" if mended else "no difference"
    return f"{count(data['probes'], 'branch outcome')} turned round, one at a time: {found}"


def _hypothesis(data: Data) -> str:
    files = f" ({_names(data['files'])})" if data.get("files") else ""
    return one_line(str(data["text"]), 300) + files


def _batch(data: Data) -> str:
    return f"{count(data['size'], 'candidate')} to try{_noted(data)}"


def _standing(data: Data) -> str:
    return f"a second edit is looked for{_noted(data)}"


def _tool(data: Data) -> str:
    ending = "" if data.get("ok", True) else " (refused)"
    return f"{data['name']}{ending}: {one_line(str(data.get('summary', '')), 120)}"


def _change(data: Data) -> str:
    return f"changed {_names(data['files'])}{_noted(data)}"


def _noted(data: Data) -> str:
    return f": {one_line(str(data['note']))}" if data.get("note") else ""


def _candidates(data: Data) -> str:
    found = f"{data['plausible']:,} plausible" if data["plausible"] else "none does it"
    return f"{count(data['checked'], 'candidate')} tried, {data['per_second']:,.0f} a second, {found}"


def _outcome(data: Data) -> str:
    failing = f": {_names(data['ids'])}" if data.get("ids") else ""
    return f"{data['passed']:,} pass, {data['failed']:,} fail{failing}"


def _finding(data: Data) -> str:
    if "checked" in data:
        notes = [one_line(str(note), 80) for note in data.get("plausible") or []]
        broke = data.get("broke_others") or 0
        words = f"candidate: {notes[0]}" if notes else "nothing plausible in this batch"
        words += f" (and {len(notes) - 1} more)" if len(notes) > 1 else ""
        words += f", of {data['kinds']} kinds of behaviour" if data.get("kinds", 1) > 1 else ""
        return words + (f"; {broke:,} pass the goal but break other tests" if broke else "")
    if data.get("regressed"):
        return f"broke {_names(data['regressed'])}"
    if not data.get("test"):
        return "every goal test passes"
    place = f" at {data['path']}:{data['line']}" if data.get("path") else ""
    return (
        f"{data['test']}: {data.get('exception') or data['outcome']}{place}: {one_line(str(data.get('message', '')))}"
    )


def _decision(data: Data) -> str:
    label = f" [{data['label']}]" if data.get("label") not in (None, "", "calibrated") else ""
    reason = f": {one_line(str(data['reason']))}" if data.get("reason") else ""
    return f"next {data['next']}{label}{reason}"


def _rollback(data: Data) -> str:
    return f"rolled back: {data['reason']}"


def _examined(data: Data) -> str:
    right, asked = int(data["right"]), int(data["of"])
    if right == asked:
        return f"the judge model is heeded: it answered all {asked} questions rightly"
    return f"the judge model is not heeded: question {right + 1} of {asked} it did not answer rightly"


def _intervention(data: Data) -> str:
    sure = f"{data['label']}, {float(data['confidence']):.2f}"
    return f"stepped in ({data['rung']}): {sure}: {one_line(str(data['reason']))}"


def _effect(data: Data) -> str:
    return "that helped" if data["helped"] else "that did not help"


def _checkpoint(data: Data) -> str:
    broken = f", {count(data['regressed'], 'test')} broken" if data.get("regressed") else ""
    return f"kept as {str(data['commit'])[:10]}: {count(data['goal_passed'], 'goal test')} passing{broken}"


def _verifying(data: Data) -> str:
    outside = f" ({data['not_run']:,} are out of reach of the change)" if data.get("not_run") else ""
    return f"clean room: {count(data['tests'], 'test')}{outside}"


def _compared(data: Data) -> str:
    if data.get("why_not"):
        return f"{count(data['candidates'], 'candidate')} not put side by side: {one_line(str(data['why_not']))}"
    return f"{count(data['candidates'], 'candidate')} put side by side on {count(data['inputs'], 'input')}"


def _verified(data: Data) -> str:
    order = data.get("order_dependent") or []
    depends = f"; order-dependent: {_names(order)}" if order else ""
    flaky = data.get("flaky") or []
    depends += f"; dependent on time or chance: {_names(flaky)}" if flaky else ""
    return _verdict(data) + depends


def _verdict(data: Data) -> str:
    if data.get("verified"):
        return f"verified: {data['goal_passed']:,} of the goal pass, {data['still_passing']:,} pass still"
    if data.get("regressed"):
        return f"refuted: breaks {_names(data['regressed'])}"
    if data.get("meddled"):
        return f"refuted: it writes {_names(data['meddled'])} when it runs"
    if data.get("goal_failed"):
        return f"refuted: still failing: {_names(data['goal_failed'])}"
    return "not verified: the time was up"


def _names(names: Any, most: int = 3) -> str:
    shown = ", ".join(one_line(str(name), 100) for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


_TELLERS: Mapping[tuple[str, str], Teller] = {
    ("run", "start"): _start,
    ("run", "sandbox"): _sandbox,
    ("run", "runner"): _runner,
    ("run", "policy"): _policy,
    ("run", "end"): _end,
    ("baseline", "collected"): _collected,
    ("baseline", "done"): _baseline,
    ("plan", "suspects"): _suspects,
    ("plan", "switched"): _switched,
    ("plan", "unsteady"): _unsteady,
    ("plan", "hypothesis"): _hypothesis,
    ("edit", "batch"): _batch,
    ("edit", "standing"): _standing,
    ("edit", "attempt"): lambda data: one_line(str(data["note"])),
    ("edit", "tool"): _tool,
    ("edit", "change"): _change,
    ("edit", "refused"): lambda data: f"refused: {one_line(str(data['reason']))}",
    ("test", "candidates"): _candidates,
    ("test", "cold"): lambda data: f"no warm validator, one process a candidate: {one_line(str(data['reason']))}",
    ("test", "compared"): _compared,
    ("test", "outcome"): _outcome,
    ("test", "unsteady"): lambda data: f"fail without the change too, so it is not blamed: {_names(data['ids'])}",
    ("analyze", "finding"): _finding,
    ("supervisor", "decision"): _decision,
    ("supervisor", "rollback"): _rollback,
    ("supervisor", "examined"): _examined,
    ("supervisor", "intervention"): _intervention,
    ("supervisor", "effect"): _effect,
    ("supervisor", "checkpoint"): _checkpoint,
    ("verify", "start"): _verifying,
    ("verify", "done"): _verified,
    ("record", "outdated"): lambda data: (
        f"its checkpoints are not gone on from: {one_line(str(data['why']))}; the record is"
    ),
    ("record", "recovered"): lambda data: (
        f"begun again at the baseline: {count(data['steps'], 'step')} spent so far, "
        f"{count(data['tested'], 'tested state')} kept, {count(data['goal_passed'], 'goal test')} pass with the best"
    ),
    ("record", "mended"): lambda data: (
        f"{count(len(data['removed']), 'half-written file')} of the run's own git repository removed; "
        "what they were is written again"
    ),
    ("record", "cut"): lambda data: (
        f"{count(data['bytes'], 'byte')} at the end of the log were half-written and are left out"
    ),
}
