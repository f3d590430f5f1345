"""A made-up repository that answers as a real one would, to the tools of three agents."""

from __future__ import annotations

import random
import re
from typing import Literal

from coder.trajectories.contract import Call

Dialect = Literal["shell", "editor", "coder"]
DIALECTS: tuple[Dialect, ...] = ("shell", "editor", "coder")

_NOUNS = [
    "order", "price", "ledger", "token", "window", "queue", "shift", "parser", "matrix", "bucket", "cursor",
    "header", "sample", "ticket", "route"
]  # fmt: skip
_VERBS = [
    "load", "merge", "split", "round", "clip", "shift", "parse", "format", "collect", "resolve", "apply", "scale",
    "trim", "index", "pack"
]  # fmt: skip


class Repository:
    """Files made from a seed. `broken` is the function that a test fails on."""

    def __init__(self, rng: random.Random, dialect: Dialect) -> None:
        self.rng = rng
        self.dialect = dialect
        nouns = rng.sample(_NOUNS, 6)
        self.files = {f"src/{noun}s.py": self._source(noun) for noun in nouns}
        self.paths = list(self.files)
        self.path = self.paths[0]
        self.names = re.findall(r"def (\w+)", self.files[self.path])
        self.broken = rng.choice(self.names[2:])
        self.test = f"tests/test_{nouns[0]}s.py"
        self.files[self.test] = self._tests(nouns[0])
        self.expected, self.actual = rng.sample(range(3, 97), 2)
        self.edits = 0

    def _source(self, noun: str) -> str:
        lines = [f'"""What a {noun} is, and what is done with it."""', "", "import math", ""]
        for verb in self.rng.sample(_VERBS, 9):
            low, high = self.rng.randint(1, 20), self.rng.randint(21, 400)
            lines += [
                "",
                f"def {verb}_{noun}(values, limit={high}):",
                f'    """{verb.capitalize()} the values of one {noun}."""',
                f"    kept_{verb} = [v for v in values if v > {low}]",
                f"    if len(kept_{verb}) > limit:",
                f"        kept_{verb} = kept_{verb}[:limit]",
                f"    total_{verb} = sum(kept_{verb}) + {low * high}",
                f"    return math.floor(total_{verb} / {high})",
                "",
            ]
        return "\n".join(lines)

    def _tests(self, noun: str) -> str:
        lines = [f"from src.{noun}s import *", ""]
        for name in self.names:
            lines += [f"def test_{name}():", f"    assert {name}([{self.rng.randint(1, 9)}, 40]) == 7", ""]
        return "\n".join(lines)

    # what an agent may do

    def read(self, path: str, first: int = 1, last: int = 0, style: int = 0) -> Call:
        """Lines of a file. `style` chooses among the ways in which the dialect can ask for them."""
        lines = self.files[path].split("\n")
        end = last or len(lines)
        shown = list(enumerate(lines[first - 1 : end], first))
        if self.dialect == "shell":
            whole = [
                f"cat {path}",
                f"cat -n {path}",
                f"nl -ba {path}",
                f"head -n {end} {path}",
                f"sed -n '1,{end}p' {path}",
            ]
            part = [f"sed -n '{first},{end}p' {path}", f"head -{end} {path} | tail -{end - first + 1}"]
            command = (whole if (first, last) == (1, 0) else part[:1])[style % (5 if (first, last) == (1, 0) else 1)]
            numbered = command.startswith(("cat -n", "nl"))
            text = "\n".join(f"{n:6}\t{line}" if numbered else line for n, line in shown)
            return self._shell(command, text)
        text = "\n".join(f"{n:4}| {line}" for n, line in shown)
        if self.dialect == "editor":
            if style % 2:
                return self._shell(f"cat {path}", "\n".join(line for _, line in shown))
            arguments = {"command": "view", "path": f"/testbed/{path}"}
            return Call(
                "str_replace_editor", arguments if not last else {**arguments, "view_range": [first, end]}, text
            )
        if style % 2 or last:
            return Call("read_file", {"path": path, "start": first, "end": end}, f"{path}\n{text}", True)
        return Call("read_file", {"path": path}, f"{path}\n{text}", True)

    def search(self, pattern: str, style: int = 0) -> Call:
        """Where a pattern stands."""
        found = [
            (path, n, line)
            for path, text in self.files.items()
            for n, line in enumerate(text.split("\n"), 1)
            if pattern in line
        ]
        text = "\n".join(f"{path}:{n}:{line}" for path, n, line in found) or ""
        if self.dialect == "coder":
            if style % 2:
                return Call("search", {"pattern": pattern, "path": "src"}, text or "No matches.", True)
            return Call("search", {"pattern": pattern}, text or "No matches.", True)
        commands = [f'grep -rn "{pattern}" .', f'rg -n "{pattern}" src', f'grep -rn --include=*.py "{pattern}" src/']
        if self.dialect == "editor" and style % 2:
            return Call("search_dir", {"search_term": pattern, "dir": "src"}, text)
        return self._shell(commands[style % 3], text)

    def define(self, name: str, style: int = 0) -> Call:
        """Where a function is defined."""
        if self.dialect == "coder" and style % 2 == 0:
            source = self.files[self.path]
            at = source.find(f"def {name}")
            first = source[:at].count("\n") + 1
            shown = "\n".join(f"{n:4}| {line}" for n, line in enumerate(source[at:].split("\n")[:7], first))
            return Call("find_definition", {"name": name}, f"function {name}\n{shown}", True)
        return self.search(f"def {name}", style)

    def run_tests(self, style: int = 0, failing: bool = True, only: str = "") -> Call:
        """A run of the tests, with a time that is another each run."""
        seconds = f"{self.rng.uniform(0.1, 3):.2f}s"
        body = (
            f"FAILED {self.test}::test_{self.broken} - assert {self.actual} == {self.expected}\n"
            f"=========== 1 failed, {len(self.names) - 1} passed in {seconds} ==========="
            if failing
            else f"=========== {len(self.names)} passed in {seconds} ==========="
        )
        if self.dialect == "coder":
            return Call("run_tests", {}, body, True)
        target = only or self.test
        commands = [
            f"pytest {target}",
            f"python -m pytest {target} -q",
            f"pytest -x {target} --tb=short",
            f"pytest -v {target}",
        ]
        return self._shell(commands[style % 4], f"collected {len(self.names)} items\n{body}", int(failing))

    def edit(self, old: str, new: str, path: str = "") -> Call:
        """One replacement."""
        path = path or self.path
        self.files[path] = self.files[path].replace(old, new)
        if self.dialect == "shell":
            return self._shell(f"sed -i 's/{old}/{new}/' {path}", "")
        if self.dialect == "editor":
            arguments = {"command": "str_replace", "path": f"/testbed/{path}", "old_str": old, "new_str": new}
            return Call("str_replace_editor", arguments, f"The file /testbed/{path} has been edited.")
        return Call("edit_file", {"path": path, "search": old, "replace": new}, f"Edited. Now {path}\n  1| {new}", True)

    def shell(self, command: str, text: str, code: int = 0) -> Call:
        """Any other command."""
        return self._shell(command, text, code)

    def _shell(self, command: str, text: str, code: int = 0) -> Call:
        if self.dialect == "shell":
            return Call("bash", {"command": command}, f"<returncode>{code}</returncode>\n<output>\n{text}\n</output>")
        return Call("execute_bash", {"command": command}, text)
