"""Names of definitions as people and models write them, in whatever language."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(r"\s*(?:(?<!:):|@|[\s(\[,]+(?:at\s+)?line\s+)\s*(\d{1,7})[\])]?$", re.IGNORECASE)
_KEYWORDS = re.compile(
    r"^(?:(?:export|default|async|public|static|pub|function|func|fn|def|class|struct|interface|enum|trait|type)\s+)+"
)
_RECEIVER = re.compile(r"^\(\s*(?:\w+\s+)?[*&]?\s*(\w+)[^)]*\)[.\s]*")
_ROLE = re.compile(r"^(?P<before>(?:[\w$.]+\.)?)(?P<said>get|set) +(?P<name>[\w$.#]+)$")
_PYTHON_ROLE = re.compile(r"^@?(?P<name>.+)\.(?P<said>getter|setter|deleter)$")
_PATH = re.compile(r"[\w$.#]+")


@dataclass(frozen=True)
class Name:
    """A name taken apart."""

    dotted: str  # "Box.add"
    line: int = 0  # one of its lines, where that is said
    parameters: str | None = None  # what stands between its brackets: "int, String"
    role: str = ""  # "getter", "setter" or "deleter" of a property


def parsed(name: str) -> Name:
    """`B::new`, `B#new`, `(*B).new`, `(b *B) new`, `B.new(int)`, `B.new (line 7)` and `get B.new`, each as `B.new`."""
    name = name.strip()
    line = 0
    if found := _LINE.search(name):
        name, line = name[: found.start()], int(found[1])
    name = _RECEIVER.sub(r"\1.", _KEYWORDS.sub("", name)).lstrip("*&")
    name = re.sub(r"\s+(?:struct|interface)\b.*$", "", name, flags=re.DOTALL)  # Go's `type Box struct`
    parameters = None
    if found := re.search(r"\((.*)\)[^()]*$", name, re.DOTALL):
        name, parameters = name[: found.start()], found[1].strip()
    role = ""
    if found := _ROLE.match(name.strip()):
        name, role = found["before"] + found["name"], f"{found['said']}ter"
    elif found := _PYTHON_ROLE.match(name.strip()):
        name, role = found["name"], found["said"]
    dotted = re.sub(r"::|(?<=\w)#", ".", name).strip()
    if parameters is not None and re.fullmatch(r"[\w$.]+", dotted.split(" ")[-1]):
        dotted = dotted.split(" ")[-1]  # `int add(int a)`
    return Name(assigned(dotted), line, parameters, role)


def assigned(target: str) -> str:
    """How people call what JavaScript assigns: `module.exports.f` as `exports.f`, `A.prototype.f` as `A.f`."""
    target = re.sub(r"\s", "", target)
    if not _PATH.fullmatch(target):
        return target.rpartition(".")[2]
    target = target.removeprefix("module.") if target.startswith("module.exports") else target
    return target.replace(".prototype.", ".").removeprefix("this.")
