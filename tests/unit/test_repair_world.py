"""What is known beyond the files: earlier contents, and the edits that take a change back."""

from __future__ import annotations

import json

from coder.repair.contract import Suspect
from coder.repair.propose import propose
from coder.repair.source import Module
from coder.repair.world import World
from coder_tools.contract import Observed

THEN = (
    "# totals\r\n"
    "def total(items, start=0):\r\n"
    "    for item in items:  # each\r\n"
    "        start += item.price * item.count\r\n"
    "    return start\r\n"
)
NOW = THEN.replace("start += item.price * item.count", "start -= item.price + item.count")


def world(*earlier: str) -> World:
    return World(earlier={"m.py": tuple(text.encode() for text in earlier)})


def proposed(now: str, *earlier: str) -> dict[str, str]:
    """What each candidate that takes a change back makes of the file."""
    suspects = [Suspect("m.py", line, 0.8) for line in range(2, now.count("\n") + 1)]
    found = propose({"m.py": now.encode()}.__getitem__, suspects, [], world=world(*earlier))
    raw = now.encode()
    return {
        (raw[: c.splice.start] + c.splice.text.encode() + raw[c.splice.end :]).decode(): c.kind
        for c in found
        if c.kind == "revert"
    }


def test_the_latest_change_is_taken_back_whole() -> None:
    assert proposed(NOW, THEN)[THEN] == "revert"


def test_a_change_is_taken_back_in_part() -> None:
    whole = proposed(NOW.replace("    return start", "    start = round(start)\r\n    return start"), THEN)
    assert NOW in whole  # only the added line taken out
    assert THEN.replace("    return start", "    start = round(start)\r\n    return start") in whole


def test_a_line_that_was_taken_out_comes_back() -> None:
    assert THEN in proposed(THEN.replace("    return start\r\n", ""), THEN)


def test_lines_of_the_latest_change_count_most() -> None:
    older = NOW.replace("return start", "return +start")
    changed = world(THEN, older).changed(Module("m.py", NOW.encode()))
    assert changed == {4: 1.0, 5: 0.5}


def test_the_world_survives_the_record() -> None:
    seen = Observed({("m.py", 3): {"x": frozenset({"int", "str"})}}, {"int": frozenset({"real"})})
    whole = World(world(THEN, NOW).earlier, seen)
    assert World.from_json(json.loads(json.dumps(whole.to_json()))) == whole


def test_what_cannot_be_read_is_passed_over() -> None:
    earlier = World(earlier={"m.py": (b"\xff", THEN.encode())})
    assert [hunk.age for hunk in earlier.hunks(Module("m.py", NOW.encode()))] == [2]


def test_an_earlier_version_that_cannot_be_compiled_gives_no_candidate() -> None:
    assert proposed(NOW, NOW.replace("return start", "return start +")) == {}


def test_differences_at_both_ends_and_between_are_found() -> None:
    lines = [f"x{n} = {n}\n" for n in range(9)]
    then = ["# first\n", *lines[:4], "gone = 1\n", *lines[5:8]]
    module = Module("m.py", "".join(lines).encode())
    hunks = World(earlier={"m.py": ("".join(then).encode(),)}).hunks(module)
    back = module.text
    for hunk in reversed(hunks):
        back = back[: hunk.start] + hunk.old + back[hunk.end :]
    assert len(hunks) == 3 and back == "".join(then)
