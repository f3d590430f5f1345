"""The bulk of a run: each value once, on the disk when it is named, and prompts told by what differs."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coder.errors import EnvironmentFault
from coder.record.blobs import Blobs
from coder.record.prompts import Prompts, prompts
from coder.record.store import RunStore


def rows(path: Path) -> int:
    """What another process sees: only what was committed."""
    with sqlite3.connect(path) as other:
        return int(other.execute("SELECT count(*) FROM blobs").fetchone()[0])


def test_a_value_is_kept_once_and_seen_by_others_when_committed(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs.sqlite")
    ref = blobs.save({"b": 1, "a": [2]})
    assert blobs.save({"b": 1, "a": [2]}) == ref != blobs.save({"a": [2], "b": 2})
    assert list(blobs.load(ref)) == ["b", "a"], "the order of keys is kept"
    assert rows(tmp_path / "blobs.sqlite") == 0
    blobs.commit()
    assert rows(tmp_path / "blobs.sqlite") == 2
    blobs.remove([ref])
    assert blobs.load(ref) is None and blobs.load("other") is None
    blobs.close()
    assert rows(tmp_path / "blobs.sqlite") == 1


def test_a_file_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "blobs.sqlite").write_bytes(b"no database, " * 100)
    with pytest.raises(EnvironmentFault, match=r"cannot keep the record in .*blobs.sqlite: .*resume the run"):
        Blobs(tmp_path / "blobs.sqlite")
    with pytest.raises(EnvironmentFault, match="cannot keep the record"):
        Blobs(tmp_path / "nowhere" / "blobs.sqlite")


message = st.builds(
    lambda n, calls: {"role": "tool", "content": n, "tool_calls": calls}, st.sampled_from("abc"), st.integers(0, 1)
)


@settings(max_examples=25)
@given(sent=st.lists(st.lists(message, min_size=1, max_size=8), min_size=1, max_size=8), again=st.integers(0, 7))
def test_every_prompt_can_be_told_again(
    sent: list[list[dict[str, Any]]], again: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also over a resume, after which the first prompt is told whole."""
    rundir = RunStore(tmp_path_factory.mktemp("home")).create(Path("/repo"), "goal", {})
    teller = Prompts(rundir.blobs)
    for step, messages in enumerate(sent):
        teller = Prompts(rundir.blobs) if step == again else teller
        data = teller.take({"messages": messages, "tools": [], "think": True})
        rundir.log.append("edit", "prompt", {"step": step, **data})
    found = prompts(rundir.events())
    assert [[rundir.blobs.load(ref) for ref in found[step][-1]["messages"]] for step in range(len(sent))] == sent
    rundir.close()


def test_a_long_conversation_is_told_in_as_many_words_as_are_new(tmp_path: Path) -> None:
    teller = Prompts(Blobs(tmp_path / "blobs.sqlite"))
    messages = [{"role": "user", "content": str(n)} for n in range(300)]
    teller.take({"messages": messages[:-2], "tools": []})
    messages[100] = {"role": "user", "content": "shortened"}
    data = teller.take({"messages": messages, "tools": []})
    assert [(first, last, len(now)) for first, last, now in data["messages"]] == [(100, 101, 1), (298, 298, 2)]
