"""What a failure depends on, and conditions whose outcome is turned round."""

from __future__ import annotations

import sys

import pytest

from coder.repair.contract import Suspect
from coder.repair.slice import Slicer
from coder.repair.source import Module
from coder.repair.switch import probes

SOURCE = """\
def price(item, rate):
    base = item.price
    note = item.name
    if item.count > 10:
        base = base * rate
    log(note)
    return round(base)


class Basket:
    def add(self, item):
        self.items.append(item)

    def total(self, rate):
        if not rate:
            return 0
        found = 0
        for item in self.items:
            found += price(item, rate)
        return found
"""


def sliced(name: str, lines: range | set[int]) -> dict[int, float]:
    module = Module("m.py", SOURCE.encode())
    slicer = Slicer({"m.py": lines}, {"m.py": module}.get)
    return {line: weight for (_, line), weight in slicer.weigh((1.0, step) for step in slicer.results_of(name)).items()}


def test_values_and_conditions_that_reach_the_result_are_in_the_slice() -> None:
    found = sliced("price", range(1, 8))
    assert found.keys() == {2, 4, 5, 7}  # neither the note nor what is done with it
    assert found[7] == 1 > found[5] > found[4]


def test_the_slice_goes_into_called_functions_and_to_what_fills_the_object() -> None:
    found = sliced("total", set(range(1, 21)) - {16})
    assert {2, 5, 7, 12, 15, 18, 19, 20} <= found.keys()
    assert not {3, 6} & found.keys()
    assert found[20] > found[19] > found[7] > found[2]


def test_what_was_not_executed_is_not_in_the_slice() -> None:
    assert sliced("price", {1, 2, 3, 4, 6, 7}).keys() == {2, 7}


def test_a_function_that_returns_nothing_is_known_by_what_it_changes() -> None:
    assert sliced("add", range(1, 21))[12] == 1


LOOP = """\
def firsts(values, most):
    found = []
    for value in values:
        if value > 0:
            found.append("big" if value > most else "small")
    return found
"""


def switched(line: int, instance: int) -> list[str]:
    """What the function gives with one evaluation of the condition on a line turned round."""
    module = Module("m.py", LOOP.encode())
    (probe,) = (p for p in probes({"m.py": module.raw}.__getitem__, [Suspect("m.py", line, 1.0)], 9)
                if p.instance == instance)  # fmt: skip
    raw = module.raw[: probe.splice.start] + probe.splice.text.encode() + module.raw[probe.splice.end :]
    known: dict[str, object] = {}
    exec(compile(raw, "m.py", "exec"), known)
    vars(sys).pop("_coder_evaluations", None)  # each probe has a process of its own: here the count is begun anew
    return known["firsts"]([1, -1, 9], 5)  # type: ignore[no-any-return, operator]


@pytest.mark.parametrize(
    ("line", "instance", "gives"),
    [
        (4, 0, ["big"]),
        (4, 1, ["small", "small", "big"]),
        (5, 0, ["big", "big"]),
        (5, 1, ["small", "small"]),
    ],
)
def test_one_evaluation_of_one_condition_is_turned_round(line: int, instance: int, gives: list[str]) -> None:
    assert switched(line, instance) == gives


def test_no_more_probes_than_asked_for_and_only_where_there_are_conditions() -> None:
    suspects = [Suspect("m.py", line, 1.0) for line in (2, 3, 4, 5)] + [Suspect("gone.py", 1, 1.0)]
    assert len(probes({"m.py": LOOP.encode()}.__getitem__, suspects, 3)) == 3
    assert {probe.line for probe in probes({"m.py": LOOP.encode()}.__getitem__, suspects, 99)} == {4, 5}
