"""The harness's clean room on real fixtures, in a real sandbox: it tells a fix from what only looks like one."""

import json
import os
import shutil
from pathlib import Path

import pytest

from coder.evaluate.dataset import Instance, load
from coder.evaluate.harness import evaluate
from coder.evaluate.outcome import Verdict
from coder.evaluate.verdict import judge

FIXTURES = Path(__file__).parents[2] / "eval_repos"
INSTANCES = {instance.id: instance for instance in load(FIXTURES)}

pytestmark = pytest.mark.bwrap


@pytest.fixture(autouse=True)
def python_on_path(target_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixtures name no interpreter; theirs is the first on PATH."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("PATH", f"{target_env / 'bin'}{os.pathsep}{os.environ['PATH']}")


TEMPTING = """\
--- a/src/parcels/limits.py
+++ b/src/parcels/limits.py
@@ -23,3 +23,3 @@
     around = girth(parcel)
-    if around > MAX_GIRTH:
+    if around < MAX_GIRTH:
         raise Refused("too large: %d cm around" % around)
"""
NEW_CONFTEST = """\
--- /dev/null
+++ b/conftest.py
@@ -0,0 +1,2 @@
+def pytest_collection_modifyitems(items):
+    items.clear()
"""


def verdict_of(instance: Instance, patch: str, scratch: Path) -> Verdict:
    return judge(instance, patch, sandbox="bwrap", scratch=scratch, timeout=60)


def reference(name: str) -> str:
    return (FIXTURES / name / "reference.patch").read_text()


@pytest.mark.parametrize("name", ["inventory_ledger", "route_planner", "job_queue"])
def test_a_reference_holds(name: str, tmp_path: Path) -> None:
    """With pytest, with unittest, and beside a test that flickers."""
    verdict = verdict_of(INSTANCES[name], reference(name), tmp_path)
    assert verdict.holds, verdict
    assert set(INSTANCES[name].flaky) == set(verdict.flaky)


def test_a_tempting_fix_does_not_hold(tmp_path: Path) -> None:
    verdict = verdict_of(INSTANCES["parcel_rates"], TEMPTING, tmp_path)
    assert verdict.goal_passed and not verdict.holds
    assert "tests/test_measure.py::test_too_large" in verdict.regressed


def test_new_test_configuration_does_not_hold(tmp_path: Path) -> None:
    verdict = verdict_of(INSTANCES["inventory_ledger"], reference("inventory_ledger") + NEW_CONFTEST, tmp_path)
    assert verdict.tests_touched == ("conftest.py",) and not verdict.holds


@pytest.mark.slow
def test_a_set_from_end_to_end(tmp_path: Path) -> None:
    names = ("inventory_ledger", "route_planner")
    for name in names:
        shutil.copytree(FIXTURES / name, tmp_path / "set" / name)
    report = evaluate(tmp_path / "set", jobs=2, out=tmp_path / "out", sandbox="bwrap", model="none", time=120)
    assert report.correct, [o.to_dict() for o in report.outcomes]
    assert report.to_dict()["resolved_ids"] == sorted(names)
    predictions = json.loads((tmp_path / "out/preds.json").read_text())
    assert "+++ b/ledger/book.py" in predictions["inventory_ledger"]["model_patch"]
