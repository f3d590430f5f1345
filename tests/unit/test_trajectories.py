"""Trajectories of other agents, and what `coder drift` says of them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from coder.cli.dispatch import dispatch
from coder.record.events import EventLog
from coder.trajectories.contract import Call, Step, TrajectoryError
from coder.trajectories.load import load
from coder.trajectories.own import data_of

CODE = "def f():\n    return 41\n"


def atif(*steps: dict[str, Any], version: str = "ATIF-v1.7") -> dict[str, Any]:
    made = [{"step_id": 1, "source": "user", "message": "fix it"}]
    made += [{"step_id": n, "source": "agent", **step} for n, step in enumerate(steps, 2)]
    return {"schema_version": version, "session_id": "s", "agent": {"name": "x", "version": "1"}, "steps": made}


def call(name: str, result: Any, **arguments: Any) -> dict[str, Any]:
    return {
        "message": "",
        "tool_calls": [{"tool_call_id": "c", "function_name": name, "arguments": arguments}],
        "observation": {"results": [{"source_call_id": "c", "content": result}]},
    }


def mini(*turns: tuple[str, str]) -> dict[str, Any]:
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "task"}]
    for command, output in turns:
        messages.append({"role": "assistant", "content": f"THOUGHT: look\n\n```bash\n{command}\n```"})
        messages.append({"role": "user", "content": f"<returncode>0</returncode>\n<output>\n{output}\n</output>"})
    return {"messages": messages, "trajectory_format": "mini-swe-agent-1"}


def mini_tools(*turns: tuple[str, str]) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "task"}]
    for n, (command, output) in enumerate(turns):
        function = {"name": "bash", "arguments": json.dumps({"command": command})}
        messages.append({"role": "assistant", "content": "", "tool_calls": [{"id": f"c{n}", "function": function}]})
        messages.append({"role": "tool", "tool_call_id": f"c{n}", "content": output, "extra": {"returncode": 0}})
    return {"messages": messages, "trajectory_format": "mini-swe-agent-1.1", "info": {}}


def put(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data))
    return path


TURNS = (("cat src/a.py", CODE), ("sed -n '1,2p' src/a.py", CODE), ("nl -ba src/a.py", CODE))
ATIF = atif(
    call("str_replace_editor", CODE, command="view", path="/testbed/src/a.py"),
    call("bash", [{"type": "text", "text": CODE}], command="cat src/a.py"),
    call("read_file", CODE, path="src/a.py"),
)


@pytest.mark.parametrize("data", [ATIF, mini(*TURNS), mini_tools(*TURNS)], ids=["atif", "mini", "mini-tools"])
def test_each_format_is_read_and_the_same_read_is_seen_in_it(
    data: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dispatch(["drift", str(put(tmp_path / "run.traj.json", data)), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "coder.drift/1" and set(found) == {"schema", "steps", "first_intervention", "summary"}
    assert [s["label"] for s in found["steps"]] == ["calibrated", "overacting", "overacting"]
    assert all(set(s) == {"step_id", "label", "confidence", "reason"} for s in found["steps"])
    assert found["first_intervention"]["step_id"] == found["steps"][1]["step_id"]
    assert found["first_intervention"]["rung"] == "nudge"
    assert found["summary"]["overacting"] == 2


def test_the_agents_own_step_ids_are_kept_and_a_good_run_has_no_intervention(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path / "a.json", atif(call("read_file", CODE, path="a.py"), {"message": "f gives 41, not 42."}))
    assert dispatch(["drift", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [s["step_id"] for s in found["steps"]] == [2, 3] and found["first_intervention"] is None


def test_a_run_of_coders_own_is_read_from_its_log(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl", "r1")
    step = Step(2, "look", (Call("read_file", {"path": "a.py"}, CODE, True),), 12, 0.5)
    log.append("run", "start", {})
    log.append("edit", "step", data_of(step))
    log.close()
    assert load(tmp_path).steps == load(tmp_path / "events.jsonl").steps == (step,)


def test_a_terminal_gets_a_strip_and_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["drift", str(put(tmp_path / "a.json", ATIF))]) == 0
    out = capsys.readouterr().out
    assert "  .AA\n   ^^" in out and "overacting" in out and "would have stepped in at step 3: nudge" in out


BAD: list[Any] = [
    [], 1, None, "x", {}, {"schema_version": "ATIF-v2.0", "steps": []}, {"schema_version": "ATIF-v1.7"},
    {"schema_version": "ATIF-v1.7", "steps": [1]}, {"schema_version": "ATIF-v1.7", "steps": []},
    atif({"tool_calls": "x"}), atif({"tool_calls": [1]}), {"messages": [1]}, {"messages": []}, {"messages": "x"},
    {"schema_version": "ATIF-v1.7", "steps": {"a": 1}}, {"messages": [], "trajectory_format": "other"},
]  # fmt: skip


@pytest.mark.parametrize("data", BAD, ids=str)
def test_a_bad_file_is_a_clear_error(data: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path / "bad.json", data)
    assert dispatch(["drift", str(path)]) == 2
    said = capsys.readouterr().err
    assert str(path) in said and "Traceback" not in said


@pytest.mark.parametrize("name", ["zero.json", "zero.jsonl", "events.jsonl"])
def test_what_has_no_end_is_not_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(TrajectoryError, match="it is a device"):
        load(tmp_path if name == "events.jsonl" else tmp_path / name)


def test_a_pipe_is_read_up_to_its_end_or_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, its = os.pipe()
    with os.fdopen(its, "w") as file:
        json.dump(ATIF, file)
    assert load(Path(f"/dev/fd/{ours}")).steps
    os.close(ours)
    monkeypatch.setattr("coder.trajectories.load.MOST_BYTES", 10)
    (tmp_path / "long.json").write_text(json.dumps(ATIF))
    with pytest.raises(TrajectoryError, match="more than"):
        load(tmp_path / "long.json")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_no_json_is_a_clear_error(content: bytes, tmp_path: Path) -> None:
    for name in ("a.json", "events.jsonl"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TrajectoryError, match=name):
            load(tmp_path / name)
    with pytest.raises(TrajectoryError, match="nowhere"):
        load(tmp_path / "nowhere")
