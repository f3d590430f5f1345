"""Ollama over real HTTP: what goes over the wire, and every way in which it goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder.models import ollama
from coder.models.choose import advise, choose_model
from coder.models.contract import Message, ModelError, Reply, ToolCall
from coder.models.hardware import Hardware
from coder.models.ollama import OllamaModel
from coder.models.ollama_server import OllamaServer, server_url
from coder.models.tiers import CLASSES, best
from coder_tools.toolbox import schemas

Fake = Callable[..., Any]
ASK: list[Message] = [{"role": "system", "content": "Fix it."}, {"role": "user", "content": "Go."}]


def ask(fake: Any, messages: list[Message] = ASK, **options: Any) -> Reply:
    given: dict[str, Any] = {"think": True, "max_tokens": 500, "timeout": 20.0} | options
    return OllamaModel("gemma4:e4b", fake.url).chat(messages, schemas(), **given)


def test_reads_thinking_text_calls_and_counts_from_the_stream(fake_ollama: Fake) -> None:
    call = {"name": "read_file", "arguments": {"path": "a.py", "start": 3}}
    reply = {"thinking": "Let me look at ünïcode.", "content": "Reading.", "tool_calls": [call], "chunk": 3}
    got = ask(fake_ollama(replies=[reply | {"prompt_eval_count": 812, "eval_count": 34}]))
    assert (got.text, got.thinking) == ("Reading.", "Let me look at ünïcode.")
    assert [(c["name"], c["arguments"]) for c in got.tool_calls] == [("read_file", {"path": "a.py", "start": 3})]
    assert (got.prompt_tokens, got.completion_tokens, got.done_reason) == (812, 34, "stop")


@pytest.mark.parametrize("part", ["content", "thinking"])
def test_a_server_that_holds_a_model_to_no_limit_is_left(fake_ollama: Fake, part: str) -> None:
    got = ask(fake_ollama(replies=[{part: "I think that " * 4000, "chunk": 60}]), max_tokens=200)
    assert got.done_reason == "length" and got.calls == 1
    assert got.prompt_tokens > 300 and len(got.text + got.thinking) < 2000
    assert 300 < got.completion_tokens < 600, "estimated: the counts come at the end"


def test_a_server_that_starts_anew_in_mid_run_may_be_asked_again(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[{"content": "ok"}])
    model = OllamaModel("gemma4:e4b", fake.url)
    given: dict[str, Any] = {"think": False, "max_tokens": 50, "timeout": 20.0}
    fake.__exit__()
    with pytest.raises(ModelError, match="There is no Ollama at") as gone:
        model.chat(ASK, schemas(), **given)
    assert gone.value.retryable
    with type(fake)({"replies": [{"content": "ok"}]}, port=int(fake.url.rsplit(":", 1)[1])):
        assert model.chat(ASK, schemas(), **given).text == "ok"


def test_text_arguments_that_look_like_json_stay_text(fake_ollama: Fake) -> None:
    texts = ['{"a": 1}', "[1, 2]", "{'a': 'b'}", '"x"', "None", "3"]
    calls = [{"name": "create_file", "arguments": {"path": "a.json", "content": text}} for text in texts]
    got = ask(fake_ollama(replies=[{"tool_calls": calls}]))
    assert [call["arguments"]["content"] for call in got.tool_calls] == texts


def test_what_is_sent_is_what_an_agent_needs(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[{"content": "ok"}])
    calls = [ToolCall(id="call_1", name="search", arguments={"pattern": "x"})]
    ask(
        fake,
        [
            *ASK,
            {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": calls},
            {"role": "tool", "content": "nothing", "name": "search", "tool_call_id": "call_1"},
        ],
        think=False,
        max_tokens=321,
    )
    [body] = fake.chats
    assert body["messages"][-1]["tool_name"] == "search", "a tool result must say which tool it is from"
    assert body["messages"][-2]["tool_calls"][0]["function"] == {"name": "search", "arguments": {"pattern": "x"}}
    assert body["messages"][-2]["thinking"] == "hm"
    assert body["options"]["repeat_penalty"] == 1.0
    assert (body["options"]["num_ctx"], body["options"]["num_predict"]) == (ollama.CONTEXT, 321)
    assert body["think"] is False and body["stream"] is True
    assert {tool["function"]["name"] for tool in body["tools"]} >= {"edit_file", "run_tests"}


def test_the_context_is_never_more_than_the_model_has(fake_ollama: Fake) -> None:
    small = {"name": "gemma4:e4b", "context_length": 8192, "capabilities": ["tools"], "family": "gemma4"}
    fake = fake_ollama(models=[small], replies=[{"content": "ok"}])
    model = OllamaModel("gemma4:e4b", fake.url)
    assert model.context == 8192
    model.chat(ASK, [], think=True, max_tokens=10, timeout=10)
    assert "think" not in fake.chats[0] or fake.chats[0]["think"] is None, "it cannot think: do not ask for it"


FAULTS: list[tuple[dict[str, Any], str, bool]] = [
    (
        {"fault": "status", "status": 500, "error": "model runner has unexpectedly stopped"},
        "unexpectedly stopped",
        True,
    ),
    ({"fault": "status", "status": 429, "error": "too many requests"}, "too many requests", True),
    ({"fault": "status", "status": 400, "error": "invalid options"}, "invalid options", False),
    ({"fault": "status", "status": 400, "error": "x does not support thinking"}, "Take another model", False),
    (
        {"fault": "status", "status": 500, "error": "model requires more system memory (9 GiB) than is available"},
        "does not fit into memory",
        False,
    ),
    ({"fault": "html"}, "web page", True),
    ({"fault": "html", "status": 200}, "cannot be read", True),
    ({"fault": "cut"}, "broke in the middle", True),
    ({"fault": "end"}, "ended its answer in the middle", True),
    ({"fault": "rubbish"}, "cannot be read", True),
    ({"fault": "line", "error": "an error was encountered while running the model"}, "while running the model", True),
]


@pytest.mark.parametrize(("fault", "words", "retryable"), FAULTS, ids=[str(fault) for fault, _, _ in FAULTS])
def test_faults_are_told_in_words(fake_ollama: Fake, fault: dict[str, Any], words: str, retryable: bool) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        ask(fake_ollama(replies=[fault]))
    assert caught.value.retryable is retryable


def test_a_model_that_turns_out_to_have_no_tools_gets_them_as_text(fake_ollama: Fake) -> None:
    refused = {"fault": "status", "status": 400, "error": "registry/library/x does not support tools"}
    fake = fake_ollama(replies=[refused, {"content": "ok"}, {"content": "ok"}])
    model = OllamaModel("gemma4:e4b", fake.url)
    for _ in range(2):
        assert model.chat(ASK, schemas(), think=False, max_tokens=50, timeout=10).text == "ok"
    assert [bool(chat.get("tools")) for chat in fake.chats] == [True, False, False]
    assert "- run_tests(): " in fake.chats[-1]["messages"][0]["content"]


@pytest.mark.parametrize("kind", ["stall", "silent", "dribble"])
def test_no_silence_holds_it_up_beyond_the_time_limit(fake_ollama: Fake, kind: str) -> None:
    fake = fake_ollama(replies=[{"fault": kind, "seconds": 20}, {"content": "back"}])
    model = OllamaModel("gemma4:e4b", fake.url)
    started = time.monotonic()
    with pytest.raises(ModelError, match="did not finish its answer within 1 seconds"):
        model.chat(ASK, [], think=True, max_tokens=10, timeout=0.6)
    assert time.monotonic() - started < 5
    assert model.chat(ASK, [], think=True, max_tokens=10, timeout=10).text == "back"


def test_an_idle_stream_is_given_up_long_before_the_time_limit(
    fake_ollama: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ollama, "_IDLE", 0.3)
    with pytest.raises(ModelError, match="in the middle of its answer"):
        ask(fake_ollama(replies=[{"fault": "stall", "seconds": 20}]), timeout=60)


def test_a_slow_but_steady_stream_is_waited_for(fake_ollama: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama, "_IDLE", 0.5)
    reply = {"content": "a slow answer", "chunk": 1, "delay": 0.06}
    assert ask(fake_ollama(replies=[reply])).text == "a slow answer"


def test_a_prompt_that_the_server_cut_is_an_error(fake_ollama: Fake) -> None:
    fake = fake_ollama(context=2048, replies=[{"content": "who am I?"}])
    model = OllamaModel("gemma4:e4b", fake.url)
    long: Message = {"role": "user", "content": "def f(x): return x\n" * 4000}
    with pytest.raises(ModelError, match="cut the rest away"):
        model.chat([ASK[0], long, ASK[1]], [], think=True, max_tokens=10, timeout=10)
    assert model.context == 2048, "the next prompt is built for what the server really has"


def test_few_tokens_because_of_the_servers_cache_are_no_error(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[{"content": "fine", "prompt_eval_count": 12}])
    long: Message = {"role": "user", "content": "def f(x): return x\n" * 200}
    assert ask(fake, [ASK[0], long]).text == "fine"


def test_a_server_that_is_not_there_is_told_with_the_remedy() -> None:
    with pytest.raises(ModelError, match=r"no Ollama at http://127.0.0.1:1 .*ollama serve"):
        OllamaModel("gemma4:e4b", "http://127.0.0.1:1")


def test_a_model_that_is_not_pulled_is_told_with_near_names(fake_ollama: Fake) -> None:
    with pytest.raises(ModelError, match=r"no model gemma4:e2b.*gemma4:e4b.*ollama pull gemma4:e2b"):
        OllamaModel("gemma4:e2b", fake_ollama().url)


def test_a_server_that_is_no_ollama_is_told(fake_ollama: Fake) -> None:
    with pytest.raises(ModelError, match="answers 404"):
        OllamaServer(fake_ollama().url + "/elsewhere").version()


def test_a_model_without_tools_gets_them_as_text(fake_ollama: Fake) -> None:
    models = [{"name": "gemma:2b", "capabilities": ["completion"], "family": "gemma"}]
    written = '<tool_call>\n{"name": "read_file", "arguments": {"path": "a.py"}}\n</tool_call>'
    fake = fake_ollama(models=models, replies=[{"content": written}])
    calls = [ToolCall(id="call_1", name="search", arguments={"pattern": "x"})]
    said: list[Message] = [
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "content": "nothing", "name": "search", "tool_call_id": "call_1"},
    ]
    got = OllamaModel("gemma:2b", fake.url).chat([*ASK, *said], schemas(), think=True, max_tokens=99, timeout=20)
    assert got.text == written
    [body] = fake.chats
    assert not body.get("tools") and "- read_file(path, [start], [end])" in body["messages"][0]["content"]
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user"]
    assert '"pattern": "x"' in body["messages"][2]["content"] and "<result of search>" in body["messages"][3]["content"]


def test_thinking_over_the_limit_is_cut_and_the_answer_asked_for_without(fake_ollama: Fake) -> None:
    endless = {"thinking": "round and round " * 400, "chunk": 64, "delay": 0.001}
    fake = fake_ollama(replies=[endless, {"content": "42", "eval_count": 3, "prompt_eval_count": 200}])
    got = ask(fake, think_limit=50)
    assert got.text == "42" and got.calls == 2 and len(got.thinking) < 2000
    assert [chat["think"] for chat in fake.chats] == [True, False]
    assert "round and round" in fake.chats[1]["messages"][-1]["content"]
    assert got.completion_tokens > 50 and got.prompt_tokens > 200, "what was cut is paid for too"


def test_thinking_within_the_limit_is_left_alone(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[{"thinking": "short", "content": "<think>more</think>\n42"}])
    got = ask(fake, think_limit=50)
    assert (got.text, got.thinking, got.calls) == ("42", "shortmore", 1)


def test_a_cold_load_is_waited_for_and_a_hang_is_not(fake_ollama: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama, "_IDLE", 0.2)
    fake = fake_ollama(replies=[{"fault": "load", "seconds": 1.0}, {"content": "awake"}, {"fault": "silent"}])
    assert ask(fake).text == "awake"
    monkeypatch.setattr(ollama, "_READ", 1e6)
    with pytest.raises(ModelError, match="the model is loaded, and no answer began"):
        ask(fake)


SHAPE = {
    "block_count": 42,
    "attention.head_count": 8,
    "attention.head_count_kv": 2,
    "attention.key_length": 256,
    "attention.value_length": 256,
    "embedding_length": 2560,
}


def test_the_context_fits_the_memory_by_the_models_shape(fake_ollama: Fake) -> None:
    model = {"name": "gemma4:e4b", "size": 5_000_000_000, "context_length": 131072, "info": SHAPE}
    fake = fake_ollama(models=[model | {"capabilities": ["tools"]}], replies=[{"content": "ok"}])
    assert OllamaModel("gemma4:e4b", fake.url, memory=64 << 30).context == ollama.CONTEXT
    cache = 42 * 2 * (256 + 256) * 2 * 8192  # bytes for 8,192 tokens
    made = OllamaModel("gemma4:e4b", fake.url, memory=5_000_000_000 + cache + (700 << 20))
    assert made.context == 8192 and made.billions == 8.0
    made.chat(ASK, [], think=True, max_tokens=10, timeout=10)
    assert fake.chats[0]["options"]["num_ctx"] == 8192
    assert OllamaModel("gemma4:e4b", fake.url, memory=1 << 30).context == 4096, "never less than is of any use"


def test_a_model_is_pulled_with_progress(fake_ollama: Fake) -> None:
    lines = [
        {"status": "pulling manifest"},
        {"status": "pulling abc", "total": 100, "completed": 40},
        {"status": "success"},
    ]
    fake = fake_ollama(pull=lines)
    told: list[tuple[str, int, int]] = []
    OllamaServer(fake.url).pull("gemma4:e2b", lambda *step: told.append(step))
    assert told == [("pulling manifest", 0, 0), ("pulling abc", 40, 100), ("success", 0, 0)]
    assert OllamaModel("gemma4:e2b", fake.url).name == "ollama:gemma4:e2b"


@pytest.mark.parametrize(
    ("lines", "words"),
    [([{"error": "pull model manifest: file does not exist"}], "file does not exist"), ([], "in the middle")],
)
def test_a_pull_that_fails_says_so(fake_ollama: Fake, lines: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        OllamaServer(fake_ollama(pull=lines).url).pull("gemma9:x", lambda *_: None)


def test_pictures_go_along(fake_ollama: Fake) -> None:
    fake = fake_ollama(
        models=[{"name": "gemma4:e4b", "capabilities": ["tools", "vision"]}], replies=[{"content": "ok"}]
    )
    assert OllamaModel("gemma4:e4b", fake.url).images
    ask(fake, [ASK[0], {"role": "user", "content": "See.", "images": ["data:image/png;base64,aGk="]}])
    assert fake.chats[0]["messages"][-1]["images"] == ["aGk="]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("box", "http://box:11434"),
        ("box:99", "http://box:99"),
        ("https://box", "https://box:443"),
        ("http://box:99/", "http://box:99"),
        ("[::1]:99", "http://[::1]:99"),
        ("[::1]", "http://[::1]:11434"),
    ],
)
def test_ollama_host_is_understood_as_ollama_does(host: str, url: str) -> None:
    assert server_url({"OLLAMA_HOST": host}) == url


def test_auto_takes_the_best_model_that_can_call_tools(fake_ollama: Fake) -> None:
    tools = ["completion", "tools"]
    models = [
        {"name": "llama3:8b", "size": 5_000_000_000, "capabilities": tools},
        {"name": "qwen3-coder:30b", "size": 19_000_000_000, "capabilities": tools},
        {"name": "gemma4:e2b", "size": 7_000_000_000, "capabilities": tools},
        {"name": "gemma4:31b-text", "size": 20_000_000_000, "capabilities": ["completion"]},
        {"name": "gemma4:270m", "size": 300_000_000, "capabilities": tools},
    ]
    environ = {"OLLAMA_HOST": fake_ollama(models=models).url}
    model, why = choose_model("auto", environ, Hardware(64 << 30, card=24 << 30))
    assert model is not None and model.name == "ollama:gemma4:e2b"
    assert "gemma4:e2b" in why
    advice = advise(environ, Hardware(8 << 30, card=12 << 30))
    assert (
        advice.spec == "ollama:gemma4:e2b"
        and advice.better == "gemma4:12b-it-qat would fit this machine: ollama pull gemma4:12b-it-qat"
    )
    assert advice.tight == ("gemma4:31b-text (21 GB)", "qwen3-coder:30b (20 GB)")


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("llama3.1:8b", "llama"),
        ("mistral-small3.2:24b", "mistral3"),
        ("hf.co/unsloth/gemma-4-E4B-it-GGUF:Q4_K_M", "gemma4"),
        ("mine:latest", "gemma4"),
    ],
)
def test_auto_takes_no_model_that_only_embeds_and_any_that_calls_tools(
    fake_ollama: Fake, name: str, family: str
) -> None:
    embedding = {"name": "qwen3-embedding:8b", "size": 4_700_000_000, "family": "qwen3", "capabilities": ["embedding"]}
    there = {"name": name, "size": 5_000_000_000, "family": family}
    advice = advise({"OLLAMA_HOST": fake_ollama(models=[embedding, there]).url}, Hardware(8 << 30, card=24 << 30))
    assert advice.spec == f"ollama:{name}"


@pytest.mark.parametrize(("machine", "hardware"), CLASSES, ids=[name for name, _ in CLASSES])
def test_what_is_recommended_is_taken_once_it_is_there(fake_ollama: Fake, machine: str, hardware: Hardware) -> None:
    tier = best(hardware)
    assert tier is not None
    fake = fake_ollama(models=[])
    asked = advise({"OLLAMA_HOST": fake.url}, hardware)
    assert asked.better.endswith(f"ollama pull {tier.tag}")
    fake.models.append({"name": tier.tag, "size": tier.size, "family": "gemma4"})
    got = advise({"OLLAMA_HOST": fake.url}, hardware)
    assert (got.spec, got.better, got.tight) == (f"ollama:{tier.tag}", "", ())


@pytest.mark.parametrize(
    ("hardware", "words"),
    [
        (Hardware(16 << 30, card=8 << 30), "the rest runs in the machine's own memory, slower"),
        (Hardware(16 << 30), "which leaves less for the tests"),
    ],
)
def test_a_model_that_fits_with_losses_is_used_and_a_better_one_named(
    fake_ollama: Fake, hardware: Hardware, words: str
) -> None:
    fake = fake_ollama(models=[{"name": "gemma4:e4b", "size": 9_600_000_000, "family": "gemma4"}])
    advice = advise({"OLLAMA_HOST": fake.url}, hardware)
    assert advice.spec == "ollama:gemma4:e4b" and words in advice.why and not advice.tight
    assert advice.better.endswith("ollama pull gemma4:e4b-it-qat")


def test_what_is_there_is_not_recommended_again(fake_ollama: Fake) -> None:
    fake = fake_ollama(models=[{"name": "gemma4:e4b-it-qat", "size": 60_000_000_000, "family": "gemma4"}])
    advice = advise({"OLLAMA_HOST": fake.url}, Hardware(16 << 30, card=8 << 30))
    assert not advice.spec and advice.tight and not advice.better


def test_memory_is_reckoned_by_the_shape_that_the_server_reports(fake_ollama: Fake) -> None:
    attention = {"head_count": 64, "head_count_kv": 64, "key_length": 128, "value_length": 128}
    info = {"block_count": 60, "embedding_length": 8192} | {f"attention.{k}": v for k, v in attention.items()}
    wide = {"name": "gemma4:12b", "size": 7 << 30, "family": "gemma4", "info": info}
    advice = advise({"OLLAMA_HOST": fake_ollama(models=[wide]).url}, Hardware(8 << 30, card=12 << 30))
    assert advice.tight == ("gemma4:12b (23 GB)",)  # 7, 15 of cache for 8,192 tokens, and what the server takes
    slim = wide | {"info": info | {"attention.head_count_kv": [1] * 60}}  # a list, which is to be asked for
    fake = fake_ollama(models=[slim])
    advice = advise({"OLLAMA_HOST": fake.url}, Hardware(8 << 30, card=12 << 30))
    assert advice.spec == "ollama:gemma4:12b" and "takes about 8 of the 11 GB" in advice.why
    assert ("/api/show", {"model": "gemma4:12b", "verbose": True}) in fake.requests


def test_auto_without_a_model_says_why(fake_ollama: Fake) -> None:
    assert choose_model("none", {}) == (None, "no model was asked for")
    model, why = choose_model("auto", {"OLLAMA_HOST": "127.0.0.1:1"})
    assert model is None and "no Ollama answers" in why
    fake = fake_ollama(models=[{"name": "llama3:8b", "size": 5_000_000_000, "capabilities": ["completion"]}])
    model, why = choose_model("auto", {"OLLAMA_HOST": fake.url})
    assert model is None and "llama3:8b" in why


@pytest.mark.parametrize(
    "spec", ["", "gemma4", "ollama:", "openai:name", "openai:@http://x", "openai:a@ftp://b", "gpt:4"]
)
def test_a_bad_spec_names_the_allowed_forms(spec: str) -> None:
    with pytest.raises(ValueError, match="openai:NAME@URL"):
        choose_model(spec, {})


def test_the_fake_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    script, log = tmp_path / "script.json", tmp_path / "requests.jsonl"
    script.write_text(json.dumps({"replies": [{"content": "hello"}]}))
    path = Path(__file__).parents[1] / "fakes" / "ollama_server.py"
    argv = [sys.executable, str(path), str(script), "--requests", str(log)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        model, _ = choose_model("ollama:gemma4:e4b", {"OLLAMA_HOST": process.stdout.readline().strip()})
        assert model is not None
        assert model.chat(ASK, [], think=False, max_tokens=10, timeout=10).text == "hello"
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
    assert '"/api/chat"' in log.read_text()
