"""A test that never ends, with every tool that is here: the run ends, the right test is the one that timed out, the
others have their own results, and no process is left.

The tests block rather than turn round and round: to their tools it is the same, and it costs nobody else the processor.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures import INSTANCES, SLOW, installed, needs

from coder.evaluate.verdict import sandboxed_suite
from coder.record.result import Result
from coder_tools.runners import cargo, gradle, suite
from coder_tools.testing import Suite, TestRunFailed

pytestmark = [pytest.mark.bwrap, pytest.mark.skipif(not os.environ.get("CODER_EVERY"), reason="make test-hangs")]

BLOCKS = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"
SCRIPT = f"""
test('begins', () => {{}});
describe('loops', () => {{
  it('ends', () => {{}});
  it('never ends', () => {{ {BLOCKS} }});
  it('comes after', () => {{}});
}});
test('is last', () => {{}});
"""
WAITS = "test('waits', async () => { setInterval(() => {}, 1000); await new Promise(() => {}); });\n"
RUST = """
#[test]
fn ends() {}

#[test]
fn never_ends() {
    loop {
        std::thread::park();
    }
}
"""
GO = """package catalog

import (
	"testing"
	"time"
)

func TestEnds(t *testing.T) {}

func TestNeverEnds(t *testing.T) {
	for {
		time.Sleep(time.Hour)
	}
}

func TestComesAfter(t *testing.T) {}
"""
JAVA = """package %s;

import %s;

public class SpinTest {
    @Test
    public void ends() {}

    @Test
    public void neverEnds() {
        for (;;) java.util.concurrent.locks.LockSupport.park();
    }
%s}
"""
WAITS_IN_JAVA = "\n    @Test\n    public void waits() throws Exception {\n        Thread.sleep(3600_000);\n    }\n"
C = "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n"
POSIX = "#define _POSIX_C_SOURCE 200809L\n#include <unistd.h>\n"
CONSTRUCTOR = "__attribute__((constructor)) static void spin(void) { for (;;) pause(); }\n"
PLANTED = {  # fixture -> (files that are added, or whose text is put before what is there; the tests that hang)
    "node_test": (
        {"test/spin.test.js": f"import {{ test, describe, it }} from 'node:test';\n{SCRIPT}{WAITS}"},
        ("test/spin.test.js::loops::never ends", "test/spin.test.js::waits"),
    ),
    "jest": (
        {"test/spin.test.js": SCRIPT + WAITS},
        ("test/spin.test.js::loops::never ends", "test/spin.test.js::waits"),
    ),
    "vitest": (
        {"test/spin.test.ts": f"import {{ test, describe, it }} from 'vitest';\n{SCRIPT}{WAITS}"},
        ("test/spin.test.ts::loops::never ends", "test/spin.test.ts::waits"),
    ),
    "cargo": ({"tests/spin.rs": RUST}, ("tests/spin.rs::never_ends",)),
    "go": ({"catalog/spin_test.go": GO}, ("catalog/spin_test.go::TestNeverEnds",)),
    "maven": (
        {"src/test/java/bank/SpinTest.java": JAVA % ("bank", "org.junit.jupiter.api.Test", WAITS_IN_JAVA)},
        ("src/test/java/bank/SpinTest.java::neverEnds", "src/test/java/bank/SpinTest.java::waits"),
    ),
    "gradle": (
        {"src/test/java/text/SpinTest.java": JAVA % ("text", "org.junit.Test", "")},
        ("src/test/java/text/SpinTest.java::neverEnds",),
    ),
    "ctest": (
        {"tests/spin.c": C, "CMakeLists.txt": "add_executable(spin tests/spin.c)\nadd_test(NAME spin COMMAND spin)\n"},
        ("CMakeLists.txt::spin",),
    ),
    "make": ({"tests/check.c": f"{POSIX}{CONSTRUCTOR}"}, ("make test",)),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less patience than with tools that may have much to build."""
    monkeypatch.setattr(suite, "BUILT_STARTUP", 10.0)
    monkeypatch.setattr(cargo, "_EXAMPLES", 5.0)
    monkeypatch.setattr(gradle, "_SLOW_START", 15.0)


def planted(name: str, root: Path) -> Path:
    needs(instance := INSTANCES[name])
    repo = installed(instance, root / "repo")
    subprocess.run(["patch", "-s", "-p1", "-i", instance.source / "reference.patch"], cwd=repo, check=True)
    for path, text in PLANTED[name][0].items():
        file = repo / path
        there = file.read_text() if file.exists() else ""
        file.write_text(there + text if path == "CMakeLists.txt" else text + there)
    return repo


@pytest.mark.parametrize("name", PLANTED)
def test_the_test_that_hangs_is_the_one_that_timed_out(
    name: str, tmp_path: Path, processes_with: Callable[[str], list[int]]
) -> None:
    repo = planted(name, tmp_path)
    hang = set(PLANTED[name][1])
    with sandboxed_suite(INSTANCES[name], repo, "bwrap") as tests:
        started = time.monotonic()
        limit = 150.0 if name in SLOW else 30.0 if name == "make" else 75.0
        found = tests.collect(timeout=limit)
        assert time.monotonic() - started < limit + 15.0
        known = {test for error in found.errors for test in error.tests} | set(found.ids)
        assert known >= hang
        outcomes = run(tests, sorted(known))
        assert {test: outcome for test, outcome in outcomes.items() if outcome != "passed"} == dict.fromkeys(
            hang, "timeout"
        )
        started = time.monotonic()
        assert run(tests, [min(hang)], test_timeout=3.0) == {min(hang): "timeout"}
        assert time.monotonic() - started < 75.0
    assert not processes_with(tmp_path.name)


def test_a_command_that_hangs_before_its_report_is_said_so(tmp_path: Path) -> None:
    needs(instance := INSTANCES["command_junit"])
    repo = instance.materialise(tmp_path / "repo")
    script = repo / "tests/run.sh"
    script.write_text("sleep 3600\n" + script.read_text())
    with sandboxed_suite(instance, repo, "bwrap") as tests, pytest.raises(TestRunFailed, match="time limit"):
        tests.collect(timeout=5.0)


def test_code_that_hangs_is_the_goal_of_the_tests_that_it_holds_up_and_of_no_other(
    tmp_path: Path, fix: Callable[..., Result], fake_ollama: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(instance := INSTANCES["node_test"])
    repo = installed(instance, tmp_path / "repo")
    subprocess.run(["patch", "-s", "-p1", "-i", instance.source / "reference.patch"], cwd=repo, check=True)
    source = repo / "src/duration.js"
    good = "  const parts = [];\n"
    bad = f"{good}  if (total > 5000) {BLOCKS}\n"
    source.write_text(source.read_text().replace(good, bad))
    edit = {"path": "src/duration.js", "search": bad, "replace": good}
    calls = [{"name": "edit_file", "arguments": edit}, {"name": "run_tests", "arguments": {}}]
    plan = {"content": "HYPOTHESIS: it waits for ever\nFILES: src/duration.js\nEVIDENCE: the test did not end"}
    models = [{"name": "gemma4:e4b", "size": 1, "capabilities": ["completion", "tools", "thinking"]}]
    fake = fake_ollama(models=models, replies=[plan, {"tool_calls": calls}], after="error")
    monkeypatch.setenv("OLLAMA_HOST", fake.url)
    result = fix(repo, model="ollama:gemma4:e4b", time=240.0, tokens=100_000, samples=1)
    assert result.status == "fixed", result.reason
    assert result.goal_tests == ["test/duration.test.js::format::names hours and minutes"]
    assert result.verification.still_passing == 4


def run(tests: Suite, ids: list[str], test_timeout: float = 10.0) -> dict[str, str]:
    return {result.id: result.outcome for result in tests.run(ids, timeout=240.0, test_timeout=test_timeout)}
