"""Several edits of one file that land together, or none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from coder_tools.edit import Landed, Unparsable, spliced
from coder_tools.syntax import EditRefused, check_syntax, syntax_fault
from coder_tools.workspace import ToolError

Change = Callable[[bytes], Landed]
"""One edit, given the bytes of the file."""


class NotAll(EditRefused):
    """They were not made. `faults`: the number of each that cannot be, from 0, and why."""

    def __init__(self, faults: Sequence[tuple[int, str]]) -> None:
        super().__init__("; ".join(text for _, text in faults))
        self.faults = list(faults)


def land(path: str, data: bytes, changes: Sequence[Change]) -> list[Landed]:
    """The file after each edit in turn; after the last one it must parse.

    An edit means a place of the file as it was, wherever the others are. Where not all of them have one there, or two
    of them overlap, each means the file that the ones before it have made. Raises NotAll.
    """
    steps = _side_by_side(path, data, changes) or _in_turn(data, changes)
    try:
        check_syntax(path, steps[-1].data, before=data)
    except EditRefused as error:
        parses = [number for number, step in enumerate(steps) if syntax_fault(path, step.data) is None]
        raise NotAll([(parses[-1] + 1 if parses else 0, str(error))]) from None
    return steps


def places(data: bytes, steps: Sequence[Landed]) -> list[tuple[int, int]]:
    """The first and last line of what each edit wrote, in the file as it is after all of them, in its order."""
    found: list[tuple[int, int]] = []
    for step in steps:
        more = step.data.count(b"\n") - data.count(b"\n")
        found = [(f + more, last + more) if f >= step.first_line else (f, last) for f, last in found]
        found.append((step.first_line, step.last_line))
        data = step.data
    return sorted(found)


def _side_by_side(path: str, data: bytes, changes: Sequence[Change]) -> list[Landed] | None:
    """The edits where they stand in the file as it was; None where one has no place there or two overlap."""
    try:
        found = [_made(change, data) for change in changes]
    except ToolError:
        return None
    spots = [landed.spot for landed in found if landed.spot is not None]
    if len(spots) < len(found) or any(one[1] > other[0] for one, other in pairwise(sorted(spots))):
        return None
    steps: list[Landed] = []
    for number, (start, end, new) in enumerate(spots):
        moved = sum(len(text) - (upto - at) for at, upto, text in spots[:number] if upto <= start)
        made = spliced(path, steps[-1].data if steps else data, (start + moved, end + moved, new))
        steps.append(replace(made, how=found[number].how))
    return steps


def _in_turn(data: bytes, changes: Sequence[Change]) -> list[Landed]:
    """Each edit in what those before it have made. Raises NotAll with all that fail."""
    now, steps = data, []
    faults: list[tuple[int, str]] = []
    for number, change in enumerate(changes):
        try:
            landed = _made(change, now)
            if landed.by_line and now.count(b"\n") != data.count(b"\n"):
                raise EditRefused("its line number is no longer that line's after the edits before it. Send it first.")
        except ToolError as error:
            faults.append((number, str(error)))
            continue
        steps.append(landed)
        now = landed.data
    if faults:
        raise NotAll(faults)
    return steps


def _made(change: Change, data: bytes) -> Landed:
    """The edit, whether the file then parses or only does after others."""
    try:
        return change(data)
    except Unparsable as error:
        return error.landed
