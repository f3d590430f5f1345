"""What a repository's tests need is read from its files, and nothing outside it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from coder_sandbox.requirements import Requirements, read_requirements

UV = """
version = 1
[[package]]
name = "app"
version = "0.1"
source = { editable = "." }
dependencies = [{ name = "requests" }, { name = "pywin32", marker = "sys_platform == 'win32'" }]
[package.dev-dependencies]
dev = [{ name = "pytest" }]
[[package]]
name = "requests"
version = "2.32.0"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "pywin32"
version = "306"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "pytest"
version = "8.4.0"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "forked"
version = "1.0"
source = { git = "https://example.org/x.git" }
"""
POETRY = """
[[package]]
name = "requests"
version = "2.32.0"
optional = false
[package.dependencies]
colorama = { version = "*", markers = "platform_system == 'Windows'" }
idna = ">=2"
[[package]]
name = "colorama"
version = "0.4.6"
optional = false
[[package]]
name = "idna"
version = "3.7"
optional = false
[[package]]
name = "extra"
version = "1"
optional = true
[[package]]
name = "local"
version = "1"
[package.source]
type = "directory"
url = "../local"
"""
PYLOCK = """
lock-version = "1.0"
[[packages]]
name = "attrs"
version = "25.1.0"
[[packages]]
name = "colorama"
version = "0.4.6"
marker = "os_name == 'nt'"
[[packages]]
name = "vcs"
[packages.vcs]
type = "git"
"""
PROJECT = """
[project]
name = "app"
dependencies = ["requests>=2"]
[project.optional-dependencies]
test = ["pytest"]
docs = ["sphinx"]
[dependency-groups]
dev = ["hypothesis", { include-group = "test" }]
"""


def read(tmp_path: Path, files: dict[str, str]) -> Requirements:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return read_requirements(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "lines", "left_out"),
    [
        (
            "uv.lock",
            UV,
            ("requests==2.32.0", "pywin32==306 ; (sys_platform == 'win32')", "pytest==8.4.0"),
            ("app", "forked"),
        ),
        (
            "poetry.lock",
            POETRY,
            ("requests==2.32.0", "colorama==0.4.6 ; (platform_system == 'Windows')", "idna==3.7"),
            ("local",),
        ),
        ("pylock.toml", PYLOCK, ("attrs==25.1.0", "colorama==0.4.6 ; os_name == 'nt'"), ("vcs",)),
    ],
)
def test_a_lock_is_taken_whole(
    tmp_path: Path, name: str, text: str, lines: tuple[str, ...], left_out: tuple[str]
) -> None:
    found = read(tmp_path, {name: text, "requirements.txt": "other"})
    assert (found.lines, found.left_out, found.sources, found.locked) == (lines, left_out, (name,), True)


def test_requirement_files_are_followed_inside_the_repository(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {
            "requirements.txt": "a==1  # why\n\n-r requirements/more.txt\n-r requirements.txt\n-c limits.txt\n",
            "requirements/more.txt": "b \\\n  >= 2\n./local\n-e .\nc @ git+https://e.org/c\n--index-url https://evil.example\n",
            "requirements-dev.txt": "a==1\nd[x]; python_version > '3.9'\n",
        },
    )
    assert found.lines == ("a==1", "b    >= 2", "d[x]; python_version > '3.9'")
    assert found.left_out == ("./local", "-e .", "c @ git+https://e.org/c")
    assert not found.locked


def test_nothing_outside_the_repository_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("password\n")
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "requirements.txt").symlink_to("../secret.txt")
    assert read_requirements(repo).lines == ()
    (repo / "requirements-dev.txt").write_text("-r ../secret.txt\n")
    with pytest.raises(ValueError, match=r"requirements-dev.txt: it includes ../secret.txt"):
        read_requirements(repo)


def test_a_project_table_with_its_test_groups(tmp_path: Path) -> None:
    found = read(tmp_path, {"pyproject.toml": PROJECT})
    assert (found.lines, found.sources) == (("requests>=2", "pytest", "hypothesis"), ("pyproject.toml",))


def test_setup_cfg(tmp_path: Path) -> None:
    text = "[options]\ninstall_requires =\n  a\n  b>1\n[options.extras_require]\ntest = c\ndocs = d\n"
    assert read(tmp_path, {"setup.cfg": text}).lines == ("a", "b>1", "c")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[project]\ndependencies = ["a", "b\\n--index-url=http://evil"]'),
        ("pyproject.toml", '[project]\ndependencies = ["a", "--extra-index-url http://evil"]'),
        ("pyproject.toml", '[project]\ndependencies = ["a", "b @ http://evil/b.whl", "-r /etc/passwd", "file:///x"]'),
        ("setup.cfg", "[options]\ninstall_requires =\n  a\n  --index-url http://evil\n"),
        ("requirements.txt", "a\nb --global-option=x\ngit+ssh://evil/x\n"),
        ("uv.lock", '[[package]]\nname = "a"\nversion = "1"\n[[package]]\nname = "--index-url=x\\na"\nversion = "1"\n'),
    ],
)
def test_no_file_of_the_repository_says_which_index_is_asked(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = read_requirements(tmp_path)
    assert found.lines in (("a",), ("a==1",)) and found.left_out


def test_hashes_and_markers_are_kept(tmp_path: Path) -> None:
    lines = ["a==1 --hash=sha256:00 --hash=sha256:11", "b[x]>=2 ; python_version < '4'", "c==1!2.0"]
    (tmp_path / "requirements.txt").write_text("\n".join(lines))
    assert read_requirements(tmp_path).lines == tuple(lines)


@pytest.mark.parametrize("text", ["project = 1", "[project]\ndependencies = [1]", "[dependency-groups]\ntest = 1"])
def test_tables_that_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ValueError, match="not what it should be"):
        read_requirements(tmp_path)


def test_nothing_that_says_it(tmp_path: Path) -> None:
    assert read_requirements(tmp_path) == Requirements((), (), False)


@pytest.mark.parametrize(
    ("name", "text"), [("uv.lock", "["), ("pyproject.toml", "a = "), ("setup.cfg", "no section\n")]
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        read(tmp_path, {name: text})
