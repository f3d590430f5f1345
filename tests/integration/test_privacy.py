"""Nothing is sent to any host but the model's endpoint, whatever the environment says."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from coder.models.privacy import disable_tracing, is_loopback

CHAT = """
import sys
from coder.models.choose import choose_model
model, _ = choose_model(sys.argv[1])
print(model.chat([{"role": "user", "content": "hi"}], [], think=False, max_tokens=5, timeout=20).text)
"""
TRACED = """
import sys
from langchain_ollama import ChatOllama
from langchain_core.tracers.langchain import wait_for_all_tracers
print(ChatOllama(model="gemma4:e4b").invoke("hi").content)
wait_for_all_tracers()
"""


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """A host that nobody should speak to: its URL, and the first bytes of whatever comes."""
    heard: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                heard.append(connection.recv(200))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    threading.Thread(target=listen, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", heard
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def run(code: str, spec: str, host: str, spy: str) -> str:
    """Run the code with every variable set that could make a library speak to `spy`."""
    names = ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT", "LANGSMITH_GATEWAY", "HTTP_PROXY", "http_proxy", "ALL_PROXY")
    spying = dict.fromkeys(names, spy) | {"LANGSMITH_API_KEY": "key", "LANGCHAIN_API_KEY": "key"}
    tracing = dict.fromkeys(("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2"), "true")
    env = os.environ | spying | tracing | {"OLLAMA_HOST": host, "OPENAI_PROXY": spy, "OPENAI_API_BASE": spy}
    done = subprocess.run(
        [sys.executable, "-c", code, spec], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


def test_a_chat_with_tracing_variables_set_speaks_to_the_model_only(
    fake_ollama: Callable[..., Any], listener: tuple[str, list[bytes]]
) -> None:
    spy, heard = listener
    fake = fake_ollama(replies=[{"content": "hello"}])
    assert run(CHAT, "ollama:gemma4:e4b", fake.url, spy) == "hello\n"
    assert heard == []


def test_the_listener_would_have_heard_it(fake_ollama: Callable[..., Any], listener: tuple[str, list[bytes]]) -> None:
    """Without the guard, the same environment does send prompts away: the test above can fail."""
    spy, heard = listener
    run(TRACED, "", fake_ollama(replies=[{"content": "hello"}]).url, spy)
    assert heard


def test_the_variables_are_taken_out_of_the_process() -> None:
    environ = {"LANGSMITH_API_KEY": "k", "LANGCHAIN_TRACING_V2": "true", "LANGCHAIN_TRACING": "1", "PATH": "/bin"}
    assert sorted(disable_tracing(environ)) == ["LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_API_KEY"]
    assert environ == {"PATH": "/bin"}


def test_the_guard_works_after_langsmith_has_been_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    from langsmith.utils import get_env_var, tracing_is_enabled

    get_env_var.cache_clear()
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    assert tracing_is_enabled()
    disable_tracing()
    assert not tracing_is_enabled()


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:5", True),
        ("http://10.0.0.1", False),
        ("https://localhost.example.com", False),
    ],
)
def test_loopback_addresses_are_known(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
