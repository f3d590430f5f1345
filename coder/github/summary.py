"""A result for people, as Markdown that none of the texts in it can break out of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from coder.record.mask import Masker

SHOWN = 50_000  # characters of a diff; a summary may be one megabyte, a page that long is read by nobody

HEADLINES = {
    "fixed": "Fixed and verified",
    "not_fixed": "Not fixed",
    "already_passing": "Nothing to fix",
    "environment_error": "Could not run",
    "usage_error": "Could not run",
    "interrupted": "Interrupted",
}


def one_line(result: Mapping[str, Any]) -> str:
    """What came of it, for an output or an annotation."""
    words = HEADLINES.get(result["status"], result["status"])
    detail = verified(result) if result["status"] == "fixed" else str(result.get("reason") or "")
    return " ".join(f"{words}: {detail}".split()).removesuffix(":")


def verified(result: Mapping[str, Any]) -> str:
    """What the clean-room run showed, in words."""
    seen = result.get("verification") or {}
    scope = "all tests" if seen.get("scope") == "all" else "the tests that can reach the change"
    goal, still = seen.get("goal_passed", 0), seen.get("still_passing", 0)
    parts = [f"{scope} were run: {_count(goal, 'goal test')} and {_count(still, 'other test')} pass"]
    if seen.get("not_run"):
        parts.append(f"{_count(seen['not_run'], 'test')} not run")
    parts.append(f"{_count(len(seen.get('regressed') or ()), 'regression')}")
    if seen.get("flaky"):
        parts.append(f"flaky at the base: {', '.join(seen['flaky'][:10])}")
    return "; ".join(parts)


def markdown(result: Mapping[str, Any], goal: str) -> str:
    """The step summary."""
    status = result["status"]
    blocks = [f"## coder: {HEADLINES.get(status, 'No result')}"]
    blocks.append(f"**Goal**: {inline(goal) if goal else 'every test that fails'}")
    if status == "fixed":
        blocks.append(f"**Verified** in a clean checkout: {escape(verified(result))}.")
        blocks.append(fenced(_cut(Masker().text(str(result.get("patch") or ""))), "diff"))
    elif result.get("reason"):
        blocks.append(fenced(_cut(str(result["reason"]))))
    seconds = (result.get("seconds") or {}).get("total", 0)
    sandbox = f", sandbox {inline(result['sandbox'])}" if result.get("sandbox") else ""
    model = inline(result["model"]) if result.get("model") else "none"
    blocks.append(f"{seconds:.1f} s{sandbox}, model {model}.")
    return "\n\n".join(blocks) + "\n"


def fenced(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any in the text."""
    fence = "`" * (_longest_run(text) + 3)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def inline(text: str) -> str:
    """A code span on one line."""
    text = " ".join(text.split())
    fence = "`" * (_longest_run(text) + 1)
    return f"{fence} {text} {fence}"


def escape(text: str) -> str:
    """Text whose characters mean nothing to Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~@&])", r"\\\1", text)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _cut(text: str) -> str:
    if len(text) <= SHOWN:
        return text
    return f"{text[:SHOWN]}\n[... {len(text) - SHOWN} more characters]"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
