"""All families of edits together: each takes a suspicious statement and yields single edits of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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

FAMILIES: tuple[Callable[[Site], Iterator[Edit]], ...] = (
    operators.edits,
    constants.edits,
    bounds.edits,
    names.edits,
    calls.edits,
    arguments.edits,
    conditions.edits,
    returns.edits,
    guards.edits,
    statements.edits,
    moves.edits,
    flow.edits,
    exceptions.edits,
    failures.edits,
    history.edits,
    library.edits,
    mentioned.edits,
)


def edits(site: Site) -> Iterator[Edit]:
    """Every edit of one statement; an edit may come twice, or turn out not to parse."""
    for family in FAMILIES:
        yield from family(site)
