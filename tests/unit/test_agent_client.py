"""The client's side of the protocol, against wires that behave badly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox.client import LINE_BYTES, AgentClient
from coder_sandbox.contract import Limits, SandboxError, Workspace

READY = b'{"event": "ready", "python": "3.11.7", "pid": 1}\n'
WORKSPACE = Workspace(Path("/w"), Path("/repo"), Path("/usr/bin/python3"))


class FakeWire:
    """Gives what it was made with, piece by piece; None stands for silence until the time is over."""

    def __init__(self, *pieces: bytes | None, words: str = "") -> None:
        self.pieces = list(pieces)
        self.sent: list[dict[str, Any]] = []
        self.words = words
        self.closed = 0

    def send(self, data: bytes, timeout: float) -> None:
        self.sent.append(json.loads(data))

    def receive(self, timeout: float) -> bytes | None:
        return self.pieces.pop(0) if self.pieces else b""

    def last_words(self) -> str:
        return self.words

    def close(self) -> None:
        self.closed += 1


def client(*pieces: bytes | None, words: str = "") -> tuple[AgentClient, FakeWire]:
    wire = FakeWire(READY, *pieces, words=words)
    return AgentClient("fake", WORKSPACE, Limits(), wire), wire


def test_a_result_may_come_in_pieces_and_after_events() -> None:
    box, wire = client(b'{"id": 1, "ev', b'ent": "test", "n": 1}\n{"id": 1, "result"', b': {"ran": 1}}\n')
    events: list[dict[str, Any]] = []
    assert box.request("tests", {"ids": None}, timeout=1, on_event=events.append) == {"ran": 1}
    assert events == [{"id": 1, "event": "test", "n": 1}]
    assert wire.sent == [{"ids": None, "id": 1, "op": "tests"}]


def test_a_command_runs_in_the_worktree_unless_told() -> None:
    answer = b'{"id": 1, "result": {"exit_code": 0, "stdout": "", "stderr": "", "duration": 0.1}}\n'
    box, wire = client(answer)
    assert box.run(["true"], timeout=5).exit_code == 0
    assert (wire.sent[0]["cwd"], wire.sent[0]["timeout"]) == ("/repo", 5)


def test_a_refused_operation_says_why_and_the_next_one_works() -> None:
    box, _ = client(b'{"id": 1, "error": "unknown operation"}\n', b'{"id": 2, "result": {}}\n')
    with pytest.raises(SandboxError, match="unknown operation"):
        box.request("nonsense", {}, timeout=1)
    assert box.request("collect", {}, timeout=1) == {}


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        (b"1 passed\n", "not the protocol"),
        (b"[1, 2]\n", "not the protocol"),
        (b"[" * 100_000 + b"\n", "not the protocol"),
        (b'{"id": 7, "result": {}}\n', "not asked"),
        (b'{"id": 1}\n', "answered"),
        (b'{"id": 1, "result": 3}\n', "answered"),
        (b"x" * (LINE_BYTES + 1), "a line of over"),
        (b"", "has ended. Its last words: MemoryError"),
    ],
)
def test_what_is_not_the_protocol_breaks_the_sandbox_for_good(piece: bytes, words: str) -> None:
    box, _ = client(piece, b'{"id": 2, "result": {}}\n', words="MemoryError")
    with pytest.raises(SandboxError, match=words):
        box.request("collect", {}, timeout=1)
    with pytest.raises(SandboxError, match="is closed"):
        box.request("collect", {}, timeout=1)


def test_silence_ends_with_the_timeout() -> None:
    box, _ = client(*[None] * 1_000_000)
    with pytest.raises(SandboxError, match=r"did not manage to answer 'collect' within 0\.01 s"):
        box.request("collect", {}, timeout=0.01)


def test_a_wrong_result_of_a_command_is_a_fault() -> None:
    box, _ = client(b'{"id": 1, "result": {"exit_code": 0}}\n')
    with pytest.raises(SandboxError, match="to a command"):
        box.run(["true"], timeout=1)


def test_an_interrupt_leaves_only_close() -> None:
    box, wire = client()

    def interrupt(timeout: float) -> bytes:
        raise KeyboardInterrupt

    wire.receive = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        box.run(["true"], timeout=1)
    with pytest.raises(SandboxError, match="interrupted half way"):
        box.run(["true"], timeout=1)
    box.close()
    box.close()
    assert wire.closed == 1


def test_an_agent_that_does_not_come_up_leaves_nothing_open() -> None:
    wire = FakeWire(b"", words="bwrap: No permissions")
    released: list[bool] = []
    with pytest.raises(SandboxError, match="No permissions"):
        AgentClient("fake", WORKSPACE, Limits(), wire, lambda: released.append(True))
    assert (wire.closed, released) == (1, [True])


def test_a_request_that_is_too_long_is_not_sent() -> None:
    box, wire = client(b'{"id": 2, "result": {}}\n')
    with pytest.raises(SandboxError, match="too long"):
        box.request("warm_check", {"text": "x" * LINE_BYTES}, timeout=1)
    assert wire.sent == []
    assert box.request("collect", {}, timeout=1) == {}
