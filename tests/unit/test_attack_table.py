"""docs/attacks.md names an existing test for each attack, and every attack test is in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
TABLE = (TESTS.parent / "docs" / "attacks.md").read_text()
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+) \|$", re.M)


def functions(file: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


def named() -> dict[int, list[str]]:
    return {int(number): re.findall(r"`([^`]+::[^`]+)`", tests) for number, _, tests in ROW.findall(TABLE)}


def test_every_attack_has_a_test_that_exists() -> None:
    assert sorted(named()) == list(range(1, 51))
    for number, tests in named().items():
        assert tests, number
        for test in tests:
            file, _, name = test.partition("::")
            assert name in functions(TESTS / file), test


def test_every_attack_test_is_in_the_table() -> None:
    known = {test for tests in named().values() for test in tests}
    for file in (TESTS / "security").glob("test_attack_*.py"):
        for name in functions(file):
            if number := re.match(r"test_(\d\d)_", name):
                assert f"security/{file.name}::{name}" in known
                assert f"security/{file.name}::{name}" in named()[int(number[1])]


def test_security_md_names_tests_that_exist() -> None:
    text = (TESTS.parent / "SECURITY.md").read_text()
    held = re.findall(r"`tests/([\w/]+\.py)`", text)
    assert held and all((TESTS / file).is_file() for file in held)
