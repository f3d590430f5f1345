"""The measuring side of the repair engine: what is planted, what counts as the original, what is learned."""

from __future__ import annotations

import ast
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from coder.repair.clues import Clues
from coder.repair.rank import RANKING, Scored, Weights
from coder.repair.scope import Inventory, Scopes
from coder.repair.site import Edit, Site
from coder.repair.source import Module
from scripts.bench_repair.attempt import lines_of
from scripts.bench_repair.libraries import LIBRARIES, SOURCES
from scripts.bench_repair.plant import PLANTED, Bug, bugs_of, load
from scripts.bench_repair.rules import RULES
from scripts.bench_repair.same import same_program
from scripts.train_ranking import __main__ as train_ranking
from scripts.train_ranking.examples import Example, ways_back
from scripts.train_ranking.fit import fit, places

SOURCE = b'''\
def pick(items, wanted, strict=False):
    """The wanted items."""
    found = []
    for item in items[1:]:
        if not item or item.size < wanted - 1:
            continue
        found.append(item)
    if strict and len(found) == 0:
        raise KeyError(wanted)
    return sorted(found)
'''


def planted(rule: str) -> set[str]:
    """Each bug's change, as the file with the bug has it."""
    library = LIBRARIES[0]
    return {f"{bug.old}->{bug.new}" for bug in bugs_of(library, "pick.py", SOURCE) if bug.rule == rule}


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("comparison", "<-><="),
        ("arithmetic", "-->+"),
        ("boolean", "or->and"),
        ("dropped condition", "not item or ->"),
        ("dropped not", "not item->item"),
        ("off by one", "1->2"),
        ("wrong variable", "found->items"),
        ("lost return value", "return sorted(found)->return"),
        ("lost statement", "        found.append(item)\n->"),
        ("lost guard", "    if strict and len(found) == 0:\n        raise KeyError(wanted)\n->"),
        ("lost slice", "items[1:]->items"),
        ("lost bound", "1->"),
        ("lost call", "sorted(found)->found"),
        ("twin name", "append->extend"),
        ("wrong jump", "continue->pass"),
        ("wrong exception", "KeyError->IndexError"),
    ],
)
def test_a_rule_plants(rule: str, change: str) -> None:
    assert change in planted(rule)


def test_a_bug_goes_where_it_was_made_for() -> None:
    bug = Bug("any", "comparison", "pick.py", 5, SOURCE.index(b"<"), "<", "<=")
    assert b"item.size <= wanted" in bug.planted(SOURCE)
    with pytest.raises(ValueError, match="does not hold"):
        bug.planted(b"# a line more\n" + SOURCE)


def test_a_lost_statement_is_looked_for_beside_its_place() -> None:
    text = "def f(a):\n    a += 1\n    a += 2\n    return a\n"
    bug = Bug("any", "lost statement", "f.py", 3, text.index("    a += 2"), "    a += 2\n", "")
    assert lines_of(bug, text.replace("    a += 2\n", "")) == {2, 3}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x = (a +\n  b)", "x = a + b  # why", True),
        ("if not a in b: f()", "if a not in b: f()", True),
        ("if not (a and b): f()", "if not a or not b: f()", True),
        ("if a: f()\nelse: g()", "if not a: g()\nelse: f()", True),
        (
            "x = not (a and b)",
            "x = not a or not b",
            False,
        ),  # asked for its value it is the same; nothing proves it here
        ("x = a + b", "x = b + a", False),
        ("if not a < b: f()", "if a >= b: f()", False),  # not so for numbers that are none
    ],
)
def test_same_program(one: str, other: str, same: bool) -> None:
    assert same_program(one, other) is same


def test_the_lists_of_bugs_are_whole() -> None:
    pins = SOURCES.read_text()
    assert all(f"{library.name}==" in pins for library in LIBRARIES) and pins.count("--hash=sha256:") == len(LIBRARIES)
    assert sum(library.held_out for library in LIBRARIES) == 4 and len(LIBRARIES) >= 8
    for file in (PLANTED / f"{library.name}.json" for library in LIBRARIES):
        bugs = load(file)
        assert len({bug.name for bug in bugs}) == len(bugs) == 15
        assert len({bug.rule for bug in bugs}) >= 8 and {bug.rule for bug in bugs} <= RULES.keys()


def test_a_fit_puts_the_right_edits_first_and_leaves_the_rest_alone() -> None:
    start = Weights(
        {"size": 0.0, "bonus": 0.0, "same_kind": -1.0, "same_statement": -1.0}, {"a": 0.0, "b": 0.0, "c": -1.0}, -2.0
    )
    edits = [("a", {"size": 1.0}), ("b", {"size": 3.0}), ("b", {"size": 2.0})]
    examples = [Example(str(n), 1, edits, [1.0, 1.0, 1.0], 3) for n in range(9)]
    learned = fit(examples, start)
    assert places(examples, learned) == [1] * 9
    assert learned.features["size"] < 0 and learned.kinds["a"] > learned.kinds["b"]
    assert learned.kinds["c"] == -1.0 and learned.features["same_kind"] == -1.0
    assert fit(examples, start) == learned


def test_an_edit_that_stands_for_many_counts_for_so_many() -> None:
    start = Weights({"same_kind": -1.0, "same_statement": -1.0}, {"a": 0.0, "b": 1.0, "c": 0.0}, -2.0)
    edits: list[tuple[str, dict[str, float]]] = [("a", {}), ("b", {}), ("c", {})]
    few, many = (Example("one", 1, edits, [1.0, count, 1.0], 2) for count in (1.0, 40.0))
    assert (places([few], start), places([many], start)) == ([2], [41])
    assert fit([many], start).kinds["b"] < fit([few], start).kinds["b"]


def train_on(tmp_path: Path, right: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether weights are written for two libraries, in one of which the kind `right` is the way back."""
    ranking, start = tmp_path / "ranking.json", tmp_path / "start.json"
    numbers = {"features": {"same_kind": 0.0, "same_statement": 0.0}, "kinds": {"a": 0.5, "b": 0.0}, "rest": 0.0}
    start.write_text(json.dumps(numbers))
    monkeypatch.setattr(train_ranking, "RANKING", ranking)
    monkeypatch.setattr(train_ranking, "START", start)
    for library, kind in (("one", right), ("two", "b")):
        edits = [(kind, {}), ("a" if kind == "b" else "b", {})]
        rows = [json.dumps(asdict(Example(str(n), 1, edits, [1.0, 9.0], 2))) for n in range(9)]
        (tmp_path / library).write_text("\n".join([*rows, "null"]) + "\n")
    train_ranking.train([tmp_path / "one", tmp_path / "two"])
    return ranking.exists()


def test_weights_are_written_only_if_libraries_not_fitted_on_gain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train_on(tmp_path, "b", monkeypatch)
    (tmp_path / "ranking.json").unlink()
    assert not train_on(tmp_path, "a", monkeypatch)


def test_the_shipped_weights_know_every_feature() -> None:
    data = json.loads(RANKING.read_text())
    start = json.loads((Path(__file__).parents[2] / "scripts" / "train_ranking" / "start.json").read_text())
    assert data["features"].keys() == start["features"].keys() and data["kinds"].keys() == start["kinds"].keys()


def test_the_way_back_is_found_within_the_function_alone() -> None:
    original = b"LIMIT = 3\n\n\nclass Box:\n    def fits(self, size):\n        return size < LIMIT\n\n    broken = 1\n"
    bug = Bug("any", "comparison", "box.py", 6, original.index(b"<"), "<", "<=")
    module = Module("box.py", bug.planted(original))
    inventory = Inventory.of(module)
    scopes, statement = Scopes(module, inventory), module.statements_at(6)[-1]
    site = Site(module, inventory, scopes, statement, Clues())
    assert isinstance(statement, ast.Return) and isinstance(statement.value, ast.Compare)
    back, other = (site.replace(statement.value, text, "compare") for text in ("size < LIMIT", "size > LIMIT"))
    outside = Edit(0, 5, "SIZES", "name", "", 1)
    scored = [Scored(edit, site, 1.0) for edit in (outside, other, back)]
    assert list(ways_back(scored, bug, original)) == [2]
