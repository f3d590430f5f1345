"""Measures the repository map against aider's on the same repository in one run: time, and how often the file that must
change is on it with the same number of tokens.

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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coder_tools.repomap import Mapper, TagStore, mappable, words_in

ROOT = Path(__file__).resolve().parent.parent
TOKENS = 1024  # of a map; both count four characters as one
PLANTED, SEED = 30, 7
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
asked = json.load(sys.stdin)
root = asked["root"]
answers = []
made = RepoMap(map_tokens=asked["tokens"], root=root, main_model=Model(), io=Io(), refresh="always")
made.max_map_tokens, made.map_mul_no_files = asked["tokens"], 1
for task in asked["tasks"]:
    others = [str(Path(root) / name) for name in task["files"]]
    started = time.perf_counter()
    text = made.get_ranked_tags_map([], others, asked["tokens"], set(task["paths"]), set(task["words"]))
    answers.append([text or "", time.perf_counter() - started])
print(json.dumps(answers))
"""
Task = dict[str, Any]


def sources(root: Path) -> list[str]:
    """The files of a repository that a map can hold, as git knows them."""
    if (root / ".git").exists():
        listed = subprocess.run(["git", "-C", root, "ls-files"], capture_output=True, text=True, check=True).stdout
        return mappable(listed.splitlines())
    return mappable(str(path.relative_to(root)) for path in sorted(root.rglob("*")) if path.is_file())


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
                    changed = [f"{room}{origin[name]}" for room in ("", "tools/", "sandbox/")]
                    words = sorted(words_in(function.name) | {name})
                    found.append({"paths": [path], "words": words, "changed": changed})
    return random.Random(SEED).sample(found, min(PLANTED, len(found)))


def ours(root: Path, files: list[str], tasks: list[Task], cache: Path) -> list[tuple[str, float]]:
    """Each task's map and the seconds it took: the first from nothing, the others with what is known by then."""
    answers = []
    mapper = Mapper(TagStore(cache))
    for task in tasks:
        started = time.perf_counter()
        states = {path: (root / path).stat() for path in files}  # as aider does: a file is known by its time
        keys = {path: f"{path}-{state.st_mtime_ns}-{state.st_size}" for path, state in states.items()}
        made = mapper.map(keys, lambda path: (root / path).read_bytes())
        text = made.text(TOKENS * 4, task["paths"], set(task["words"]), task["paths"])
        answers.append((text, time.perf_counter() - started))
    return answers


def theirs(python: str, root: Path, files: list[str], tasks: list[Task]) -> list[tuple[str, float]]:
    asked = {"root": str(root), "tokens": TOKENS, "tasks": [task | {"files": files} for task in tasks]}
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [python, "-c", AIDER], input=json.dumps(asked), capture_output=True, text=True, check=False, env=env, cwd=root
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr[-2000:])
    return [(text, seconds) for text, seconds in json.loads(done.stdout.splitlines()[-1])]


def hits(answers: list[tuple[str, float]], tasks: list[Task]) -> int:
    """How many maps have every file of their task on them (any of them, for a planted one)."""
    return sum(
        any(f"{path}:" in text for path in task["changed"]) for (text, _), task in zip(answers, tasks, strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("aider", help="the interpreter that has aider-chat")
    parser.add_argument("--repo", type=Path, default=ROOT, help="the repository that the times are of")
    args = parser.parse_args()
    aider = str(Path(args.aider).absolute())  # it runs in another directory; a link to the interpreter stays a link
    work = Path(tempfile.mkdtemp(prefix="coder-bench-map-"))
    try:
        root = work / "repo"
        shutil.copytree(args.repo, root, ignore=shutil.ignore_patterns(".git", ".venv*", ".cache", ".*_cache"))
        files = sources(root)
        tasks = planted(root)
        mine, other = ours(root, files, tasks, work / "tags.sqlite"), theirs(aider, root, files, tasks)
        mine_hits, other_hits, total = hits(mine, tasks), hits(other, tasks), len(tasks)
        for place, task in fixtures():
            inside = sources(place)
            mine_hits += hits(ours(place, inside, [task], work / "fixtures.sqlite"), [task])
            copy = work / place.name
            shutil.copytree(place, copy)
            other_hits += hits(theirs(aider, copy, inside, [task]), [task])
            total += 1
        warm, warm_other = (sorted(s for _, s in taken[1:])[len(taken) // 2] for taken in (mine, other))
        print(f"{len(files)} files; coder's map and aider's, {TOKENS} tokens, seed {SEED}")
        print(f"cold   {other[0][1] / mine[0][1]:6.1f} x   {mine[0][1]:.2f} s against {other[0][1]:.2f} s")
        print(f"warm   {warm_other / warm:6.1f} x   {warm:.3f} s against {warm_other:.3f} s")
        print(f"holds the file that must change: {mine_hits} of {total}; aider's: {other_hits} of {total}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
