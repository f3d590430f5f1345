"""Datasets are read as their formats say, and what is wrong with one is said with file and key."""

import json
import subprocess
from pathlib import Path

import pytest

from coder.errors import UsageError
from coder.evaluate.dataset import DatasetError, apply_patch, load

TASK = {"instance_id": "one", "goal": "failing test x", "fail_to_pass": ["t.py::x"], "pass_to_pass": "rest"}


def write_task(directory: Path, **changes: object) -> Path:
    lines = [f"{key} = {json.dumps(value)}" for key, value in (TASK | changes).items() if value is not None]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "task.toml").write_text("\n".join(lines))
    return directory


def write_rows(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def row(repo: Path, /, **changes: object) -> dict[str, object]:
    base = {"instance_id": "r-1", "repo": str(repo), "FAIL_TO_PASS": ["a"], "PASS_TO_PASS": ["b"]}
    return base | changes


def test_directory_of_tasks(tmp_path: Path) -> None:
    write_task(tmp_path / "b", instance_id="b", pass_to_pass=["t.py::y"])
    write_task(tmp_path / "a", instance_id="a", expect="not_fixed", needs="model")
    first, second = load(tmp_path)
    assert (first.id, first.expect, first.needs, first.pass_to_pass) == ("a", "not_fixed", "model", None)
    assert (second.id, second.pass_to_pass) == ("b", ("t.py::y",))


def test_one_task_alone(tmp_path: Path) -> None:
    assert [i.id for i in load(write_task(tmp_path / "a"))] == ["one"]


@pytest.mark.parametrize(
    "changes, key",
    [
        ({"goal": None}, "goal: is missing"),
        ({"goal": 3}, "goal: must be text"),
        ({"fail_to_pass": None}, "fail_to_pass: is missing"),
        ({"fail_to_pass": [1]}, "fail_to_pass: must be a list"),
        ({"pass_to_pass": "some"}, "pass_to_pass: neither"),
        ({"expect": "maybe"}, "expect: must be one of fixed, not_fixed"),
        ({"needs": "luck"}, "needs: must be one of search, model"),
        ({"instance_id": "../up"}, "instance_id: letters"),
    ],
)
def test_a_wrong_key_is_named_with_its_file(tmp_path: Path, changes: dict[str, object], key: str) -> None:
    write_task(tmp_path / "a", **changes)
    with pytest.raises(DatasetError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'a' / 'task.toml'}: {key}")
    assert isinstance(caught.value, UsageError)


def test_a_task_that_is_no_toml(tmp_path: Path) -> None:
    write_task(tmp_path / "a").joinpath("task.toml").write_text("goal = ")
    with pytest.raises(DatasetError, match=r"task\.toml: cannot be read"):
        load(tmp_path)


def test_the_same_id_twice(tmp_path: Path) -> None:
    write_task(tmp_path / "a")
    write_task(tmp_path / "b")
    with pytest.raises(DatasetError, match="instance_id: 'one' is there twice"):
        load(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", write_rows(tmp_path / "rows.jsonl")):
        with pytest.raises(DatasetError, match=str(path)):
            load(path)


@pytest.mark.parametrize("ids", [["a", "b"], '["a", "b"]'], ids=["list", "text"])
def test_rows_with_lists_and_with_the_text_of_lists(tmp_path: Path, ids: object) -> None:
    (instance,) = load(write_rows(tmp_path / "rows.jsonl", row(tmp_path, FAIL_TO_PASS=ids, problem_statement="Help")))
    assert instance.fail_to_pass == instance.tests == ("a", "b")
    assert (instance.goal, instance.pass_to_pass) == ("Help", ("b",))


@pytest.mark.parametrize(
    "changes, key", [({"FAIL_TO_PASS": "a, b"}, "FAIL_TO_PASS"), ({"repo": "nowhere/at-all"}, "repo")]
)
def test_a_wrong_row_is_named_with_its_line(tmp_path: Path, changes: dict[str, object], key: str) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", row(tmp_path), row(tmp_path, instance_id="r-2", **changes))
    with pytest.raises(DatasetError, match=rf"rows\.jsonl:2: {key}: "):
        load(rows)


def test_a_row_is_made_from_its_commit_and_test_patch(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    git = ["git", "-C", str(repo), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    (repo / "code.py").write_text("old\n")
    for argv in (["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *argv], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    (repo / "code.py").write_text("new\n")
    subprocess.run([*git, "commit", "-qam", "two"], check=True)
    patch = "--- /dev/null\n+++ b/test_new.py\n@@ -0,0 +1 @@\n+assert True\n"
    (instance,) = load(write_rows(tmp_path / "rows.jsonl", row(repo, base_commit=commit, test_patch=patch)))
    made = instance.materialise(tmp_path / "made")
    assert (made / "code.py").read_text() == "old\n"
    assert (made / "test_new.py").read_text() == "assert True\n"


def test_a_filter_of_the_callers_is_not_run_for_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo, seen = tmp_path / "repo", tmp_path / "seen"
    git = ["git", "-C", str(repo), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    (repo / "code.py").write_text("old\n")
    (repo / ".gitattributes").write_text("*.py filter=trap\n")
    for argv in (["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *argv], check=True)
    (tmp_path / "config").write_text(f'[filter "trap"]\n\tsmudge = touch {seen} && cat\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    subprocess.run(["git", "clone", "-q", str(repo), str(tmp_path / "plain")], check=True)
    assert seen.exists(), "the trap works"
    seen.unlink()
    (instance,) = load(write_rows(tmp_path / "rows.jsonl", row(repo, base_commit="HEAD")))
    assert (instance.materialise(tmp_path / "made") / "code.py").read_text() == "old\n"
    assert not seen.exists()


def test_a_commit_that_is_not_there(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    (instance,) = load(write_rows(tmp_path / "rows.jsonl", row(tmp_path / "repo", base_commit="0" * 40)))
    with pytest.raises(DatasetError, match="base_commit"):
        instance.materialise(tmp_path / "made")


def test_a_patch_cannot_leave_its_directory(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(DatasetError, match="is refused"):
        apply_patch(inside, "--- /dev/null\n+++ b/../outside.txt\n@@ -0,0 +1 @@\n+x\n")
    assert not (tmp_path / "outside.txt").exists()
