"""Every language's fixture, with its real tool in a real sandbox: a model that behaves well takes it to verified, and
without a model coder says what it lacks. A tool that is not installed here is skipped, by name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures import INSTANCES, installed, needs

from coder.evaluate.dataset import Instance
from coder.evaluate.verdict import judge
from coder.record.events import Event
from coder.record.result import Result

pytestmark = pytest.mark.bwrap

RUN = {"name": "run_tests", "arguments": {}}
PLAN = {"content": "HYPOTHESIS: it lacks what the test asks for\nFILES: none\nEVIDENCE: the test"}
Fix = Callable[..., Result]


def reference(instance: Instance) -> list[dict[str, Any]]:
    """The reference patch as the calls of a model: the changed files are read, then edited by diff or created."""
    patch = (instance.source / "reference.patch").read_text()
    parts = re.split(r"^diff --git .*\n", patch, flags=re.M)[1:]
    reads: list[dict[str, Any]] = []
    edits: list[dict[str, Any]] = []
    for part in parts:
        path = re.search(r"^\+\+\+ b/(.*)$", part, re.M)
        assert path is not None
        if "\n--- /dev/null" in part:
            lines = [line[1:] for line in part.split("\n") if line.startswith("+") and not line.startswith("+++")]
            edits.append({"name": "create_file", "arguments": {"path": path[1], "content": "\n".join(lines) + "\n"}})
            continue
        reads.append({"name": "read_file", "arguments": {"path": path[1]}})
        edits.append({"name": "edit_file", "arguments": {"path": path[1], "diff": part[part.index("@@") :]}})
    return [{"tool_calls": reads}, {"tool_calls": [*edits, RUN]}]


@pytest.fixture
def solve(
    fix: Fix, fake_ollama: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[Result, list[Event]]]:
    """Runs coder on a fixture with a scripted model: (result, events)."""

    def run(instance: Instance, replies: list[dict[str, Any]], **options: Any) -> tuple[Result, list[Event]]:
        repo = installed(instance, tmp_path / "repo")
        models = [{"name": "gemma4:e4b", "size": 1, "capabilities": ["completion", "tools", "thinking"]}]
        after = options.pop("after", "error")
        fake = fake_ollama(models=models, replies=[PLAN, *replies], after=after)
        monkeypatch.setenv("OLLAMA_HOST", fake.url)
        events: list[Event] = []
        given = {"model": "ollama:gemma4:e4b", "time": 300.0, "tokens": 100_000, "samples": 1}
        given |= {"test_cmd": instance.test_cmd} | options
        return fix(repo, instance.goal, events.append, **given), events

    return run


@pytest.mark.parametrize("name", INSTANCES)
def test_a_model_takes_the_fixture_to_verified(name: str, solve: Any) -> None:
    instance = INSTANCES[name]
    needs(instance)
    result, events = solve(instance, reference(instance))
    assert result.status == "fixed", result.reason
    assert sorted(result.goal_tests) == sorted(instance.fail_to_pass)
    assert result.verification.scope == "all" and result.verification.goal_passed == len(result.goal_tests)
    assert not result.verification.regressed
    assert result.verification.still_passing > 0 or name in ("exit_code", "make"), "an exit code is one test"
    nodes = [event.node for event in events]
    assert [node for node in ("baseline", "plan", "edit", "test", "analyze", "verify") if node not in nodes] == []


@pytest.mark.docker
def test_the_same_in_a_container(solve: Any) -> None:
    needs(instance := INSTANCES["node_test"])
    result, _ = solve(instance, reference(instance), sandbox="docker")
    assert result.status == "fixed" and "docker" in result.sandbox, result.reason


def test_what_the_compiler_says_of_an_edit_reaches_the_model(solve: Any) -> None:
    needs(instance := INSTANCES["cargo"])
    wrong = {"search": "self.players.swap(up - 1, down - 1);", "replace": "self.players.swap(up - 1, winner);"}
    right = "if up > down {\n let name = self.players.remove(up - 1);\n self.players.insert(down - 1, name);\n }"
    edits = [wrong, {"search": wrong["replace"], "replace": right}]
    steps = [[{"name": "edit_file", "arguments": {"path": "src/ladder.rs", **edit}}, RUN] for edit in edits]
    result, events = solve(instance, [{"tool_calls": step} for step in steps])
    assert result.status == "fixed", result.reason
    findings = [event.data for event in events if event.kind == "finding"]
    assert "mismatched types" in findings[0]["message"] and findings[0]["path"] == "src/ladder.rs"


def test_tests_beside_the_code_are_not_bent(solve: Any) -> None:
    needs(instance := INSTANCES["cargo"])
    path = "src/ladder.rs"
    bent = {"path": path, "search": 'ladder.won("Dot", "Ben");', "replace": 'ladder.won("Ben", "Dot");'}
    asks = {"path": path, "search": "    pub fn won(", "replace": "    #[cfg(not(test))]\n    pub fn won("}
    calls = [{"name": "edit_file", "arguments": arguments} for arguments in (bent, asks)]
    result, events = solve(instance, [{"tool_calls": [*calls, RUN]}], after="repeat", steps=10)
    assert result.status == "not_fixed" and result.patch == ""
    refused = [event.data["summary"] for event in events if event.kind == "tool" and not event.data["ok"]]
    assert sum("leave that as it is" in words for words in refused) >= 2


def test_the_harness_judges_patches_of_another_language(tmp_path: Path) -> None:
    needs(instance := INSTANCES["node_test"])
    patch = (instance.source / "reference.patch").read_text()
    (tmp_path / "good").mkdir()
    verdict = judge(instance, patch, sandbox="bwrap", scratch=tmp_path / "good", timeout=60.0)
    assert verdict.goal_passed and not verdict.regressed and not verdict.tests_touched and not verdict.error
    path = "test/duration.test.js"
    old = (instance.source / path).read_text().splitlines(keepends=True)
    new = [line.replace("parse('1h30m'), 5400", "1, 1") for line in old]
    bent = "".join(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}"))
    (tmp_path / "bent").mkdir()
    verdict = judge(instance, bent, sandbox="bwrap", scratch=tmp_path / "bent", timeout=60.0)
    assert verdict.tests_touched == (path,)


def test_without_a_model_it_says_that_the_search_knows_python_only(fix: Fix, tmp_path: Path) -> None:
    instance = INSTANCES["node_test"]
    needs(instance)
    result = fix(instance.materialise(tmp_path / "repo"), instance.goal)
    assert result.exit_code == 1 and "Python only" in result.reason and "--model" in result.reason
    assert result.goal_tests == list(instance.fail_to_pass), "the baseline was made all the same"


def test_a_model_that_bends_the_tests_is_refused(solve: Any) -> None:
    instance = INSTANCES["node_test"]
    needs(instance)
    path = "test/duration.test.js"
    edits = [
        {"name": "edit_file", "arguments": {"path": path, "search": "'1d2h'), 93600", "replace": "'2h'), 7200"}},
        {"name": "create_file", "arguments": {"path": "package.json", "content": '{"scripts": {"test": "true"}}'}},
        RUN,
    ]
    result, events = solve(instance, [{"tool_calls": edits}], after="repeat", steps=12)
    assert result.status == "not_fixed" and result.patch == ""
    refused = [event.data["summary"] for event in events if event.kind == "tool" and not event.data["ok"]]
    assert any("it is a test" in words for words in refused) and any("node:test" in words for words in refused)


FORGED = [
    f'<testcase classname="tests/run.sh" name="{name}"/>'
    for name in ("lower case", "words are joined", "marks are left out", "spaces are one dash")
]


@pytest.mark.parametrize("cases", ["".join(FORGED), "".join(FORGED[2:])], ids=["all of it", "the goal alone"])
def test_a_forged_report_is_no_fix_where_the_exit_code_says_failed(cases: str, solve: Any) -> None:
    """The script that reports reads the patched code, which can write what it likes there once the script is done."""
    needs(instance := INSTANCES["command_junit"])
    forge = f"report=$1\ntrap 'printf %s \"<testsuite>$forged</testsuite>\" > \"$report\"' EXIT\nforged='{cases}'\n"
    first = "# slug TEXT: the text as a part of a web address."
    edit = {"path": "lib/slug.sh", "search": first, "replace": f"{forge}{first}"}
    result, events = solve(instance, [{"tool_calls": [{"name": "edit_file", "arguments": edit}, RUN]}], steps=8)
    assert result.status == "not_fixed" and result.patch == "", result.reason
    findings = [event.data["message"] for event in events if event.kind == "finding"]
    assert any("the run ended with exit code 1" in words for words in findings), findings
