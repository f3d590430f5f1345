"""Measures a step with a model whose answers take no time: coder's own time a step, and prompt tokens a step against
mini-swe-agent's on the same trajectory (read, search, edit, test), in one run; and how much of a prompt is new.

    python -m scripts.bench_model [PYTHON]

PYTHON: the interpreter of an environment with mini-swe-agent in it; without one only coder is measured.
The time is the policy's: prompt, parsing, tools, memory. Sandbox, tests and checkpoints are not in it.
coder's prompts hold what they hold in a run: the schemas of its tools, what the failing test said, its source, where
the search suspects the fault. mini-swe-agent's hold its instructions; the rest it would have to find out by itself.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coder.models.contract import Message, Reply, ToolCall, ToolSchema
from coder.models.tokens import characters
from coder.policies.contract import Left, View
from coder.policies.model import ModelPolicy
from coder.repair.contract import Suspect
from coder_tools.contract import TestResult
from coder_tools.logs import finding
from coder_tools.protect import is_protected
from coder_tools.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
REPO = ROOT / "eval_repos" / "calc_lang"
GOAL = "tests/test_session.py::test_percent"
SAID = "assert 400.0 == 25\n  where 400.0 = percent('8 + 12', 'total')"
SUSPECTS = (("src/calc/session.py", 29), ("src/calc/evaluate.py", 26))  # as the search has them, with reasons as long
REASON = "executed by 1 of 1 failing and 2 of 35 passing tests"
CHARS = 4  # a token, for both
MINI = """
import json, sys
from pathlib import Path
import yaml
from minisweagent.agents.default import DefaultAgent
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.test_models import DeterministicModel, make_output
import minisweagent
asked = json.load(sys.stdin)
config = yaml.safe_load((Path(minisweagent.__file__).parent / "config" / "mini_textbased.yaml").read_text())
said = "I will look.\\n```mswea_bash_command\\n%s\\n```"
outputs = [make_output(said % command, [{"command": command}], 0.0) for command in asked["commands"]]
sizes = []
class Counting(DeterministicModel):
    def query(self, messages, **kwargs):
        sizes.append(sum(len(str(m.get("content") or "")) for m in messages))
        return super().query(messages, **kwargs)
template = config.get("model", {}).get("observation_template")
model = Counting(outputs=outputs, **({"observation_template": template} if template else {}))
agent = {k: v for k, v in config["agent"].items() if k in ("system_template", "instance_template")}
DefaultAgent(model, LocalEnvironment(cwd=asked["cwd"]), **agent).run(asked["task"])
print(json.dumps(sizes))
"""


class Instant:
    """Answers from a list, and remembers what it was sent."""

    name, context, billions, images = "instant", 32_768, 31.0, False

    def __init__(self, steps: Sequence[Sequence[tuple[str, dict[str, Any]]]]) -> None:
        self._steps = list(steps)
        self.sent: list[tuple[list[Message], list[ToolSchema]]] = []

    def count(self, text: str) -> int:
        return 0

    def chat(self, messages: Sequence[Message], tools: Sequence[ToolSchema], **_: Any) -> Reply:
        calls = self._steps[len(self.sent)]
        self.sent.append((json.loads(json.dumps(messages)), list(tools)))
        made = tuple(ToolCall(id=str(at), name=name, arguments=given) for at, (name, given) in enumerate(calls))
        return Reply("I will look.", "", made, characters(messages, tools) // CHARS, 20, "stop")


def trajectory(repo: Path) -> tuple[list[list[tuple[str, dict[str, Any]]]], list[str]]:
    """The same steps as coder's calls and as commands: every source read, a search, an edit, a test."""
    sources = [str(p.relative_to(repo)) for p in sorted(repo.rglob("*.py")) if "test" not in str(p.relative_to(repo))]
    calls: list[list[tuple[str, dict[str, Any]]]] = [[("read_file", {"path": path})] for path in sources]
    commands = [f"cat -n {path}" for path in sources]
    calls.append([("search", {"pattern": "def "})])
    commands.append("grep -rn 'def ' --include=*.py .")
    line = next(text for text in (repo / sources[-1]).read_text().split("\n") if text.strip())
    calls.append([("edit_file", {"path": sources[-1], "search": line, "replace": f"{line}  # seen"})])
    commands.append(f"sed -i '1s/$/  # seen/' {sources[-1]} && head -3 {sources[-1]}")
    calls.append([("run_tests", {})])
    commands.append("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT")
    return calls, commands


def coder_steps(repo: Path, calls: list[list[tuple[str, dict[str, Any]]]]) -> tuple[list[float], Instant]:
    """The seconds of each step, and the model with what it was sent."""
    files = {str(p.relative_to(repo)): p.read_bytes() for p in repo.rglob("*.py")}
    failed = finding([TestResult(GOAL, "failed", message=SAID, exception="AssertionError")], [GOAL])
    model = Instant(calls)
    policy = ModelPolicy(model)
    memory: dict[str, Any] = {}
    changes: dict[str, bytes | None] = {}
    suspects = tuple(Suspect(path, line, 0.9, (REASON,)) for path, line in SUSPECTS)
    taken = []
    for _ in calls:
        workspace = Workspace(files.__getitem__, list(files), changes, is_protected)
        view = View("make it pass", (GOAL,), workspace, Left(600, 100, 500_000), memory, failed, suspects=suspects)
        started = time.perf_counter()
        policy.edit(view)
        taken.append(time.perf_counter() - started)
        memory = json.loads(json.dumps(view.memory))
    return taken, model


def reread(model: Instant) -> float:
    """The share of prompt characters that a cache of the prompt before does not have."""
    new = total = 0
    before = ""
    for messages, tools in model.sent:
        text = json.dumps(tools) + json.dumps(messages, ensure_ascii=False)[:-1]
        same = next((at for at, (a, b) in enumerate(zip(before, text, strict=False)) if a != b), len(before))
        if before:
            new, total = new + len(text) - same, total + len(text)
        before = text
    return new / total if total else 0.0


def main() -> None:
    calls, commands = trajectory(REPO)
    taken, model = coder_steps(REPO, calls)
    ours = [characters(messages, tools) / CHARS for messages, tools in model.sent]
    print(f"{len(calls)} steps over {REPO.name}; {CHARS} characters count as a token")
    print(
        f"coder's own time a step      {statistics.median(taken) * 1000:6.1f} ms  (at most 15; "
        f"the first: {taken[0] * 1000:.0f} ms)"
    )
    print(f"share of a prompt re-read    {reread(model):6.1%}  (what is new in it; the rest is in the server's cache)")
    print(f"prompt tokens a step         {statistics.mean(ours):6.0f}")
    if len(sys.argv) > 1:
        with tempfile.TemporaryDirectory() as place:
            subprocess.run(["cp", "-r", f"{REPO}/.", place], check=True)
            asked = {"commands": commands, "cwd": place, "task": "make it pass"}
            env = {"PATH": os.environ["PATH"], "HOME": place, "MSWEA_SILENT_STARTUP": "1"}
            done = subprocess.run(
                [sys.argv[1], "-c", MINI], input=json.dumps(asked), capture_output=True, text=True, check=False, env=env
            )
        if done.returncode != 0:
            raise SystemExit(done.stderr[-2000:])
        theirs = [size / CHARS for size in json.loads(done.stdout.splitlines()[-1])]
        print(f"mini-swe-agent's             {statistics.mean(theirs):6.0f}  ({len(theirs)} steps)")


if __name__ == "__main__":
    main()
