"""The end of a run for people: the diff on standard output, what it means on standard error."""

from __future__ import annotations

import sys
from dataclasses import asdict

from coder.cli.terminal import console, is_live, print_exact, say
from coder.cli.text import count, duration, one_line, visible
from coder.record.mask import Masker
from coder.record.result import Result, Verification

_TITLES = {
    "fixed": "fixed and verified",
    "not_fixed": "not fixed",
    "already_passing": "nothing to fix",
    "environment_error": "the environment cannot do it",
    "usage_error": "wrong usage",
    "interrupted": "interrupted",
}
_STYLES = (("+++", "bold"), ("---", "bold"), ("diff ", "bold"), ("@@", "cyan"), ("+", "green"), ("-", "red"))


def show_patch(patch: str) -> None:
    """The diff: coloured, harmless and without secrets on a terminal, byte for byte anywhere else, as `git apply`
    needs it."""
    if not sys.stdout.isatty():
        print_exact(patch)
        return
    from rich.text import Text

    screen = console(sys.stdout)
    for line in Masker().text(patch).splitlines():
        style = next((style for start, style in _STYLES if line.startswith(start)), "") if is_live(sys.stdout) else ""
        screen.print(Text(visible(line), style=style), soft_wrap=True)


def summarize(result: Result) -> None:
    """What came out, what was verified, how long each node took, and where the record is."""
    title = _TITLES[result.status]
    say()
    plain = not result.reason or result.status == "interrupted"  # how to go on is said below
    say(title if plain else f"{title}: {result.reason}")
    if result.explanation:
        say(f"  {one_line(result.explanation, 600)}")
    for line in _verified(result):
        say(f"  {line}")
    for words in result.warnings:
        say(f"  warning: {one_line(words, 300)}")
    for line in _alternatives(result):
        say(f"  {line}")
    if ", " in result.sandbox:  # the default says nothing of itself
        say(f"  sandbox: {one_line(result.sandbox, 200)}")
    if result.status == "not_fixed" and result.patch:
        say("  the patch above is the best that was reached; it is not verified, so it is not applied")
    if result.seconds.total:
        nodes = [f"{name} {duration(s)}" for name, s in asdict(result.seconds).items() if s and name != "total"]
        say(f"  took {duration(result.seconds.total)}" + (f": {', '.join(nodes)}" if nodes else ""))
    if counts := _counted(result):
        say(f"  {counts}")
    if result.run_dir:
        say(f"  record: {result.run_dir}")
        say(f"  the story: coder show {result.run_id}")
    if result.resumable and result.run_id:
        spent = "it has spent what it was given; " if result.resume_with else ""
        say(f"  {spent}go on with: coder resume {result.run_id} {result.resume_with}".rstrip())


def _verified(result: Result) -> list[str]:
    """What the clean room showed, in words. The scope is always said."""
    seen = result.verification
    if seen.scope == "none":
        return []
    lines = []
    if result.status == "fixed":
        goal = count(seen.goal_passed, "goal test") + (" passes" if seen.goal_passed == 1 else " pass")
        still = f"{seen.still_passing:,} of those that passed before pass still, none is broken"
        lines.append(f"in a fresh checkout and a new sandbox: {goal}; {still}")
    lines.append(_scope(seen))
    if seen.regressed:
        lines.append(f"broke: {_names(seen.regressed)}")
    if seen.flaky:
        lines.append(f"flaky, so they say nothing: {_names(seen.flaky)}")
    return lines


def _alternatives(result: Result) -> list[str]:
    """That other patches pass as well and do something else, with an input that shows it."""
    if not result.alternatives:
        return []
    first = result.alternatives[0]
    others = len(result.alternatives)
    told = "1 other patch would do, and differs in what it does"
    if others > 1:
        told = f"{others} other patches would do, and differ in what they do"
    lines = [f"not the only one: {told}"]
    if first.differences:
        seen = first.differences[0]
        told = f"{one_line(seen.call, 100)}: this patch {one_line(seen.this, 60)}"
        lines.append(f"{told}, alternative {first.number} {one_line(seen.other, 60)}")
    return [*lines, f"see them: coder show {result.run_id} --alternatives"]


def _scope(seen: Verification) -> str:
    if seen.scope == "all":
        return "scope: the whole suite was run"
    return f"scope: only tests that can reach the change were run; {count(seen.not_run, 'test')} not run"


def _counted(result: Result) -> str:
    counts = result.counts
    words = [count(counts.steps, "step")] if counts.steps else []
    if counts.candidates:
        words.append(f"{count(counts.candidates, 'candidate')} tried")
    if counts.model_calls:
        tokens = counts.prompt_tokens + counts.completion_tokens
        words.append(f"{count(counts.model_calls, 'model call')} ({count(tokens, 'token')})")
    if counts.rollbacks:
        words.append(count(counts.rollbacks, "rollback"))
    return ", ".join(words)


def _names(names: list[str], most: int = 5) -> str:
    shown = ", ".join(one_line(name, 120) for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")
