"""Measures the repository map against aider's on the same repository in one run: time, and how often the file that must
change is on it with the same number of tokens.

Three times are taken, of each the median. Cold: the first map, of files that neither has seen. Warm: another task's map
of the same files. After an edit: another task's map when one file is not as it was.

    python -m scripts.bench_map AIDER_PYTHON [--repo DIR]

AIDER_PYTHON: the interpreter of an environment with aider-chat in it; `make bench-map` makes one.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from coder_tools.repomap import Mapper, TagStore, mappable, words_in

ROOT = Path(__file__).resolve().parent.parent
TOKENS = 1024  # of a map; both count four characters as one
COLD, PLANTED, EDITS, SEED = 3, 30, 5, 7
AIDER = """
import json, sys, time
from pathlib import Path
from aider.repomap import RepoMap
class Io:
    def read_text(self, name, **_):
        try: return Path(name).read_text()
        except (OSError, UnicodeError): return None
    def tool_output(self, *_, **__): pass
    tool_warning = tool_error = tool_output
class Model:
    def token_count(self, text): return len(text) / 4
root = Path(sys.argv[1])
tokens = int(sys.argv[2])
made = RepoMap(map_tokens=tokens, root=str(root), main_model=Model(), io=Io(), refresh="always")
made.max_map_tokens, made.map_mul_no_files = tokens, 1
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    task = json.loads(line)
    others = [str(root / name) for name in task["files"]]
    started = time.perf_counter()
    text = made.get_ranked_tags_map([], others, tokens, set(task["paths"]), set(task["words"]))
    print(json.dumps([text or "", time.perf_counter() - started]), file=answers, flush=True)
"""
Task = dict[str, Any]
Answer = tuple[str, float]  # a map, and the seconds it took


def sources(root: Path) -> list[str]:
    """The files of a repository that a map can hold, as git knows them where it does."""
    if (root / ".git").exists():
        listed = subprocess.run(
            ["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True, check=True
        ).stdout
        return mappable(path for path in sorted(listed.split("\0")) if (root / path).is_file())
    return mappable(str(path.relative_to(root)) for path in sorted(root.rglob("*")) if path.is_file())


def copied(root: Path, files: list[str], to: Path) -> Path:
    """A copy of these files, where aider may keep what it knows and an edit does no harm."""
    for path in files:
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, to / path)
    return to


def fixtures() -> Iterator[tuple[Path, Task]]:
    """The eval fixtures: where the goal test is, and the files that the reference changes."""
    for toml in sorted((ROOT / "eval_repos").glob("*/task.toml")):
        task = tomllib.loads(toml.read_text())
        patch = toml.parent / "reference.patch"
        if not patch.exists():
            continue
        changed = re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.MULTILINE)
        test = str(task["fail_to_pass"][0])
        words = sorted(words_in(f"{task['goal']} {test}"))
        yield toml.parent, {"paths": [test.split("::")[0]], "words": words, "changed": changed}


def planted(root: Path) -> list[Task]:
    """Places in the repository itself: a test function, and a module of which it uses a name."""
    found: list[Task] = []
    for file in sorted((root / "tests").glob("*/test_*.py")):
        tree = ast.parse(file.read_text())
        origin = {
            alias.asname or alias.name: node.module.replace(".", "/") + ".py"
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("coder")
            for alias in node.names
        }
        for function in tree.body:
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
                for name in sorted(names & origin.keys()):
                    path = str(file.relative_to(root))
                    rooms = [f"{room}{origin[name]}" for room in ("", "tools/", "sandbox/")]
                    words = sorted(words_in(function.name) | {name})
                    if changed := [room for room in rooms if (root / room).exists()]:
                        found.append({"paths": [path], "words": words, "changed": changed})
    return random.Random(SEED).sample(found, min(PLANTED, len(found)))


def edited(tasks: list[Task]) -> list[Task]:
    """Some of the tasks again, before each of which another file is edited."""
    return [task | {"edited": task["changed"][0]} for task in tasks[:EDITS]]


def both(python: str, root: Path, files: list[str], tasks: list[Task]) -> list[tuple[Answer, Answer]]:
    """Each task's map, coder's and aider's: the first from nothing, the others with what is known by then. Each has a
    process of its own, and they take turns, so that what else the machine does slows both."""
    answers = []
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as mine, theirs(python, root) as ask:
        for task in tasks:
            if path := task.get("edited"):
                (root / path).write_text((root / path).read_text() + "\n")
            answers.append((mine.submit(ours, root, files, task).result(), ask(task | {"files": files})))
    return answers


def ours(root: Path, files: list[str], task: Task) -> Answer:
    started = time.perf_counter()
    states = {path: os.stat(f"{root}/{path}") for path in files}  # noqa: PTH116 - known by its time, as aider does
    keys = {path: f"{path}-{state.st_mtime_ns}-{state.st_size}" for path, state in states.items()}
    made = mapper(root).map(keys, lambda path: (root / path).read_bytes())
    text = made.text(TOKENS * 4, task["paths"], set(task["words"]), task["paths"].__contains__)
    return text, time.perf_counter() - started


@lru_cache(maxsize=1)
def mapper(root: Path) -> Mapper:
    return Mapper(TagStore(root / ".tags.sqlite"))


@contextmanager
def theirs(python: str, root: Path) -> Iterator[Callable[[Task], Answer]]:
    """Aider in a process of its own, which is asked one task after the other."""
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {"PYTHONHASHSEED": "0"}
    command = [python, "-c", AIDER, str(root), str(TOKENS)]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, env=env, cwd=root
        )
        assert process.stdin is not None and process.stdout is not None
        asks, answers = process.stdin, process.stdout

        def ask(task: Task) -> Answer:
            with suppress(BrokenPipeError):
                print(json.dumps(task), file=asks, flush=True)
            if not (answer := answers.readline()):
                said.seek(0)
                raise SystemExit(f"aider's map ended: {said.read()[-2000:]}")
            text, seconds = json.loads(answer)
            return text, seconds

        try:
            yield ask
        finally:
            process.kill()
            process.communicate()


def hits(maps: Iterable[str], tasks: list[Task]) -> int:
    """How many maps have every file that their task changes on them, with definitions or without."""
    named = [{line.removesuffix(":") for line in text.split("\n")} for text in maps]
    return sum(lines.issuperset(task["changed"]) for lines, task in zip(named, tasks, strict=True))


def line(name: str, answers: list[tuple[Answer, Answer]]) -> str:
    """What these maps took, the middle of each."""
    ours, theirs = (median(seconds for _, seconds in side) for side in zip(*answers, strict=True))
    return f"{name:<14} {theirs / ours:6.1f} x   {ours:.3f} s against {theirs:.3f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("aider", help="the interpreter that has aider-chat")
    parser.add_argument("--repo", type=Path, default=ROOT, help="the repository that the times are of")
    args = parser.parse_args()
    aider = str(Path(args.aider).absolute())  # it runs in another directory; a link to the interpreter stays a link
    with tempfile.TemporaryDirectory(prefix="coder-bench-map-") as folder:
        work = Path(folder)
        files = sources(args.repo)
        tasks = planted(args.repo)
        timed = []
        for turn in range(COLD):
            asked = [*tasks, *edited(tasks)] if turn == COLD - 1 else tasks[:1]
            timed += both(aider, copied(args.repo, files, work / f"repo{turn}"), files, asked)
        told = timed[COLD - 1 : -EDITS]
        for place, task in fixtures():
            inside = sources(place)
            told += both(aider, copied(place, inside, work / place.name), inside, [task])
            tasks.append(task)
        mine, other = (hits([text for text, _ in side], tasks) for side in zip(*told, strict=True))
    print(f"{len(files)} files; coder's map and aider's, {TOKENS} tokens, seed {SEED}")
    print(line("cold", timed[:COLD]))
    print(line("warm", timed[COLD:-EDITS]))
    print(line("after an edit", timed[-EDITS:]))
    print(f"holds the file that must change: {mine} of {len(tasks)}; aider's: {other} of {len(tasks)}")


if __name__ == "__main__":
    main()
