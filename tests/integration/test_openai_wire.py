"""Servers of the OpenAI wire over real HTTP: what goes over it, and every way in which it goes wrong."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from coder.models import choose, openai
from coder.models.choose import advise, choose_model
from coder.models.contract import ChatModel, Message, ModelError, Reply
from coder.models.faults import pause
from coder.models.hardware import Hardware
from coder_tools.toolbox import schemas

ASK: list[Message] = [{"role": "system", "content": "Fix it."}, {"role": "user", "content": "Go."}]
Fake = Callable[..., Any]


def model(fake: Any, environ: dict[str, str] | None = None) -> ChatModel:
    made, _ = choose_model(f"openai:some/model@{fake.url}", environ or {})
    assert made is not None
    return made


def ask(fake: Any, environ: dict[str, str] | None = None, **options: Any) -> Reply:
    given: dict[str, Any] = {"think": False, "max_tokens": 50, "timeout": 10.0} | options
    return model(fake, environ).chat(ASK, schemas(), **given)


@pytest.mark.parametrize("split", [0, 1, 7], ids="bytes a write {}".format)
def test_reads_text_thoughts_and_calls_in_pieces(fake_openai: Fake, split: int) -> None:
    calls = [
        {"name": "create_file", "arguments": {"path": "ä.py", "content": '{"a": "ünï 🎈"}'}},
        {"name": "read_file", "arguments": '{"path": '},
    ]
    reply = {"reasoning_content": "thin", "reasoning": "wide ", "content": "ünï 🎈", "tool_calls": calls, "chunk": 3}
    fake = fake_openai(split=split, replies=[reply])
    got = ask(fake, {"CODER_API_KEY": "s3cret"})
    assert (got.thinking, got.text, got.done_reason) == ("wide thin", "ünï 🎈", "tool_calls")
    assert [c["name"] for c in got.tool_calls] == ["create_file", "read_file"]
    assert got.tool_calls[0]["arguments"] == {"path": "ä.py", "content": '{"a": "ünï 🎈"}'}
    assert (got.prompt_tokens, got.completion_tokens) == (100, 7)
    path, headers, sent = fake.requests[-1]
    assert path == "/v1/chat/completions" and headers["authorization"] == "Bearer s3cret"
    assert (sent["model"], sent["max_tokens"], sent["stream"]) == ("some/model", 50, True)


@pytest.mark.parametrize("reason", ["length", "tool_calls"])
def test_a_call_that_was_cut_off_is_not_made_whole(fake_openai: Fake, reason: str) -> None:
    """LangChain closes the quotes and braces that are open, and half of a file would be written as the whole."""
    whole = {"path": "a.py", "content": "def one():\n    return 1\n"}
    cut = json.dumps(whole)[:-12]
    made = [{"name": "create_file", "arguments": whole}, {"name": "create_file", "arguments": cut}]
    got = ask(fake_openai(replies=[{"tool_calls": made, "finish_reason": reason}]))
    assert [call["arguments"] for call in got.tool_calls] == [whole, {"arguments": cut}]


def test_the_key_may_be_in_a_variable_of_any_name(fake_openai: Fake) -> None:
    fake = fake_openai(replies=[{"content": "ok"}, {"fault": "status", "status": 401, "error": "bad key"}])
    environ = {"CODER_API_KEY_ENV": "WORK_KEY", "WORK_KEY": "abc", "CODER_API_KEY": "other"}
    ask(fake, environ)
    assert fake.requests[-1][1]["authorization"] == "Bearer abc"
    with pytest.raises(ModelError, match="WORK_KEY"):
        ask(fake, environ)


@pytest.mark.parametrize(
    "text",
    [
        "<think>hm</think>\n42",
        "<|channel>thought\nhm<channel|>42",
        "<thinking>hm</thinking>42",
        "<Think>hm</Think>42",
        "<think >hm</think >42",
        "<seed:think>hm</seed:think>42",
        "<reasoning>hm</reasoning>42",
        "[THINK]hm[/THINK]42",
        "hm</think>\n\n42",
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>",
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 99])
def test_thoughts_in_tags_are_no_text(fake_openai: Fake, text: str, chunk: int) -> None:
    got = ask(fake_openai(replies=[{"content": text, "chunk": chunk}]))
    assert (got.text, got.thinking) == ("42", "hm")


@pytest.mark.parametrize(
    "text",
    [
        "a.py\n<<<<<<< SEARCH\n<think>\nx = '</think>'\n</think>\n=======\n<think>\n>>>>>>> REPLACE\n",
        "a.html\n```\n<think>\n</think>\nx\n```\n",
        "<tool_call>\n<function=edit_file>\n<parameter=search>\n<think>\n</think>\n</parameter>\n</function>\n</tool_call>",
        "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n <think>\n-</think>\n+x\n",
        "It looks for `<think>` up to '</think>'.\nNo more.",
        "x = ['<think>'\n]",
    ],
)
def test_tags_of_thoughts_in_code_are_code(fake_openai: Fake, text: str) -> None:
    got = ask(fake_openai(replies=[{"content": text, "chunk": 5}]))
    assert (got.text, got.thinking) == (text, "")


def test_a_slow_thought_is_cut_where_it_would_take_the_time_of_the_answer(fake_openai: Fake) -> None:
    slow = {"reasoning_content": "round and round " * 50, "delay": 0.1}
    made = model(fake_openai(replies=[slow, {"content": "42"}]))
    got = made.chat(ASK, [], think=True, max_tokens=2000, timeout=2.0, think_limit=1500)
    assert (got.text, got.calls) == ("42", 2) and "round" in got.thinking


def test_a_thought_that_the_template_opens_is_cut_too_once_that_is_known(fake_openai: Fake) -> None:
    endless = {"content": "round and round " * 300, "chunk": 64, "delay": 0.001}
    replies = [{"content": "hm</think>\n41"}, endless, {"content": "42"}, {"content": "43"}]
    made = model(fake_openai(flavor="vllm", replies=replies))
    given: dict[str, Any] = {"think": True, "max_tokens": 2000, "timeout": 10, "think_limit": 40}
    got = [made.chat(ASK, [], **given) for _ in range(3)]
    assert [(reply.text, reply.calls) for reply in got] == [("41", 1), ("42", 2), ("43", 1)]


@pytest.mark.parametrize(
    "endless",
    [
        {"content": "I think that " * 2000, "chunk": 60},
        {"reasoning_content": "hm " * 8000, "chunk": 60},
        {"tool_calls": [{"name": "create_file", "arguments": {"content": "x" * 20_000}}], "chunk": 60},
    ],
    ids=["words", "thoughts", "a call"],
)
def test_a_server_that_holds_a_model_to_no_limit_is_left(fake_openai: Fake, endless: dict[str, Any]) -> None:
    got = ask(fake_openai(replies=[endless]), max_tokens=200)
    assert got.done_reason == "length" and got.calls == 1 and not got.tool_calls
    assert 300 < got.prompt_tokens < 2000, "estimated: the counts come at the end"
    assert len(got.text + got.thinking) < 4000 and got.completion_tokens < 1000


def test_a_smaller_sign_is_no_tag(fake_openai: Fake) -> None:
    text = "if a <think and b<t"
    assert ask(fake_openai(replies=[{"content": text, "chunk": 1}])).text == text


@pytest.mark.parametrize(
    ("flavor", "switch"),
    [
        ("llama-server", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("vllm", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("ollama", {"reasoning_effort": "none"}),
        ("lmstudio", {}),
    ],
)
def test_thinking_over_the_limit_is_cut_with_each_server(
    fake_openai: Fake, flavor: str, switch: dict[str, Any]
) -> None:
    endless = {"content": "<think>" + "round and round " * 300, "chunk": 64, "delay": 0.001}
    fake = fake_openai(flavor=flavor, replies=[endless, {"content": "42"}])
    got = ask(fake, think=True, think_limit=40)
    assert (got.text, got.calls) == ("42", 2)
    first, second = fake.chats
    assert {key: second.get(key) for key in switch} == switch
    assert "Answer now" in second["messages"][-1]["content"]
    assert first.get("thinking_budget_tokens") == (40 if flavor == "llama-server" else None)


@pytest.mark.parametrize("flavor", ["lmstudio", "llama-server", "vllm"])
def test_the_context_is_what_the_server_says(fake_openai: Fake, flavor: str) -> None:
    assert model(fake_openai(flavor=flavor, context=9000)).context == 9000
    assert model(fake_openai(flavor=flavor, context=900_000)).context == openai.CONTEXT
    assert model(fake_openai()).context == openai.CONTEXT


def test_lm_studio_tells_the_context_once_the_model_is_loaded(fake_openai: Fake) -> None:
    made = model(fake_openai(flavor="lmstudio", context=4096, loaded=False, replies=[{"content": "ok"}]))
    assert made.context == openai.CONTEXT
    made.chat(ASK, [], think=False, max_tokens=50, timeout=10)
    assert made.context == 4096


def test_tokens_are_counted_where_the_server_can(fake_openai: Fake) -> None:
    assert model(fake_openai(flavor="llama-server")).count("x" * 300) == 100
    assert model(fake_openai()).count("x" * 300) == 0


@pytest.mark.parametrize("known", [True, False], ids=["said at the start", "found out by an error"])
def test_a_server_without_tool_calling_gets_them_as_text(fake_openai: Fake, known: bool) -> None:
    template = "{{ messages }}" if known else "{{ tools }}"
    replies: list[dict[str, Any]] = [{"fault": "no_tools"}] if not known else []
    fake = fake_openai(
        flavor="llama-server", template=template, replies=[*replies, {"content": "ok"}, {"content": "ok"}]
    )
    made = model(fake)
    for _ in range(2):
        assert made.chat(ASK, schemas(), think=False, max_tokens=50, timeout=10).text == "ok"
    assert [bool(chat.get("tools")) for chat in fake.chats] == ([False, False] if known else [True, False, False])
    assert "- run_tests(): " in fake.chats[-1]["messages"][0]["content"]


def test_a_llama_server_that_loads_its_model_is_waited_for(fake_openai: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "_IDLE", 0.2)
    monkeypatch.setattr(openai, "_READ", 1e6)
    fake = fake_openai(flavor="llama-server", loading=2, replies=[{"fault": "silent"}])
    with pytest.raises(ModelError, match="no answer began"):
        ask(fake)
    assert fake.loading < 0, "it was asked as long as it said that it was loading"


def test_counts_are_estimated_where_the_server_does_not_tell(fake_openai: Fake) -> None:
    got = ask(fake_openai(replies=[{"content": "hello there", "usage": False}]))
    assert got.prompt_tokens > 100 and got.completion_tokens > 0


@pytest.mark.parametrize(
    ("fault", "words", "retryable"),
    [
        ({"fault": "status", "status": 401}, "CODER_API_KEY", False),
        ({"fault": "status", "status": 404}, "no model", False),
        ({"fault": "status", "status": 429, "retry_after": 7}, "429", True),
        ({"fault": "status", "status": 500, "error": "busy"}, "500", True),
        ({"fault": "status", "status": 500, "error": "out of memory"}, "does not fit into memory", False),
        ({"fault": "status", "status": 400, "error": "no"}, r"answers: no \(status 400\)", False),
        ({"fault": "status", "status": 400, "error": "bad field: memory_mode"}, r"memory_mode \(status 400\)", False),
        ({"fault": "status", "status": 500, "error": "unable to allocate CUDA0 buffer"}, "does not fit", False),
        ({"fault": "status", "status": 429, "retry_after": 2.5}, "429", True),
        ({"fault": "html", "status": 404}, "web page", False),
        ({"fault": "html"}, "web page", True),
        ({"fault": "html", "status": 200}, "cannot be read", True),
        ({"fault": "cut"}, "broke off", True),
        ({"fault": "rubbish"}, "cannot be read", True),
        ({"content": "I", "finish_reason": None}, "in the middle", True),
    ],
    ids=str,
)
def test_faults_are_told_in_words_and_not_retried(
    fake_openai: Fake, fault: dict[str, Any], words: str, retryable: bool
) -> None:
    fake = fake_openai(replies=[fault])
    with pytest.raises(ModelError, match=words) as caught:
        ask(fake)
    assert caught.value.retryable is retryable
    assert caught.value.retry_after == fault.get("retry_after", 0)
    assert len(fake.chats) == 1, "no retries that the budget does not see"


@pytest.mark.parametrize("kind", ["stall", "silent"])
def test_no_silence_holds_it_up_beyond_the_time_limit(fake_openai: Fake, kind: str) -> None:
    fake = fake_openai(replies=[{"fault": kind, "seconds": 20}, {"content": "back"}])
    made = model(fake)
    with pytest.raises(ModelError, match="did not finish its answer"):
        made.chat(ASK, [], think=False, max_tokens=10, timeout=0.5)
    assert made.chat(ASK, [], think=False, max_tokens=10, timeout=10).text == "back"


def test_events_with_nothing_in_them_are_silence(fake_openai: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "_IDLE", 0.3)
    with pytest.raises(ModelError, match="stopped in the middle of its answer"):
        ask(fake_openai(replies=[{"fault": "empty", "seconds": 20}]))


def test_a_pause_may_be_asked_for_with_a_date() -> None:
    soon = formatdate(time.time() + 60, usegmt=True)
    assert 50 < pause(soon) <= 60
    assert [pause(text) for text in ("7", "2.5", "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "", None)] == [
        7,
        2.5,
        0,
        0,
        0,
        0,
    ]


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(ModelError, match="Nothing answers at"):
        choose_model("openai:some/model@http://127.0.0.1:1", {})


def test_a_model_that_lm_studio_has_not_is_told_with_near_names(fake_openai: Fake) -> None:
    fake = fake_openai(flavor="lmstudio", models=["google/gemma-4-e4b", "some/mode"])
    with pytest.raises(ModelError, match=r"no model some/model\. There are: some/mode"):
        model(fake)


@pytest.mark.parametrize(("flavor", "program"), [("lmstudio", "LM Studio"), ("llama-server", "llama-server")])
def test_auto_finds_them_on_this_machine(
    fake_openai: Fake, monkeypatch: pytest.MonkeyPatch, flavor: str, program: str
) -> None:
    fake = fake_openai(flavor=flavor, models=["some/model-3b"])
    closed = f"http://127.0.0.1:{_closed_port()}"
    monkeypatch.setattr(choose, "LM_STUDIO", fake.url if flavor == "lmstudio" else closed)
    monkeypatch.setattr(choose, "LLAMA_SERVER", fake.url if flavor == "llama-server" else closed)
    advice = advise({"OLLAMA_HOST": closed}, Hardware(8 << 30))
    assert advice.spec == f"openai:some/model-3b@{fake.url}" and program in advice.why
    assert advice.better.startswith("Gemma 4 E2B would fit this machine") and program in advice.better


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["google/gemma-4-12b", "gemma-4-e4b-it-qat"], "gemma-4-e4b-it-qat"),
        (["qwen/qwen3-coder-480b", "qwen/qwen3-8b"], "qwen/qwen3-8b"),
        (["meta-llama-3.1-8b-instruct"], "meta-llama-3.1-8b-instruct"),
        (["qwen/qwen3-coder-480b"], ""),
    ],
)
def test_auto_takes_what_lm_studio_would_load_if_it_fits(
    fake_openai: Fake, monkeypatch: pytest.MonkeyPatch, names: list[str], taken: str
) -> None:
    fake = fake_openai(flavor="lmstudio", models=names, loaded=False)
    closed = f"http://127.0.0.1:{_closed_port()}"
    monkeypatch.setattr(choose, "LM_STUDIO", fake.url)
    monkeypatch.setattr(choose, "LLAMA_SERVER", closed)
    advice = advise({"OLLAMA_HOST": closed}, Hardware(12 << 30, card=8 << 30))
    assert advice.spec == (f"openai:{taken}@{fake.url}" if taken else "")
    assert advice.tight == (() if taken else (f"{names[0]} (296 GB)",))
    assert advice.better == (
        "" if "gemma" in taken else "Gemma 4 E4B would fit this machine: get Gemma 4 E4B in LM Studio"
    )


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize("flavor", ["vllm", ""])
def test_pictures_go_to_a_server_that_does_not_say_whether_its_model_takes_them(fake_openai: Fake, flavor: str) -> None:
    refusal = {"fault": "status", "status": 400, "error": "some/model is not a multimodal model"}
    fake = fake_openai(flavor=flavor, replies=[{"content": "ok"}, refusal])
    made = model(fake)
    assert made.images
    asked: list[Message] = [ASK[0], {"role": "user", "content": "See.", "images": ["data:image/png;base64,aGk="]}]
    made.chat(asked, [], think=False, max_tokens=9, timeout=9)
    assert "data:image/png;base64,aGk=" in json.dumps(fake.chats[0]["messages"])
    with pytest.raises(ModelError, match=r"takes no pictures.*Leave out --image-file") as told:
        made.chat(asked, [], think=False, max_tokens=9, timeout=9)
    assert not told.value.retryable


def test_pictures_go_along(fake_openai: Fake) -> None:
    fake = fake_openai(flavor="lmstudio", replies=[{"content": "ok"}])
    made = model(fake)
    assert made.images
    url = "data:image/png;base64,aGk="
    made.chat([ASK[0], {"role": "user", "content": "See.", "images": [url]}], [], think=False, max_tokens=9, timeout=9)
    assert url in json.dumps(fake.chats[0]["messages"])
