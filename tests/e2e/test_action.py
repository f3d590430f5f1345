"""action.yml, its steps run as a runner would run them, on a fixture."""

import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from coder.evaluate.dataset import load

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
EXAMPLES = sorted((ROOT / "docs/examples").glob("*.yml"))
EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
TOOLS = Path(sys.executable).parent
SECRET = "gh-token-that-nobody-may-see"


PWNED = """
name: control
on: pull_request_target
permissions: write-all
jobs:
  tests:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - run: make test
"""
"""What nobody should write: a fork's code, run with the rights of the repository."""


def installed(tool: str) -> str:
    path = TOOLS / tool
    if not path.exists():
        pytest.skip(f"{tool} is not installed beside this Python")
    return str(path)


def test_action_has_the_form_of_an_action() -> None:
    tool = installed("check-jsonschema")
    subprocess.run([tool, "--builtin-schema", "vendor.github-actions", str(ROOT / "action.yml")], check=True)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples_have_the_form_of_workflows(example: Path) -> None:
    subprocess.run(
        [installed("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(example)], check=True
    )


def test_the_security_audit_finds_nothing(tmp_path: Path) -> None:
    workflows = tmp_path / ".github/workflows"
    workflows.mkdir(parents=True)
    for example in EXAMPLES:
        shutil.copy(example, workflows)
    tool = installed("zizmor")
    argv = [tool, "--offline", "--no-progress", "--persona=pedantic", str(ROOT / "action.yml"), str(workflows)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (workflows / "control.yml").write_text(PWNED)
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "dangerous-triggers" in done.stdout, done.stdout + done.stderr


def test_no_example_runs_a_forks_code_with_secrets_or_write_rights() -> None:
    """A job that checks out what a pull request brings may read at most, is given no secret, and keeps no token."""
    for text, harmless in ((PWNED, False), *((example.read_text(), True) for example in EXAMPLES)):
        jobs = [job for job in yaml.safe_load(text)["jobs"].values() if "actions/checkout" in str(job)]
        assert jobs
        assert all(_is_harmless(job) for job in jobs) is harmless


def _is_harmless(job: Mapping[str, Any]) -> bool:
    steps = [step for step in job["steps"] if "actions/checkout" in step.get("uses", "")]
    keeps = any(step.get("with", {}).get("persist-credentials") is not False for step in steps)
    return not keeps and "secrets." not in str(job) and set(job.get("permissions", {"": "write"}).values()) <= {"read"}


def test_no_script_holds_an_expression() -> None:
    assert EXAMPLES
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]


@dataclass
class Finished:
    """What a job left behind."""

    code: int
    log: str
    outputs: Mapping[str, str]
    summary: str
    temporary: Path


def evaluate(text: str, context: Mapping[str, str]) -> str:
    return EXPRESSION.sub(lambda match: context[match[1]], text)


def run_step(
    step: Mapping[str, Any], context: Mapping[str, str], job: Path, temporary: Path
) -> subprocess.CompletedProcess[str]:
    """One `run` step: a script file, bash as the runner starts it, and the GITHUB_* files."""
    script = job / f"{uuid.uuid4()}.sh"
    script.write_text(evaluate(step["run"], context))
    files = {name: job / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        file.touch()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CODER_", "GITHUB_"))}
    env |= {name: str(file) for name, file in files.items()}
    env |= {"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": SECRET, "ACTIONS_RUNTIME_TOKEN": SECRET}
    env |= {"GITHUB_WORKSPACE": str(job / "workspace"), "RUNNER_TEMP": str(temporary)}
    env |= {name: evaluate(value, context) for name, value in step.get("env", {}).items()}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
        cwd=job / "workspace",
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )


def read_outputs(text: str) -> dict[str, str]:
    return {name: value for name, _, value in re.findall(r"^([\w-]+)<<(\S+)\n(.*?)\n\2$", text, re.M | re.S)}


def inputs(**given: str) -> dict[str, str]:
    """Defaults of action.yml and what the workflow gives, as the context of expressions."""
    values = {name: spec.get("default", "") for name, spec in ACTION["inputs"].items()}
    values |= {name.replace("_", "-"): value for name, value in given.items()}
    assert values.keys() == ACTION["inputs"].keys()
    return {f"inputs.{name}": value for name, value in values.items()}


Start = Callable[..., Finished]


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RUNNER_TEMP after the action's first step: coder installed from the action's own path."""
    job = tmp_path_factory.mktemp("install")
    (job / "workspace/pip").mkdir(parents=True)
    trap = "raise SystemExit('code of the checked-out repository ran')\n"
    (job / "workspace/pip/__init__.py").write_text(trap)
    (job / "workspace/venv.py").write_text(trap)
    place = tmp_path_factory.mktemp("runner temp")
    context = {"github.action_path": str(ROOT), **inputs(python=sys.executable)}
    done = run_step(ACTION["runs"]["steps"][0], context, job, place)
    assert done.returncode == 0, done.stdout
    return place


@pytest.fixture
def start(tmp_path: Path, temporary: Path, target_env: Path) -> Start:
    """Run the second step on a fixture of eval_repos, by its name."""

    def run(fixture: str, prepare: Callable[[Path], None] = lambda workspace: None, **given: str) -> Finished:
        (instance,) = [i for i in load(ROOT / "eval_repos") if i.id == fixture]
        workspace = instance.materialise(tmp_path / "workspace")
        prepare(workspace)
        given = {"goal": instance.goal, "test_command": f"{target_env}/bin/python -m pytest"} | given
        context = inputs(**given)
        done = run_step(ACTION["runs"]["steps"][1], context, tmp_path, temporary)
        outputs = read_outputs((tmp_path / "github_output").read_text())
        for name, spec in ACTION["outputs"].items():
            assert (
                evaluate(spec["value"], {f"steps.fix.outputs.{key}": value for key, value in outputs.items()})
                == (outputs[name])
            )
        summary = (tmp_path / "github_step_summary").read_text()
        assert (tmp_path / "github_env").read_text() == (tmp_path / "github_path").read_text() == ""
        return Finished(done.returncode, done.stdout, outputs, summary, temporary)

    return run


@pytest.mark.bwrap
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.xdist_group("action")
def test_a_fixture_is_fixed(start: Start, tmp_path: Path) -> None:
    done = start("inventory_ledger", sandbox="bwrap", time="120s")
    assert done.code == 0, done.log
    assert (done.outputs["status"], done.outputs["fixed"]) == ("fixed", "true"), done.log
    patch = Path(done.outputs["patch-file"])
    assert patch.parent == done.temporary
    assert "+++ b/ledger/book.py" in patch.read_text()
    assert patch.read_text().strip() in done.summary
    assert "Fixed and verified" in done.summary
    assert "quantity >= free" in (tmp_path / "workspace/ledger/book.py").read_text()
    subprocess.run(["git", "apply", str(patch)], cwd=tmp_path / "workspace", check=True)
    assert "quantity >= free" not in (tmp_path / "workspace/ledger/book.py").read_text()


@pytest.mark.bwrap
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.xdist_group("action")
def test_an_impossible_task_is_not_fixed(start: Start) -> None:
    done = start("unit_convert", sandbox="bwrap", time="15s", fail_on_not_fixed="true")
    assert done.outputs["status"] == "not_fixed", done.log
    assert done.outputs["patch-file"] == ""
    assert done.code == 1
    assert "Not fixed" in done.summary


@pytest.mark.bwrap
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.xdist_group("action")
def test_hostile_code_gets_no_token_and_no_runner_file(start: Start, tmp_path: Path, target_env: Path) -> None:
    """The tests of the repository print commands to the runner, look for tokens and forge outputs."""

    def hostile(workspace: Path) -> None:
        (workspace / "conftest.py").write_text(
            "import os, sys\n"
            "for out in (sys.__stdout__, sys.__stderr__):\n"
            "    print('::set-output name=status::forged', file=out, flush=True)\n"
            "    print('::error::forged', dict(os.environ), file=out, flush=True)\n"
            "for name in ('GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_PATH'):\n"
            "    if name in os.environ:\n"
            "        open(os.environ[name], 'a').write('status=forged\\n')\n"
        )

    done = start("inventory_ledger", hostile, sandbox="bwrap", time="120s")
    assert SECRET not in done.log and SECRET not in done.summary
    assert done.outputs["status"] == "fixed", done.log
    obeyed = re.sub(r"::stop-commands::(\w+)\n.*?\n::\1::", "", done.log, flags=re.S)
    assert "forged" not in obeyed
    # control: a step that runs the tests itself hands all of it over
    job = tmp_path / "control"
    job.mkdir()
    by_hand = {"run": "python -m pytest -q -s -p no:cacheprovider", "env": {"PATH": f"{target_env}/bin:/usr/bin:/bin"}}
    (job / "workspace").symlink_to(tmp_path / "workspace")
    bare = run_step(by_hand, {}, job, job)
    assert SECRET in bare.stdout and "status=forged" in (job / "github_output").read_text()


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.xdist_group("action")
def test_a_wrong_value_is_a_warning_and_no_red_cross(start: Start) -> None:
    done = start("inventory_ledger", sandbox="castle")
    assert done.code == 0
    assert done.outputs["status"] == "usage_error", done.log
    assert "::warning title=coder::" in done.log
