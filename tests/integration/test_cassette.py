"""A whole fix with a model, recorded over real HTTP and played again: the same questions, the same patch, no server.

CODER_RECORD=1 records it anew, from the scripted server.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder.models.hardware import Hardware
from coder.policies.contract import Edit
from coder.policies.search import SearchPolicy
from coder.record.result import Result

FAKES = Path(__file__).parents[1] / "fakes"
RECORDED = FAKES / "cassettes" / "two-files.jsonl"
PLAN = {"content": "HYPOTHESIS: gross takes no country\nFILES: shop/bill.py, shop/tax.py\nEVIDENCE: the test"}

pytestmark = pytest.mark.bwrap


def _fake(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"fake_{name}", FAKES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def solve(make: Callable[..., Path], fix: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs coder on the cassette's task with the server at a URL; the search has been spent before."""
    task = _fake("tasks").TASKS[0]
    monkeypatch.setattr(SearchPolicy, "edit", lambda self, view: Edit(wants="stop", note="spent already"))
    monkeypatch.setattr("coder.models.choose.detect", lambda: Hardware(64 << 30, card=24 << 30))

    def run(url: str) -> Result:
        monkeypatch.setenv("OLLAMA_HOST", url)
        repo = make({**task.files, "tests/test_it.py": task.test})
        given = {"model": "ollama:gemma4:e4b", "sandbox": "bwrap", "time": 300.0, "tokens": 100_000, "samples": 1}
        return fix(repo, "test_goal", **given)

    return task, run


def test_a_recorded_fix_is_played_again_to_the_same_patch(solve: Any) -> None:
    task, run = solve
    cassette = _fake("cassette").Cassette
    if os.environ.get("CODER_RECORD"):
        replies = [PLAN, *({"content": step} if isinstance(step, str) else {"tool_calls": step} for step in task.steps)]
        models = [{"name": "gemma4:e4b", "size": 1, "capabilities": ["completion", "tools", "thinking"]}]
        fake = _fake("ollama_server").FakeOllama({"models": models, "replies": replies})
        with fake, cassette(RECORDED, fake.url) as recorder:
            assert run(recorder.url).status == "fixed"
    with cassette(RECORDED) as player:
        result = run(player.url)
    assert not player.wrong, player.wrong[0]
    assert not player.left, "every question of the recording was asked again"
    assert result.status == "fixed", result.reason
    assert "'fr': 0.2" in result.patch and "country='de'" in result.patch and result.counts.model_calls == 3
