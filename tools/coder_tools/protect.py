"""Which files are not to be edited, and why: tests, their fixtures and configuration, git, CI."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from coder_sandbox.paths import GIT_NAMES, plain_name

_TEST_DIRECTORIES = frozenset({"test", "tests", "__tests__"})
_FIXTURE_DIRECTORIES = frozenset({"fixtures", "testdata", "test_data", "__snapshots__", "__mocks__", "cassettes"})
_TEST_FILE = re.compile(
    r"(test_.*|.*_tests?|tests?)\.py[iwx]?"
    r"|.*[._-](test|spec)\.[cm]?[jt]sx?"
    r"|.*_test\.(go|rs|c|cc|cpp)"
    r"|(test.+|.+tests?)\.(java|kt)"
)
_TEST_CONFIGURATION = frozenset(
    {
        "conftest.py",
        "pytest.ini",
        ".pytest.ini",
        "pytest.toml",
        ".pytest.toml",
        "tox.ini",
        "tox.toml",
        "setup.cfg",
        "pyproject.toml",
        "noxfile.py",
        ".coveragerc",
        "sitecustomize.py",
        "usercustomize.py",
    }
)
_CI_FILES = frozenset(
    {
        *(".gitlab-ci.yml", ".gitlab-ci.yaml", ".travis.yml", "azure-pipelines.yml", "azure-pipelines.yaml"),
        *("action.yml", "action.yaml", "bitbucket-pipelines.yml", ".drone.yml", ".woodpecker.yml", ".woodpecker.yaml"),
        *("appveyor.yml", ".appveyor.yml", ".cirrus.yml", "cloudbuild.yaml", "cloudbuild.yml", "buildspec.yml"),
        *(".readthedocs.yaml", ".readthedocs.yml", ".pre-commit-config.yaml", ".envrc"),
    }
)
_CI_DIRECTORIES = frozenset(
    {
        *(".github", ".circleci", ".gitlab", ".ci", ".buildkite", ".gitea", ".forgejo", ".woodpecker", ".semaphore"),
        *(".teamcity", ".azure-pipelines", ".husky", ".vscode", ".devcontainer"),
    }
)
INLINE = (".rs",)
"""Suffixes of files in which tests stand beside the code under test: there a part of a file is protected."""
_GIT_FILES = frozenset({".gitmodules", ".gitattributes"})


def forbidden(path: str, allow_config: bool = False) -> str:
    """Why this path is not edited, tests or not; "" if it may be. `allow_config`: CI's and coder's own files may."""
    parts = [plain_name(part) for part in path.split("/")]
    if GIT_NAMES.intersection(parts) or parts[-1] in _GIT_FILES:
        return "it belongs to git"
    if allow_config:
        return ""
    name = parts[-1]
    if parts[0] in _CI_DIRECTORIES or name in _CI_FILES or name.startswith("jenkinsfile"):
        return "it is run by CI or by developers' tools, with rights that the project has given them"
    if parts[-1] == ".coder.toml" or parts[0] == ".coder":
        return "it is coder's own configuration"
    return ""


def is_protected(path: str, collected: Collection[str] = (), allow_config: bool = False) -> str:
    """Why this path is not edited unless test edits are allowed; "" if it may be.

    `collected` are the files in which tests were collected, whatever they are called.
    """
    parts = path.lower().split("/")
    if reason := forbidden(path, allow_config):
        return reason
    if parts[-1] in _TEST_CONFIGURATION or parts[-1].endswith(".pth"):
        return "it is test configuration"
    if _FIXTURE_DIRECTORIES.intersection(parts[:-1]):
        return "it is a test fixture"
    if path in collected or _TEST_DIRECTORIES.intersection(parts[:-1]) or _TEST_FILE.fullmatch(parts[-1]):
        return "it is a test"
    return ""


def collected_files(ids: Iterable[str]) -> frozenset[str]:
    """The files of these tests, which are protected whatever they are called; not those of the code under test."""
    return frozenset(path for test_id in ids if not (path := test_id.split("::")[0]).endswith(INLINE))


def test_only_code(path: str, data: bytes) -> tuple[bytes, ...]:
    """What of a Rust file is compiled for its tests alone, or asks whether it is, and its documentation's examples; of
    a Python file the docstrings with examples.

    There tests stand in the files of the code under test: these parts of it are as protected as a test file. Empty for
    every other language.
    """
    if path.endswith(".py"):
        from coder_tools.doctests import python_examples

        return python_examples(data)
    if not path.endswith(INLINE) or (b"test" not in data and b"```" not in data):
        return ()
    from coder_tools.inline_tests import rust_tests

    return rust_tests(path, data)


test_only_code.__test__ = False  # type: ignore[attr-defined]


def bends_tests(path: str, before: bytes, after: bytes) -> bool:
    """Whether a change of a file changes what of it is there for tests only."""
    return test_only_code(path, before) != test_only_code(path, after)
