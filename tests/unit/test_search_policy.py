"""In what portions the search hands its candidates over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coder.nodes.view import remember_fault
from coder.policies import search
from coder.policies.contract import Edit, Left, Spent, View
from coder.policies.search import BATCH, FIRST_BATCH, PATIENCE, SearchPolicy
from coder.repair.contract import Suspect
from coder_tools.workspace import Workspace

SOURCE = b"".join(b"def f%d(a, b, c):\n    if a < b and b < c:\n        return a + b * c\n" % n for n in range(2))
FILES = {"m.py": SOURCE}


def view() -> View:
    workspace = Workspace(FILES.__getitem__, frozenset(FILES), {}, lambda path: "", False)
    suspects = tuple(Suspect("m.py", line, 0.9) for line in range(2, 7))
    return View("", ("t",), workspace, Left(60, 60, 0), {}, suspects=suspects)


def test_batches_grow_and_no_candidate_comes_twice() -> None:
    policy, seen = SearchPolicy(), view()
    sizes, keys = [], []
    while batch := policy.edit(seen).candidates:
        sizes.append(len(batch))
        keys += [candidate.key for candidate in batch]
    assert sizes[0] == FIRST_BATCH
    assert sizes[:-1] == sorted(sizes[:-1])
    assert max(sizes) == BATCH
    assert len(set(keys)) == len(keys)


def test_what_stands_on_nothing_is_an_edit_of_the_base_whatever_else_has_changed() -> None:
    """A best change set that the search did not make has other offsets, and the suspects are not its lines."""
    changed = view()
    changed.workspace.changes["m.py"] = b"import os\n\n\n" + SOURCE
    assert SearchPolicy().edit(changed).candidates == SearchPolicy().edit(view()).candidates
    on_it = replace(view(), standing="best", workspace=changed.workspace)
    assert SearchPolicy().edit(on_it).candidates != SearchPolicy().edit(view()).candidates


def test_a_new_process_goes_on_where_the_last_one_stopped() -> None:
    seen = view()
    policy = SearchPolicy()
    first = [policy.edit(seen).candidates for _ in range(5)]
    again = view()
    resumed = []
    for _ in range(5):
        resumed.append(SearchPolicy().edit(again).candidates)
    assert resumed == first


def test_what_was_not_done_in_time_gets_more_of_it_at_the_end_and_only_once() -> None:
    policy, seen = SearchPolicy(), view()
    last: tuple[object, ...] = ()
    while made := policy.edit(seen).candidates:
        last = made
    late = replace(view(), memory=seen.memory, late=last[:3])  # type: ignore[arg-type]
    again = policy.edit(late)
    assert [candidate.patience for candidate in again.candidates] == [PATIENCE] * 3
    assert policy.edit(late).wants == "stop"


def test_all_stages_together_have_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that is cut short made nothing: each of those after it was given the whole time again."""
    now, given = [0.0], []

    def cut(*args: Any, seconds: float, **settings: Any) -> list[Any]:
        given.append(seconds)
        now[0] += seconds
        return []

    monkeypatch.setattr(search, "propose", cut)
    monkeypatch.setattr(search.time, "monotonic", lambda: now[0])
    SearchPolicy().edit(view())
    assert given == [60]


def test_candidates_not_done_in_time_are_kept_when_a_model_answers() -> None:
    """A run that ends unfixed tells what its model had no time for, and these are none of that."""
    late = [{"key": "a"}]
    memory: dict[str, Any] = {"late": late}
    remember_fault(memory, Edit(spent=Spent(model_calls=1), slow="it is slow"))
    assert memory == {"late": late, "fault": "", "slow": "it is slow"}
