"""What the GitHub Action runs: `coder fix`, its result as a step summary, outputs and a patch file.

The inputs come in variables (CODER_ACTION_...), so that no text of an issue or a comment is ever part of a script.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coder.github import runner, summary

GOOD = ("fixed", "already_passing")


@dataclass(frozen=True)
class Inputs:
    """The action's inputs, as text."""

    goal: str
    test_command: str
    time: str
    sandbox: str
    image: str
    model: str
    repo: Path
    fail_on_not_fixed: bool

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Inputs:
        """From the environment; ValueError with words for the workflow's author."""

        def given(name: str) -> str:
            return environ.get(f"CODER_ACTION_{name}", "").strip()

        strict = given("FAIL_ON_NOT_FIXED") or "false"
        if strict not in ("true", "false"):
            raise ValueError(f"fail-on-not-fixed: must be true or false, not {strict!r}")
        return cls(
            goal=given("GOAL"),
            test_command=given("TEST_COMMAND"),
            time=given("TIME") or "10m",
            sandbox=given("SANDBOX") or "auto",
            image=given("IMAGE"),
            model=given("MODEL") or "none",
            repo=Path(environ["GITHUB_WORKSPACE"], given("WORKING_DIRECTORY") or "."),
            fail_on_not_fixed=strict == "true",
        )

    def arguments(self) -> list[str]:
        """The command line. Values are joined to their flags: none of them can pose as another flag."""
        argv = [f"--repo={self.repo}", f"--time={self.time}", f"--sandbox={self.sandbox}", f"--model={self.model}"]
        if self.image:
            argv.append(f"--image={self.image}")
        if self.test_command:
            argv.append(f"--test-cmd={self.test_command}")
        argv += ["--json", "--no-apply"]
        return [*argv, "--", self.goal] if self.goal else argv


def main() -> int:
    """Run coder and report; the exit code of the step."""
    try:
        inputs = Inputs.read(os.environ)
    except ValueError as error:
        runner.annotate("error", str(error))
        return 2
    temporary = Path(os.environ["RUNNER_TEMP"])
    result = run_coder(inputs, temporary / "coder-home")
    patch_file = save_patch(result, temporary)
    status = result["status"]
    line = summary.one_line(result)
    outputs = {
        "status": status,
        "fixed": "true" if status == "fixed" else "false",
        "patch-file": str(patch_file or ""),
        "run-id": str(result.get("run_id") or ""),
        "summary": line,
    }
    for name, value in outputs.items():
        runner.append_output(Path(os.environ["GITHUB_OUTPUT"]), name, value)
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8", errors="replace") as stream:
        stream.write(summary.markdown(result, inputs.goal))
    if status not in (*GOOD, "not_fixed"):
        runner.annotate("warning", line)
    if status == "interrupted":
        return 130
    return 1 if inputs.fail_on_not_fixed and status not in GOOD else 0


def run_coder(inputs: Inputs, home: Path) -> dict[str, Any]:
    """The result that coder prints. Its progress goes to the log, where no line of it is a command."""
    argv = [sys.executable, "-I", "-m", "coder.cli.main", "fix", *inputs.arguments()]
    env = runner.public_environment(os.environ) | {"CODER_HOME": str(home)}
    with runner.no_commands():
        done = subprocess.run(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sys.stdout.fileno(),
            check=False,
        )
    try:
        result = json.loads(done.stdout)
        if isinstance(result, dict) and isinstance(result.get("status"), str):
            return result
    except ValueError:
        pass
    return {"status": "environment_error", "reason": f"coder gave no result (exit code {done.returncode}); see the log"}


def save_patch(result: Mapping[str, Any], directory: Path) -> Path | None:
    """Write a verified patch where later steps can upload it; None if there is none."""
    if result["status"] != "fixed" or not result.get("patch"):
        return None
    name = re.sub(r"[^A-Za-z0-9-]", "", str(result.get("run_id") or "")) or "run"
    file = directory / f"coder-{name}.patch"
    file.write_bytes(str(result["patch"]).encode("utf-8", "surrogateescape"))
    return file


if __name__ == "__main__":
    sys.exit(main())
