"""What the command line imports before it needs it: a start must cost no more than starting Python."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coder.cli.main import VERBS

PROGRAM = (
    "import sys; from coder.cli.main import main; code = main(); print(code, *sorted(sys.modules), file=sys.stderr)"
)
# What costs more than 20 ms, and what help needs none of.
ENGINE = {"langgraph", "langchain_core", "docker", "git", "httpx", "tree_sitter", "detect_secrets", "coder.graph"}
FRAMEWORK = {"typer", "click", "rich", "pydantic", "json", "argparse", "asyncio", "subprocess", "typing", "dataclasses"}


def loaded_by(home: Path, *argv: str) -> tuple[int, set[str]]:
    """The exit code of a command, and the modules it has imported by its end."""
    env = os.environ | {"CODER_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, *argv], env=env, cwd=home, capture_output=True, text=True, check=True
    )
    code, *modules = done.stderr.splitlines()[-1].split()
    return int(code), set(modules)


@pytest.mark.parametrize("argv", [(), ("--help",), ("-h",), ("help",), ("--version",)])
def test_help_imports_nothing_that_costs(tmp_path: Path, argv: tuple[str, ...]) -> None:
    code, modules = loaded_by(tmp_path, *argv)
    assert code == 0
    assert modules & (ENGINE | FRAMEWORK) == set()
    assert {name for name in modules if name.startswith("coder.cli.")} == {"coder.cli.main"}


@pytest.mark.parametrize("name", sorted(ENGINE | FRAMEWORK))
def test_the_modules_named_here_are_there_to_be_imported(name: str) -> None:
    assert importlib.util.find_spec(name) is not None, "a misspelt name would never be found among the imported"


@pytest.mark.parametrize("verb", VERBS)
def test_a_verbs_help_imports_that_verb_alone_and_no_engine(tmp_path: Path, verb: str) -> None:
    code, modules = loaded_by(tmp_path, verb, "--help")
    assert code == 0
    assert modules & ENGINE == set()
    assert {f"coder.cli.{other}" for other in VERBS} & modules == {f"coder.cli.{verb}"}


@pytest.mark.parametrize(
    ("argv", "code"), [(["runs"], 0), (["show", "no-such-run"], 2), (["fix", "--repo", "nowhere"], 2)]
)
def test_no_verb_imports_the_graph_before_it_is_needed(tmp_path: Path, argv: list[str], code: int) -> None:
    ended, modules = loaded_by(tmp_path, *argv)
    assert ended == code
    assert modules & ENGINE == set()
