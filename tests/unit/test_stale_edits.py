"""Lines that an earlier edit changed are sent again: they never land in a place that only looks like theirs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import coder_tools
from coder_tools.edit import EditRefused, apply_diff, replace
from coder_tools.protect import is_protected
from coder_tools.toolbox import Toolbox
from coder_tools.workspace import Workspace

MIN_AND_MAX = """def min_of(xs):
    best = xs[0]
    for x in xs:
        if x < best:
            best = x
    return best


def max_of(xs):
    best = xs[0]
    for x in xs:
        if x > best:
            best = x
    return best
"""
BODY = "    best = xs[0]\n    for x in xs:\n        if x < best:\n            best = x\n    return best"
RATES = b"""RATES = {"de": 19, "fr": 20}


def tax_fr(x):
    rate = RATES["fr"]
    total = x * rate
    return total
"""


def toolbox(text: str) -> tuple[Toolbox, dict[str, bytes | None]]:
    changes: dict[str, bytes | None] = {}
    return Toolbox(Workspace({"a.py": text.encode()}.__getitem__, ["a.py"], changes, is_protected), {}), changes


def test_old_lines_of_one_function_do_not_land_in_its_twin() -> None:
    box, changes = toolbox(MIN_AND_MAX)
    new = BODY.replace("xs[0]", "None").replace("x < best", "best is None or x < best")
    assert box.run("edit_file", {"path": "a.py", "search": BODY, "replace": new}).ok
    once = dict(changes)
    again = box.run("edit_file", {"path": "a.py", "search": BODY, "replace": BODY.replace("in xs", "in xs[1:]")})
    assert not again.ok and changes == once
    assert "no longer in a.py: an earlier edit changed it" in again.text and "nearest is at lines" in again.text


def test_the_same_holds_for_a_diff() -> None:
    box, changes = toolbox(MIN_AND_MAX)
    assert box.run("edit_file", {"path": "a.py", "search": "if x < best", "replace": "if not x >= best"}).ok
    once = dict(changes)
    diff = (
        "@@ -2,5 +2,5 @@\n     best = xs[0]\n     for x in xs:\n-        if x < best:\n+        if x <= best:\n"
        "             best = x\n     return best\n"
    )
    assert not box.run("edit_file", {"path": "a.py", "diff": diff}).ok and changes == once


@pytest.mark.parametrize(
    ("given", "there"),
    [
        ("def tax_de(x):", "def tax_fr(x):"),
        ('    rate = RATES["de"]', '    rate = RATES["fr"]'),
        ("    total = x / rate", "    total = x * rate"),
        ("    totals = x * rate", "    total = x * rate"),
        ("    retun = x * rate", "    total = x * rate"),
        ("    return totals", "    return total"),
    ],
)
def test_a_line_that_tells_another_place_is_no_slip(given: str, there: str) -> None:
    lines = RATES.decode().split("\n")[3:7]
    search = "\n".join(given if line == there else line for line in lines) + "\n"
    assert search != "\n".join(lines) + "\n"
    with pytest.raises(EditRefused, match=r"nearest is at lines 4 to"):
        replace("a.py", RATES, search, search + "x = 1\n")


@pytest.mark.parametrize(
    ("given", "there"),
    [
        ("    rate = RATES['fr']", '    rate = RATES["fr"]'),
        ("    total=x*rate", "    total = x * rate"),
        ("    return toal", "    return total"),
        ("    retrun total", "    return total"),
        ("    total = x * rate  # before rounding", "    total = x * rate"),
    ],
)
def test_a_slip_is_overlooked_and_stays_as_the_file_has_it(given: str, there: str) -> None:
    lines = RATES.decode().split("\n")[3:7]
    sent = [given if line == there else line for line in lines]
    landed = replace("a.py", RATES, "\n".join(sent) + "\n", "\n".join(["@cached", *sent]) + "\n")
    assert landed.data == RATES.replace(b"def tax", b"@cached\ndef tax")


def test_no_stale_search_lands_in_another_place_of_real_code() -> None:
    """Over coder's own code and the standard library's: lines that are there once are rewritten, then sent again."""
    chance = random.Random(7)
    files = sorted([*Path(coder_tools.__file__).parent.glob("*.py"), *Path(random.__file__).parent.glob("*.py")])
    asked = 0
    for file in chance.sample(files, 60):
        text = file.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
        lines = text.split("\n")
        for _ in range(6):
            size = chance.randint(3, 7)
            at = chance.randrange(max(1, len(lines) - size))
            window = lines[at : at + size]
            search = "\n".join(window) + "\n"
            solid = [n for n, line in enumerate(window) if line.strip()]
            if len(solid) < 3 or text.count(search) != 1:
                continue
            now = [*lines[:at], *(f"rewritten {n}" for n in range(size)), *lines[at + size :]]
            chosen = chance.choice(solid)
            new = "\n".join(line + " # new" * (n == chosen) for n, line in enumerate(window)) + "\n"
            diff = "\n".join(["@@", *(f"-{line}" for line in window), *(f"+{line}" for line in new[:-1].split("\n"))])
            data, base = "\n".join(now).encode(), text.encode()
            asked += 1
            with pytest.raises(EditRefused):
                print(file, at, replace("a.txt", data, search, new, base))
            with pytest.raises(EditRefused):
                print(file, at, apply_diff("a.txt", data, diff, base))
    assert asked > 100
