"""A secret in a source file, printed by a test, or in the environment reaches no prompt, no record and no screen;
and the patch around it is exact all the same.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder import run
from coder.cli import report
from coder.cli.show import story
from coder.github.summary import markdown
from coder.record.events import Event, EventLog
from coder.record.mask import Blindfold, Masker
from coder.record.store import RunStore
from coder.task import Request

# Put together here, so that no scanner takes this file for a leak.
TOKEN = "gh" + "p_" + "a1B2c3D4" * 4 + "e5F6"
OTHER = "gh" + "p_" + "Z9y8X7w6" * 4 + "v5U4"
PASSWORD = "correct-horse-of-the-host"

CLIENT = f'''API_TOKEN = "{TOKEN}"
OLD_TOKEN = "{OTHER}"
# the password on the build machine is {PASSWORD}


def slug(text):
    return text
'''
TEST = """from client import API_TOKEN, slug

def test_slug():
    print("using", API_TOKEN)
    assert (slug("A b--C"), API_TOKEN) == ("a-b-c", API_TOKEN)
"""
EDITS = [
    {
        "path": "client.py",
        "search": "    return text",
        "replace": '    return "-".join(re.findall("[a-z]+", text.lower()))',
    },
    {
        "path": "client.py",
        "search": 'API_TOKEN = "[masked:github-token]"',
        "replace": 'import re\n\nAPI_TOKEN = "[masked:github-token]"',
    },
]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    top = tmp_path / "repo"
    top.mkdir()
    (top / "client.py").write_text(CLIENT)
    (top / "test_client.py").write_text(TEST)
    return top


def leaks(text: str) -> list[str]:
    return [secret for secret in (TOKEN, OTHER, PASSWORD) if secret in text]


@pytest.mark.bwrap
def test_end_to_end(
    repo: Path,
    tmp_path: Path,
    fake_ollama: Callable[..., Any],
    target_env: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = [{"tool_calls": [{"name": "edit_file", "arguments": edit}]} for edit in EDITS]
    calls.append({"tool_calls": [{"name": "run_tests", "arguments": {}}]})
    fake = fake_ollama(replies=[{"content": "HYPOTHESIS: slug does nothing\nFILES: client.py\nEVIDENCE: it"}, *calls])
    monkeypatch.setenv("OLLAMA_HOST", fake.url)
    monkeypatch.setenv("DEPLOY_PASSWORD", PASSWORD)
    monkeypatch.setenv("VIRTUAL_ENV", str(target_env))
    store = RunStore(tmp_path / "home")
    events: list[Event] = []
    request = Request(repo, goal=f"test_slug, with {TOKEN}", tests=("test_client.py::test_slug",), time=300.0)
    result = run.fix(Request(**{**vars(request), "model": "ollama:gemma4:e4b"}), store, events.append)

    # what was sent
    prompts = json.dumps(fake.requests)
    assert "[masked:github-token]" in prompts and "[masked:github-token-2]" in prompts
    assert "[masked:DEPLOY_PASSWORD]" in prompts and not leaks(prompts)
    # what is recorded: all but the exact patch, and the stores that it and a resume are made from
    exact = {"changes.json", "base.json", "blobs.sqlite"}
    for path in Path(result.run_dir).rglob("*"):
        inside = path.relative_to(result.run_dir)
        if path.is_file() and inside.parts[0] not in ("base.git", "worktrees") and path.name not in exact:
            text = path.read_bytes().decode("utf-8", "replace")
            if path.name == "result.json":
                text = json.dumps({**json.loads(text), "patch": ""})
            assert not leaks(text), path
    # what is shown
    assert not leaks("\n".join(story(events))) and not leaks(markdown(result.to_dict(), "test_slug"))
    monkeypatch.setattr(report.sys.stdout, "isatty", lambda: True, raising=False)
    report.show_patch(result.patch)
    report.summarize(result)
    shown = capsys.readouterr()
    assert "[masked:github-token]" in shown.out and not leaks(shown.out + shown.err)
    # and the patch is what it has to be
    assert result.status == "fixed", result.reason
    assert TOKEN in result.patch and "[masked" not in result.patch
    subprocess.run(["git", "apply", "-"], cwd=repo, input=result.patch, text=True, check=True)
    fixed = (repo / "client.py").read_text()
    assert fixed == "import re\n\n" + CLIENT.replace(
        "return text", 'return "-".join(re.findall("[a-z]+", text.lower()))'
    )


def test_without_the_masks_all_of_it_would_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The control: what the run above writes and shows goes through these two."""

    def seen(name: str) -> str:
        log = EventLog(tmp_path / name, "run")
        log.append("run", "start", {"goal": f"test_slug, with {TOKEN}", "repo": "/repo"})
        log.close()
        monkeypatch.setattr(report.sys.stdout, "isatty", lambda: True, raising=False)
        report.show_patch(f"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-{TOKEN}\n+x\n")
        prompt = Blindfold({}).text(f"prompt {TOKEN}")
        return (tmp_path / name).read_text() + capsys.readouterr().out + prompt

    assert leaks(seen("masked")) == []
    monkeypatch.setattr(Masker, "text", lambda self, text: text)
    monkeypatch.setattr(Blindfold, "text", lambda self, text: text)
    assert seen("bare").count(TOKEN) == 3


def test_each_secret_has_a_marker_of_its_own_and_comes_back() -> None:
    blindfold = Blindfold({"A_PASSWORD": "https://x:y"})
    text = f"{TOKEN} {OTHER} {TOKEN} https://user:{'hunter2' * 3}@host https://x:y"
    masked = blindfold.text(text)
    assert masked.startswith("[masked:github-token] [masked:github-token-2] [masked:github-token] ")
    assert blindfold.restore(masked) == text
    assert blindfold.restore({"edits": [masked, 1, None]}) == {"edits": [text, 1, None]}


def test_a_marker_that_stands_for_nothing_stays() -> None:
    assert Blindfold({}).restore("[masked:github-token] [masked:x]") == "[masked:github-token] [masked:x]"


def test_only_the_variables_of_the_list_get_in(open_box: Any, isolating: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "GITHUB_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "SSH_AUTH_SOCK",
        "LD_PRELOAD",
        "HTTPS_PROXY",
        "PIP_INDEX_URL",
    ):
        monkeypatch.setenv(name, PASSWORD)
    box = open_box(isolating)
    done = box.run(
        [str(box.workspace.python), "-c", "import os, json; print(json.dumps(dict(os.environ)))"], timeout=20
    )
    seen = json.loads(done.stdout)
    assert PASSWORD not in done.stdout
    expected = {"PATH", "HOME", "TMPDIR", "LANG", "USER", "LOGNAME", "VIRTUAL_ENV", "PYTHONUSERBASE", "HOSTNAME", "PWD"}
    assert set(seen) <= expected | {"LC_CTYPE"}


def test_words_of_an_error_are_masked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from coder.cli import dispatch
    from coder.errors import EnvironmentFault

    def fail(verb: str) -> Any:
        raise EnvironmentFault(f"no answer from https://user:{'hunter2' * 2}@host with {TOKEN}")

    monkeypatch.setattr(dispatch, "_app", fail)
    assert dispatch.dispatch(["runs"]) == 3
    said = capsys.readouterr().err
    assert TOKEN not in said and "hunter2" not in said and "[masked:" in said


def test_masking_leaves_a_patch_of_ordinary_code_alone() -> None:
    patch = "".join(path.read_text() for path in Path(run.__file__).parent.glob("*.py"))
    assert Masker({}).text(patch) == patch
