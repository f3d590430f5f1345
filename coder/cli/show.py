"""coder show"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coder.cli.options import HERE, Repo, RunOrNewest
from coder.cli.prompts import show_prompt
from coder.cli.terminal import print_text
from coder.cli.text import count, duration, one_line, visible

if TYPE_CHECKING:
    from coder.record.events import Event
    from coder.record.result import Result

_INDENT = " " * 21


def command(
    run: RunOrNewest = "",
    repo: Repo = HERE,
    alternatives: Annotated[
        bool, typer.Option("--alternatives", help="Only the other patches that pass, and what tells them apart.")
    ] = False,
    prompt: Annotated[
        int, typer.Option(metavar="STEP", help="Show exactly what the model was sent in this step.", show_default=False)
    ] = 0,
    knowledge: Annotated[
        bool, typer.Option("--knowledge", help="What the run knows: files read, hypotheses, edits tried, test results.")
    ] = False,
) -> None:
    """Each step in a line or two, the suspects, the verification, drift, and where the time went."""
    from coder.cli.landing import find_run
    from coder.record.store import RunStore

    found = find_run(RunStore(), run, repo)
    if alternatives:
        show_alternatives(found.result(), found.id)
        return
    if prompt:
        show_prompt(found, prompt)
        return
    if knowledge:
        from coder.cli.drift_words import knowledge_lines

        print_text("\n".join(knowledge_lines(found.events())))
        return
    summary = found.summary()
    status = summary.status.replace("_", " ") + (", resumable" if summary.resumable else "")
    print_text(f"run {found.id}: {status}\n{_INDENT[:4]}repository {summary.repo}\n")
    for line in story(list(found.events())):
        print_text(line, hang=len(_INDENT))
    from coder.cli.drift_words import drift_lines

    for line in drift_lines(list(found.events())):
        print_text(line, hang=11)
    if (result := found.result()) is not None:
        print_text("\n" + "\n".join(ending(result)), hang=11)


def show_alternatives(result: Result | None, run_id: str) -> None:
    """Each alternative with its patch, the inputs on which it does something else, and a test that would decide."""
    if result is None or not result.alternatives:
        print_text(f"run {run_id} has no alternatives: no other patch that passed did anything else where it was tried")
        return
    for other in result.alternatives:
        state = "verified in a clean room" if other.verified else "NOT verified"
        print_text(f"alternative {other.number} ({state}): {one_line(other.note, 300)}")
        for words in other.warnings:
            print_text(f"  warning: {one_line(words, 300)}")
        for difference in other.differences:
            print_text(f"  {one_line(difference.call, 160)}")
            print_text(f"    the patch of the run {one_line(difference.this, 160)}")
            print_text(f"    alternative {other.number} {one_line(difference.other, 160)}")
        print_text("\n" + visible(other.patch).rstrip("\n"))
        if other.test:
            print_text("\n  a test that would tell them apart (as the patch of the run has it; keep what is right):\n")
            print_text("\n".join(f"    {line}".rstrip() for line in visible(other.test).splitlines()))
        if other.verified:
            print_text(f"\n  apply it: coder apply {result.run_id} --alternative {other.number}")
        print_text("")


def story(events: Sequence[Event]) -> list[str]:
    """The events worth telling, each with the seconds since the start; budget ticks and progress are passed over."""
    from coder.cli.story import tell

    lines: list[str] = []
    for event in events:
        if not (words := tell(event)):
            continue
        at = _seconds(events[0].at, event.at)
        lines.append(f"{at:>8}  {event.node:<11}" + words.replace("\n", "\n" + _INDENT))
        if (event.node, event.kind) == ("plan", "suspects"):
            lines += [_INDENT + row for row in _suspects(event.data)]
    return lines


def ending(result: Result) -> list[str]:
    """The figures of the result."""
    seen, drift, counts = result.verification, result.drift, result.counts
    lines = [f"why        {one_line(result.explanation, 600)}"] if result.explanation else []
    lines += [f"warning    {one_line(words, 300)}" for words in result.warnings]
    lines.append(f"verified   scope {seen.scope}")
    if seen.scope != "none":
        lines[-1] += (
            f": {seen.goal_passed:,} of {count(len(result.goal_tests), 'goal test')} pass, "
            f"{seen.still_passing:,} pass still, {seen.not_run:,} not run, {len(seen.regressed):,} regressed, "
            f"{len(seen.flaky):,} flaky"
        )
    model = f", {counts.model_calls} model calls" if counts.model_calls else ""
    lines.append(
        f"steps      {counts.steps} ({counts.think_steps} think, {counts.act_steps} act), "
        f"{counts.candidates:,} candidates{model}, {counts.rollbacks} rollbacks"
    )
    lines.append(
        f"drift      {drift.overthinking} overthinking, {drift.overacting} overacting, "
        f"{drift.interventions} interventions"
    )
    seconds = result.seconds
    nodes = ("baseline", "plan", "edit", "test", "analyze", "verify")
    lines.append(
        f"seconds    {duration(seconds.total)}: "
        + ", ".join(f"{name} {duration(getattr(seconds, name))}" for name in nodes)
    )
    lines.append(f"record     {result.run_dir}")
    if result.patch:
        lines.append(f"patch      coder diff {result.run_id}")
    if result.alternatives:
        number = count(len(result.alternatives), "alternative")
        lines.append(f"others     {number}: coder show {result.run_id} --alternatives")
    return lines


def _suspects(data: Mapping[str, Any]) -> list[str]:
    """The table of suspicious places, best first."""
    rows = []
    try:
        for suspect in data["top"]:
            place = f"{suspect['path']}:{suspect['line']}"
            reasons = ", ".join(str(reason) for reason in suspect.get("reasons") or ())
            rows.append(f"{float(suspect['score']):.2f}  {one_line(place, 60):<40}  {one_line(reasons, 240)}".rstrip())
    except (KeyError, TypeError, ValueError):
        return rows
    return rows


def _seconds(start: str, at: str) -> str:
    try:
        return duration((datetime.fromisoformat(at) - datetime.fromisoformat(start)).total_seconds())
    except (ValueError, TypeError):
        return "?"
