"""All families of edits together: each takes a suspicious statement and yields single edits of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from coder.repair.candidates import (
    arguments,
    bounds,
    calls,
    conditions,
    constants,
    exceptions,
    failures,
    flow,
    guards,
    history,
    library,
    mentioned,
    moves,
    names,
    operators,
    returns,
    statements,
)
from coder.repair.site import Edit, Site

Family = Callable[[Site], Iterator[Edit]]

FEW: tuple[Family, ...] = (
    operators.edits,
    constants.edits,
    arguments.edits,
    conditions.edits,
    returns.edits,
    moves.edits,
    flow.edits,
    exceptions.edits,
    failures.edits,
    history.edits,
    library.edits,
    mentioned.edits,
)
"""Families that make some tens of edits of a statement, together."""

MANY: tuple[Family, ...] = (
    bounds.edits,
    names.edits,
    calls.edits,
    conditions.joined,
    guards.edits,
    statements.edits,
)
"""Families that make hundreds: one for each name, condition or statement that could stand there."""


def edits(site: Site, families: Iterable[Family] = (*FEW, *MANY)) -> Iterator[Edit]:
    """Every edit of one statement; an edit may come twice, or turn out not to parse."""
    for family in families:
        yield from family(site)
