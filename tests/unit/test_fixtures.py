"""Every fixture is what its task.toml says: the goal fails, the rest passes, the reference makes all pass."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from coder.evaluate.dataset import Instance, apply_patch, load

FIXTURES = Path(__file__).parents[2] / "eval_repos"
INSTANCES = load(FIXTURES)
REPORT = """
def pytest_runtest_logreport(report):
    if report.when == "call" or report.failed:
        print("\\nRESULT", report.outcome, report.nodeid)
"""


def by_id(instance: Instance) -> str:
    return instance.id


def run_tests(instance: Instance, repo: Path) -> dict[str, str]:
    """Test id -> passed or failed, by the plain runner, in a process of its own."""
    tmp = repo.parent / "tmp"
    tmp.mkdir(exist_ok=True)
    (tmp / "report_results.py").write_text(REPORT)
    env = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp), "PYTHONPATH": str(tmp), "PYTHONDONTWRITEBYTECODE": "1"}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # coder's own environment has plugins that take a second to load
    if instance.test_cmd:
        argv = [sys.executable, *instance.test_cmd.split()[1:], "-v"]
        pattern = re.compile(r"^\S+ \((.+?)\) \.\.\. (ok|ERROR|FAIL)$", re.M)
    else:
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "report_results"]
        pattern = re.compile(r"^RESULT (passed|failed) (.+)$", re.M)
    done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, timeout=60, check=False)
    found = pattern.findall(done.stdout + done.stderr)
    if instance.test_cmd:
        return {name: "passed" if word == "ok" else "failed" for name, word in found}
    return {name: word for word, name in found}


def failing(results: dict[str, str]) -> set[str]:
    return {name for name, word in results.items() if word == "failed"}


@pytest.mark.parametrize("instance", INSTANCES, ids=by_id)
def test_base_fails_only_its_goal(instance: Instance, tmp_path: Path) -> None:
    results = run_tests(instance, instance.materialise(tmp_path / "repo"))
    assert 15 <= len(results) <= 45
    assert failing(results) == set(instance.fail_to_pass)


@pytest.mark.parametrize("instance", [i for i in INSTANCES if i.expect == "fixed"], ids=by_id)
def test_reference_makes_everything_pass(instance: Instance, tmp_path: Path) -> None:
    repo = instance.materialise(tmp_path / "repo")
    apply_patch(repo, (instance.source / "reference.patch").read_text())
    results = run_tests(instance, repo)
    assert set(instance.fail_to_pass) <= results.keys()
    assert failing(results) == set()


@pytest.mark.parametrize("instance", [i for i in INSTANCES if i.flaky], ids=by_id)
def test_flaky_test_flickers_from_one_run_to_the_next(instance: Instance, tmp_path: Path) -> None:
    repo = instance.materialise(tmp_path / "repo")
    runs = [run_tests(instance, repo) for _ in range(2)]
    for name in instance.flaky:
        assert {run[name] for run in runs} == {"passed", "failed"}


def test_tempting_fix_breaks_another_test(tmp_path: Path) -> None:
    """Turning the limit's comparison round, where the traceback ends, satisfies the goal and nothing else."""
    instance = next(i for i in INSTANCES if i.id == "parcel_rates")
    repo = instance.materialise(tmp_path / "repo")
    limits = repo / "src/parcels/limits.py"
    limits.write_text(limits.read_text().replace("around > MAX_GIRTH", "around < MAX_GIRTH"))
    broken = failing(run_tests(instance, repo))
    assert broken and broken.isdisjoint(instance.fail_to_pass)


def test_the_set_covers_what_it_promises() -> None:
    assert len({i.kind for i in INSTANCES}) == len(INSTANCES) >= 8
    assert any(i.expect == "not_fixed" for i in INSTANCES)
    assert any(i.needs == "model" for i in INSTANCES)
    assert any("unittest" in i.test_cmd for i in INSTANCES)
    assert any(i.flaky for i in INSTANCES)


def test_coder_never_sees_the_answer(tmp_path: Path) -> None:
    for instance in INSTANCES:
        repo = instance.materialise(tmp_path / instance.id)
        assert not {"task.toml", "reference.patch"} & {path.name for path in repo.iterdir()}
