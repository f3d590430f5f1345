"""Earlier contents of the base's files, read from repositories of every kind, and nothing run in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox.history import VERSIONS, earlier_versions
from coder_sandbox.snapshot import Base

Take = Callable[[Path], Base]


@pytest.fixture
def take(tmp_path: Path) -> Take:
    return lambda repo: Base.take(repo, tmp_path / "run")


def test_the_last_versions_newest_first(make_repo: Any, git: Any, take: Take) -> None:
    repo: Path = make_repo({"m.py": "0\n", "other.py": ""})
    for number in range(1, 6):
        (repo / "m.py").write_text(f"{number}\n")
        git(repo, "commit", "-qam", str(number))
    base = take(repo)
    assert earlier_versions(base, "m.py") == tuple(b"%d\n" % n for n in range(4, 4 - VERSIONS, -1))
    assert earlier_versions(base, "other.py") == ()
    assert earlier_versions(base, "none.py") == ()


def test_what_is_not_committed_is_a_change_like_any_other(make_repo: Any, git: Any, take: Take) -> None:
    repo: Path = make_repo({"m.py": "committed\n"})
    (repo / "m.py").write_text("edited\n")
    assert earlier_versions(take(repo), "m.py") == (b"committed\n",)


def test_below_the_top_of_the_repository(make_repo: Any, git: Any, take: Take) -> None:
    repo: Path = make_repo({"part/m.py": "committed\n", "m.py": "another\n"})
    (repo / "part" / "m.py").write_text("edited\n")
    assert earlier_versions(take(repo / "part"), "m.py") == (b"committed\n",)


def test_without_commits_or_without_git_there_is_none(make_repo: Any, take: Take, tmp_path: Path) -> None:
    assert earlier_versions(take(make_repo({"m.py": "x\n"}, commit=False)), "m.py") == ()
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "m.py").write_text("x\n")
    assert earlier_versions(take(plain), "m.py") == ()


def test_the_users_git_configuration_starts_nothing(make_repo: Any, git: Any, take: Take, tmp_path: Path) -> None:
    repo: Path = make_repo({"m.py": "committed\n", ".gitattributes": "*.py diff=x filter=x\n"})
    trap = tmp_path / "trap"
    for name, value in {
        "diff.external": f"touch {trap}",
        "diff.x.textconv": f"touch {trap}",
        "filter.x.smudge": f"touch {trap}",
        "gpg.program": f"touch {trap}",
        "core.pager": f"touch {trap}",
        "log.showSignature": "true",
    }.items():
        git(repo, "config", name, value)
    (repo / "m.py").write_text("edited\n")
    assert earlier_versions(take(repo), "m.py") == (b"committed\n",)
    assert not trap.exists()
