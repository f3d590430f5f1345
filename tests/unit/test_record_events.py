"""The event log: nothing acknowledged is lost, nothing half-written is believed."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coder.errors import EnvironmentFault
from coder.record.events import Event, EventLog, read_events


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_events_come_back_as_they_were_written(path):
    log = EventLog(path, "run-1")
    log.append("run", "start", {"repo": "/a b/ü", "files": ["odd\udcff.py"], "rate": float("inf"), "set": {"b", "a"}})
    log.append("run", "end")
    log.close()
    first, last = read_events(path)
    assert (first.schema, first.run, first.seq, first.node, first.kind) == ("coder.event/1", "run-1", 1, "run", "start")
    assert first.data == {"repo": "/a b/ü", "files": ["odd\udcff.py"], "rate": None, "set": ["a", "b"]}
    assert (last.seq, last.data) == (2, {})


def test_each_line_is_one_json_object_with_exactly_the_keys_of_the_design(path):
    EventLog(path, "r").append("plan", "suspects", {"text": "two\nlines\u2028\r"})
    (line,) = path.read_bytes().splitlines()
    assert list(json.loads(line)) == ["schema", "run", "seq", "at", "node", "kind", "data"]


def test_a_reopened_log_goes_on_counting(path):
    for _ in range(3):
        log = EventLog(path, "r")
        log.append("a", "b")
        log.close()
    assert [event.seq for event in read_events(path)] == [1, 2, 3]


def test_listeners_are_told_what_was_masked(path, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "tell-nobody")
    log, heard = EventLog(path, "r"), []
    log.listeners.append(heard.append)
    log.append("a", "b", {"text": "it is tell-nobody."})
    assert heard[0].data == {"text": "it is [masked:MY_TOKEN]."}
    assert b"tell-nobody" not in path.read_bytes()


@pytest.mark.parametrize("tail", [b'{"schema": "coder.ev', b"\x00\x00\x00"])
def test_a_half_written_tail_is_cut_and_said(path, tail):
    log = EventLog(path, "r")
    log.append("a", "b")
    log.close()
    with path.open("ab") as file:
        file.write(tail)

    *events, cut = read_events(path)
    assert [event.kind for event in events] == ["b"]
    assert (cut.node, cut.kind, cut.data) == ("record", "cut", {"bytes": len(tail)})

    log = EventLog(path, "r")
    log.append("a", "c")
    assert [(event.seq, event.kind) for event in read_events(path)] == [(1, "b"), (2, "cut"), (3, "c")]


def test_what_a_newer_coder_wrote_is_read(path):
    event = json.loads(Event("r", 1, "now", "dream", "unheard-of", {"x": 1}).to_json())
    path.write_text(json.dumps(event | {"extra": True, "schema": "coder.event/2"}) + "\n")
    (read,) = read_events(path)
    assert (read.node, read.kind, read.schema) == ("dream", "unheard-of", "coder.event/2")


@pytest.mark.parametrize("line", ["[]", "1", "null", "{}", '{"run": 1}', "{" * 100_000])
def test_a_line_that_is_no_event_stops_no_reader(path, line):
    path.write_text(line + "\n" + Event("r", 7, "now", "a", "b").to_json() + "\n")
    read, cut = read_events(path)
    assert read.seq == 7
    assert cut.data == {"bytes": len(line) + 1}


def test_a_log_that_is_not_there_has_no_events(path):
    assert list(read_events(path)) == []


def test_a_full_disk_is_said_in_words_and_leaves_whole_lines(path, monkeypatch):
    log = EventLog(path, "r")
    log.append("a", "b")
    real = os.write
    monkeypatch.setattr(os, "write", _fails_after_ten_bytes(real))
    with pytest.raises(EnvironmentFault, match=r"disk is full.*CODER_HOME"):
        log.append("a", "c")
    monkeypatch.setattr(os, "write", real)
    log.append("a", "d")
    assert [(event.seq, event.kind) for event in read_events(path)] == [(1, "b"), (2, "d")]


def _fails_after_ten_bytes(real):
    written = 0

    def write(descriptor, data):
        nonlocal written
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(descriptor, bytes(data[:10]))
        return written

    return write


def test_killed_while_writing_nothing_acknowledged_is_lost(path):
    program = (
        "import sys; from pathlib import Path; from coder.record.events import EventLog\n"
        "log = EventLog(Path(sys.argv[1]), 'r')\n"
        "while True: print(log.append('a', 'b', {'text': 'x' * 5000}).seq, flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        acknowledged = [int(process.stdout.readline()) for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().splitlines()]
    seqs = [event.seq for event in read_events(path) if event.kind == "b"]
    assert seqs == list(range(1, len(seqs) + 1))
    assert seqs[-1] >= acknowledged[-1]
