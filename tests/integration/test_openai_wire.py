"""An OpenAI-compatible server over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from coder.models.choose import choose_model
from coder.models.contract import Message, ModelError, Reply
from coder_tools.toolbox import schemas

ASK: list[Message] = [{"role": "system", "content": "Fix it."}, {"role": "user", "content": "Go."}]
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that answers every request with these bytes and puts the requests into `seen`."""
    servers = []

    def start(body: bytes, status: int = 200, kind: str = "text/event-stream", seen: list[Any] | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if seen is not None:
                    seen.append((self.path, self.headers.get("Authorization"), sent))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def events(*deltas: dict[str, Any], reason: str | None = "stop", usage: bool = True) -> bytes:
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    if reason:
        chunks.append(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    if usage:
        counts = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}
        chunks.append(head | {"choices": [], "usage": counts})
    return (
        b"".join(b"data: " + json.dumps(c, ensure_ascii=False).encode() + b"\n\n" for c in chunks) + b"data: [DONE]\n\n"
    )


def tool(index: int, arguments: str, name: str | None = None) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {
        "tool_calls": [{"index": index, "id": f"c{index}" if name else None, "type": "function", "function": function}]
    }


def ask(url: str, environ: dict[str, str] | None = None) -> Reply:
    model, _ = choose_model(f"openai:some/model@{url}", environ or {})
    assert model is not None
    return model.chat(ASK, schemas(), think=False, max_tokens=50, timeout=10)


def test_reads_text_thoughts_and_calls_in_pieces(serve: Serve) -> None:
    seen: list[Any] = []
    body = events(
        {"role": "assistant", "reasoning_content": "thin"},
        {"reasoning": "king"},
        {"content": "ünï"},
        tool(0, '{"content": "{\\"a\\"', "create_file"),
        tool(0, ': 1}"}'),
        tool(1, '{"path": ', "read_file"),
        reason="tool_calls",
    )
    got = ask(serve(body, seen=seen), {"CODER_API_KEY": "s3cret"})
    assert (got.thinking, got.text, got.done_reason) == ("thinking", "ünï", "tool_calls")
    assert [c["name"] for c in got.tool_calls] == ["create_file", "read_file"]
    assert got.tool_calls[0]["arguments"] == {"content": '{"a": 1}'}
    assert (got.prompt_tokens, got.completion_tokens) == (100, 7)
    [(path, key, sent)] = seen
    assert path == "/v1/chat/completions" and key == "Bearer s3cret"
    assert (sent["model"], sent["max_tokens"], sent["stream"]) == ("some/model", 50, True)


def test_counts_are_estimated_where_the_server_does_not_tell(serve: Serve) -> None:
    got = ask(serve(events({"role": "assistant", "content": "hello there"}, usage=False)))
    assert got.prompt_tokens > 100 and got.completion_tokens > 0


@pytest.mark.parametrize(
    ("status", "words", "retryable"),
    [
        (401, "CODER_API_KEY", False),
        (404, "no model", False),
        (429, "429", True),
        (500, "500", True),
        (400, "400", False),
    ],
)
def test_refusals_are_told_in_words_and_not_retried(serve: Serve, status: int, words: str, retryable: bool) -> None:
    seen: list[Any] = []
    url = serve(b'{"error": {"message": "no"}}', status, "application/json", seen)
    with pytest.raises(ModelError, match=words) as caught:
        ask(url)
    assert caught.value.retryable is retryable
    assert len(seen) == 1, "no retries that the budget does not see"


@pytest.mark.parametrize("body", [b"<html></html>", events({"role": "assistant", "content": "I"}, reason=None)])
def test_an_answer_without_an_end_is_an_error(serve: Serve, body: bytes) -> None:
    with pytest.raises(ModelError):
        ask(serve(body))


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(ModelError, match="Nothing answers at"):
        ask("http://127.0.0.1:1")
