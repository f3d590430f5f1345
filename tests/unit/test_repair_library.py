"""Names asked for in vain, by where they are in what is installed."""

from __future__ import annotations

from coder.nodes.world import asked_in_vain
from coder.repair.contract import Suspect
from coder.repair.propose import propose
from coder.repair.world import World
from coder_tools.contract import TestResult


def texts(source: str, message: str, world: World) -> list[str]:
    """What the first candidates make of the file."""
    failing = [TestResult("t::x", "error", message=message, exception="ImportError")]
    suspects = [Suspect("m.py", line, 0.5) for line in range(1, source.count("\n") + 1)]
    raw = source.encode()
    found = propose({"m.py": raw}.__getitem__, suspects, failing, world=world)
    return [(raw[: c.splice.start] + c.splice.text.encode() + raw[c.splice.end :]).decode() for c in found[:12]]


def test_a_name_that_moved_to_another_module() -> None:
    source = "from shapes import Circle, Square as S\n\nprint(Circle, S)\n"
    message = "ImportError: cannot import name 'Square' from 'shapes' (/lib/shapes.py)"
    right = "from shapes import Circle\nfrom shapes.plane import Square as S\n\nprint(Circle, S)\n"
    assert right in texts(source, message, World(homes={"Square": ("shapes.plane",)}))


def test_a_name_that_is_called_otherwise_now() -> None:
    source = "from shapes import make_circle\n\nprint(make_circle)\n"
    message = "ImportError: cannot import name 'make_circle' from 'shapes' (/lib/shapes.py)"
    right = source.replace("import make_circle", "import build_circle as make_circle")
    assert right in texts(source, message, World(library={"shapes": ("build_circle", "area")}))


def test_a_module_that_moved() -> None:
    message = "ModuleNotFoundError: No module named 'ConfigParser'"
    world = World(homes={"ConfigParser": ("settings.ConfigParser",)})
    assert "import settings.ConfigParser as ConfigParser\n" in texts("import ConfigParser\n", message, world)


def test_a_member_that_is_in_a_part_of_its_module_now() -> None:
    source = "import collections as c\n\n\ndef f(x):\n    return isinstance(x, c.Mapping)\n"
    message = "AttributeError: module 'collections' has no attribute 'Mapping'"
    world = World(homes={"Mapping": ("collections.abc", "typing")})
    assert source.replace("c.Mapping", "c.abc.Mapping") in texts(source, message, world)


def test_a_name_that_was_never_imported() -> None:
    source = "import os\n\n\ndef f(x):\n    return shlexer(x)\n"
    world = World(homes={"shlexer": ("words.lexing",)})
    right = source.replace("import os\n", "import os\nfrom words.lexing import shlexer\n")
    assert right in texts(source, "NameError: name 'shlexer' is not defined", world)


def test_what_messages_ask_for() -> None:
    messages = ["cannot import name 'A' from 'b.c' (x)", "module 'd' has no attribute 'E'", "No module named 'f.g'"]
    failing = [TestResult("t", "error", message=text) for text in messages]
    assert asked_in_vain(failing) == [("b.c", "A"), ("d", "E"), ("", "g")]
