"""Plausible is not correct: which of several patches that pass is to be trusted most, and in what they differ.

What a patch is trusted for: it takes no behaviour away, it is not made for the test's own values, it reads well and is
small (its score), other patches found on other ways do the same, and it leaves alone what passing tests call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coder.repair.patch import Patch
from coder_tools.contract import Behaviour, Compared, Input

AGREEMENT = 2.0  # nats for a patch with which all the others agree, by their own scores
STRAYS = 1.0  # nats lost by a patch that changes every result near a passing test's
RAISES = 2.0  # nats lost by a patch that raises, or never ends, wherever the base returned
UNREACHED = 2.0  # nats lost by a patch with which code is no longer reached that the base reached
SCALE = 2.0  # nats of score for which another patch's word counts e times as much
FEWEST = 5  # inputs near the failing test's that must be unchanged before a patch counts as made for it


@dataclass(frozen=True)
class Plausible:
    """A candidate that passes, before it is judged."""

    key: str
    score: float
    patch: Patch


@dataclass(frozen=True)
class Choice:
    """A plausible candidate in its place. Those of the same `group` did the same on every input."""

    key: str
    group: int
    warnings: tuple[str, ...]


def choose(plausible: Sequence[Plausible], compared: Compared, test_values: frozenset[str]) -> list[Choice]:
    """The candidates, the one to be trusted most first. `test_values`: the values that the failing tests write down.

    Depends on nothing but its arguments, and not on their order.
    """
    inputs = compared.inputs
    ordered = sorted(plausible, key=lambda p: (-p.score, p.key))
    groups = group(ordered, inputs)
    weights = {p.key: math.exp((p.score - ordered[0].score) / SCALE) for p in ordered}
    warnings = {p.key: special(p, inputs, test_values) for p in ordered}

    def rank(p: Plausible) -> tuple[bool, bool, float]:
        same = sum(weights[o.key] for o in ordered if groups[o.key] == groups[p.key] and o is not p)
        others = sum(weights[o.key] for o in ordered if o is not p)
        value = p.score + AGREEMENT * (same / others if others else 0.0)
        value -= STRAYS * _share(p.key, [i for i in inputs if i.passing], _strays)
        value -= RAISES * _share(p.key, [i for i in inputs if i.did[""].kind == "returns"], _fails)
        value -= UNREACHED * (compared.unreached.get(p.key, 0) > compared.unreached.get("", 0))
        return p.patch.removes, bool(warnings[p.key]), -value

    return [Choice(p.key, groups[p.key], warnings[p.key]) for p in sorted(ordered, key=rank)]


def group(plausible: Sequence[Plausible], inputs: Sequence[Input]) -> dict[str, int]:
    """Which candidates do the same. One that could not be compared stands alone."""
    known: dict[object, int] = {}
    found: dict[str, int] = {}
    for p in plausible:
        behaviour: object = p.key
        if inputs and all(p.key in given.did for given in inputs):
            behaviour = tuple((given.did[p.key].kind, given.did[p.key].mark) for given in inputs)
        found[p.key] = known.setdefault(behaviour, len(known))
    return found


def _strays(base: Behaviour, own: Behaviour) -> bool:
    return not own.same_as(base)


def _fails(base: Behaviour, own: Behaviour) -> bool:
    return own.kind != "returns"


def _share(key: str, inputs: Sequence[Input], says: Callable[[Behaviour, Behaviour], bool]) -> float:
    """Of the inputs on which the candidate was compared, the share of which this is true."""
    known = [given for given in inputs if key in given.did]
    return sum(says(given.did[""], given.did[key]) for given in known) / len(known) if known else 0.0


def written_in(literals: frozenset[str], test_values: frozenset[str]) -> list[str]:
    """What is to be said of a patch with these new values in it, in words."""
    values = ", ".join(sorted(literals & test_values)[:3])
    return [f"it has a value of the failing test written into it: {values}"] if values else []


def special(plausible: Plausible, inputs: Sequence[Input], test_values: frozenset[str]) -> tuple[str, ...]:
    """Why a patch looks as if it were made for the failing test's own values, in words.

    That it changes nothing else speaks against it only where it asks a question that was not asked: the effect of a
    bound moved by one, or of a condition turned round, may well show at the bound alone.
    """
    found = written_in(plausible.patch.literals, test_values)
    near = [i for i in inputs if i.varied and not i.passing and plausible.key in i.did]
    own = [i for i in inputs if not i.varied and not i.passing and plausible.key in i.did]
    changes = any(not i.did[plausible.key].same_as(i.did[""]) for i in own)
    if (
        plausible.patch.asks
        and changes
        and len(near) >= FEWEST
        and all(i.did[plausible.key].same_as(i.did[""]) for i in near)
    ):
        found.append(
            f"it changes what happens with the failing test's own values, and nothing on {len(near)} inputs near them"
        )
    return tuple(found)


def apart(inputs: Sequence[Input], one: str, other: str) -> list[Input]:
    """The inputs on which two candidates differ, the most telling for a reader first."""
    found = [i for i in inputs if one in i.did and other in i.did and not i.did[one].same_as(i.did[other])]

    def telling(given: Input) -> tuple[bool, bool, bool, bool, int, str]:
        fails = any(given.did[key].kind != "returns" for key in (one, other))
        return given.varied, fails, not given.literal, not given.entry, len(given.arguments), given.arguments

    return sorted(found, key=telling)
