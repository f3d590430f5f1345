"""What comes from outside, made up: every target answers or refuses in words, and writes nowhere but where it may.

CODER_FUZZ says how many cases a target has (`make fuzz`: 10,000).
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coder import config
from coder.errors import CoderError
from coder.record.events import EventLog, read_events
from coder_sandbox import objects, patches, paths, worktree
from coder_sandbox.client import AgentClient
from coder_sandbox.contract import Limits, SandboxError, Workspace
from coder_sandbox.faults import SnapshotError
from coder_tools.calls import TOOLS
from coder_tools.protect import is_protected
from coder_tools.toolbox import Toolbox
from coder_tools.workspace import Workspace as Tree

CASES = int(os.environ.get("CODER_FUZZ", "60"))
fuzzed = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

SCRAPS = [
    "..",
    "/",
    ".git",
    "~",
    "\0",
    "\n",
    "a.py",
    "tests/test_a.py",
    "\x1b[2J",
    "\ud800",
    "é",
    ".github/x",
    "x" * 300,
    "\\",
    "C:",
]
PARTS = st.one_of(st.sampled_from(SCRAPS), st.text(max_size=8))
NAMES = st.builds("/".join, st.lists(PARTS, max_size=4)) | st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
FILES = {"a.py": b"def a():\n    return 1\n", "tests/test_a.py": b"def test(): assert False\n", "link": b"../out"}
KEYS = st.sampled_from(["path", "search", "replace", "content", "function", "pattern", "name", "start", "end"]) | NAMES


def outside_of(top: Path) -> list[str]:
    return sorted(str(p.relative_to(top)) for p in top.iterdir() if p.name != "tree")


@fuzzed
@given(name=st.sampled_from(sorted(TOOLS)) | NAMES, arguments=st.dictionaries(KEYS, JSON, max_size=4) | JSON)
def test_fuzz_tool_arguments(name: str, arguments: Any) -> None:
    changes: dict[str, bytes | None] = {}
    result = Toolbox(Tree(FILES.__getitem__, list(FILES), changes, is_protected), {}).run(name, arguments)
    assert isinstance(result.text, str) and (result.ok or result.text)
    assert not any(is_protected(path) or ".." in path.split("/") or path.startswith("/") for path in changes)


@fuzzed
@given(changes=st.dictionaries(NAMES, st.binary(max_size=9) | st.none(), max_size=3))
def test_fuzz_changes_written_to_a_worktree(changes: dict[str, bytes | None]) -> None:
    entries = {
        path: objects.entry_of(data, objects.LINK if path == "link" else objects.FILE) for path, data in FILES.items()
    }
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        (top / "tree").mkdir()
        try:
            kept = paths.checked(changes, entries, {})
            data = {**FILES, **kept}
            wanted = {**entries, **{p: objects.entry_of(d, objects.FILE) for p, d in kept.items() if d is not None}}
            for path in [p for p, d in kept.items() if d is None]:
                del wanted[path]
            worktree.fill(top / "tree", wanted, lambda path: data[path] or b"")
        except SnapshotError as error:
            assert str(error).isprintable()
        except (OSError, UnicodeEncodeError):
            pass  # a name that this file system has not
        assert outside_of(top) == []


HEADERS = st.sampled_from(
    [
        *("diff --git a/{0} b/{0}", "--- a/{0}", "+++ b/{0}", "--- /dev/null", "rename to {0}", "new mode 120000"),
        *("new file mode 100644", "@@ -0,0 +1 @@", "@@ -1 +1,9999999 @@", "GIT binary patch", "index 1..2 160000"),
        *("+{0}", "-{0}", " {0}"),
    ]
)


@fuzzed
@given(
    lines=st.lists(st.builds(lambda line, name: line.format(name), HEADERS, NAMES), max_size=8)
    | st.lists(st.text(), max_size=4)
)
def test_fuzz_patches(lines: list[str]) -> None:
    try:
        named = patches.paths_of("\n".join(lines) + "\n")
    except SnapshotError as error:
        assert str(error).startswith("the patch is refused")
    else:
        assert not any(paths.path_fault(path) for path in named)


NEW = "new file mode 100644\n"
BINARY = (
    f"{NEW}index {'0' * 40}..143a8c54b09b978215b38328a4e5331b4deb1f91\n"
    "GIT binary patch\nliteral 10\nRcmd1Lvr;H1EzaO#000v20|Ed5\n\n"
)
WRITTEN = st.builds(
    lambda prefix, name, quoted: '"' + f"{prefix}/{name}".replace(".", "\\056") + '"' if quoted else f"{prefix}/{name}",
    st.sampled_from(["a", "b", "zz", "a b", ""]),
    st.sampled_from(["a.py", "a b.py", ".github/x y.yml", ".github/x.yml", "é.py", "d/a.py"]),
    st.booleans(),
)
BODIES = st.sampled_from(
    [
        *("", NEW, BINARY, "deleted file mode 100644\n", "@@ -1,99 +1,99 @@\n"),
        "similarity index 100%\nrename from a.py\nrename to {2}\n",
        "similarity index 100%\nrename old a b.py\nrename new .github/x y.yml\n",
        "--- {0}\n+++ {1}\n@@ -1 +1 @@\n-x\n+y\n",
        NEW + "--- /dev/null\n+++ {1}\n@@ -0,0 +1 @@\n+x\n",
    ]
)
PATCHES = st.builds(
    lambda git, one, other, body: (f"diff --git {one} {other}\n" if git else "") + body.format(one, other, other[2:]),
    st.booleans() | st.just(True),
    WRITTEN,
    WRITTEN,
    BODIES,
)


@fuzzed
@given(parts=st.lists(PATCHES, min_size=1, max_size=2))
def test_fuzz_patches_that_git_understands(parts: list[str]) -> None:
    """No file that git would touch is left unnamed by the parser that decides what is refused."""
    try:
        named = patches.paths_of("".join(parts))
    except SnapshotError:
        return
    argv = ["git", "apply", "--numstat", "-z", "--unsafe-paths", "-"]
    env = {**os.environ, "GIT_DIR": os.devnull}
    done = subprocess.run(argv, input="".join(parts).encode(), capture_output=True, env=env, check=False)
    touched = {name for part in done.stdout.decode().split("\0") for name in part.split("\t")[-1:]} - {""}
    assert touched <= named


class Said:
    """A wire with an agent that says these bytes."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = [b'{"event": "ready", "python": "3.11.0"}\n', *pieces]

    def send(self, data: bytes, timeout: float) -> None: ...

    def receive(self, timeout: float) -> bytes | None:
        return self._pieces.pop(0) if self._pieces else b""

    def last_words(self) -> str:
        return ""

    def close(self) -> None: ...


LINES = st.builds(lambda value: json.dumps(value).encode() + b"\n", JSON) | st.binary(max_size=40)
REPLIES = st.builds(
    lambda body: json.dumps({"id": 1, **body}).encode() + b"\n",
    st.dictionaries(st.sampled_from(["result", "error", "event", "id"]), JSON, max_size=3),
)


@fuzzed
@given(pieces=st.lists(LINES | REPLIES, max_size=4))
def test_fuzz_agent_protocol_lines(pieces: list[bytes]) -> None:
    place = Path("/nowhere")
    client = AgentClient("said", Workspace(place, place, place), Limits(), Said(*pieces))
    try:
        client.request("anything", {}, timeout=1, on_event=lambda event: None)
    except SandboxError as error:
        assert str(error)


@fuzzed
@given(tail=st.binary(max_size=80) | LINES, cut=st.integers(0, 200))
def test_fuzz_event_log_tails(tail: bytes, cut: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "events.jsonl"
        log = EventLog(path, "run")
        log.append("run", "start", {"n": 1})
        log.append("run", "next", {"n": 2})
        log.close()
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) - cut] + tail if cut < len(whole) else tail)
        before = [event.kind for event in read_events(path)]
        again = EventLog(path, "run")
        again.append("run", "resumed")
        again.close()
        after = [event for event in read_events(path) if event.kind != "cut"]
        assert after[-1].kind == "resumed"
        assert [event.kind for event in after][: before.count("start")] == before[: before.count("start")]
        assert [p.name for p in Path(name).iterdir()] == ["events.jsonl"]


VALUES = st.sampled_from(
    ["true", "1", '"none"', '"auto"', "-1", "1e400", '"10m"', "[]", "{}", '"openai:x@http://e"', "nan"]
) | st.text(max_size=9)
SETTINGS = st.sampled_from([*config.Settings.model_fields, "unknown", "tool.coder"])


@fuzzed
@given(lines=st.lists(st.tuples(SETTINGS, VALUES), max_size=3), raw=st.binary(max_size=30))
def test_fuzz_configuration(lines: list[tuple[str, str]], raw: bytes) -> None:
    """A repository's file either does not widen anything, or is refused in words."""
    text = "".join(f"{key} = {value}\n" for key, value in lines).encode("utf-8", "surrogatepass")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / ".coder.toml").write_bytes(text if lines else raw)
        try:
            got = config.load(Path(name), {}, {}, Path(name) / "user").settings
        except CoderError as error:
            assert ".coder.toml" in str(error)
            return
        assert not (got.network or got.allow_test_edits or got.allow_config_edits or got.apply or got.commit)
        assert got.sandbox != "none" and not got.allow_host and got.model in ("auto", "none")
