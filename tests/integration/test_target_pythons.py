"""Whatever Python the repository has, from 3.8 on: collected, traced, repaired and verified on that Python."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from coder.record.result import Result

CACHE = Path(__file__).parents[2] / ".cache" / "pythons"
VERSIONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]
SOURCE = """\
def spread(values):
    total = sum(value for value in values)
    mean = total / len(values)
    return max(values) + min(values), mean


def label(value):
    if value > 10:
        return "high"
    return "low"
"""
TESTS = """\
import sys
import pytest
from stats import label, spread

def test_python():
    assert "%d.%d" % sys.version_info[:2] == "VERSION"

@pytest.mark.parametrize("values, expected", [([1, 2, 6], 5), ([4, 4], 0)])
def test_spread(values, expected):
    assert spread(values)[0] == expected

def test_mean():
    assert spread([1, 3])[1] == 2

def test_label():
    assert [label(10), label(11)] == ["low", "high"]
"""
UNITTESTS = """\
import sys
import unittest
from stats import label, spread

class StatsTest(unittest.TestCase):
    def test_python(self):
        self.assertEqual("%d.%d" % sys.version_info[:2], "VERSION")

    def test_spread(self):
        for values, expected in [([1, 2, 6], 5), ([4, 4], 0)]:
            with self.subTest(values=values):
                self.assertEqual(spread(values)[0], expected)

    def test_label(self):
        self.assertEqual([label(10), label(11)], ["low", "high"])
"""


def installed(version: str) -> Path | None:
    """An interpreter of this version on PATH or among pyenv's that can make environments."""
    on_path = shutil.which(f"python{version}")
    found = [Path(on_path)] if on_path else []
    found += [folder / "bin" / "python" for folder in (Path.home() / ".pyenv" / "versions").glob(f"{version}.*")]
    for python in found:
        if subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode == 0:
            return python
    return None


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def interpreter(version: str) -> Path:
    python = installed(version)
    if python is None:
        pytest.skip(f"no Python {version} is installed here")
    return python


@pytest.fixture
def environment(version: str, interpreter: Path) -> Path:
    """An environment of that Python with the pytest that its package registry has for it; kept between runs."""
    place = CACHE / version
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "ready").exists():
            subprocess.run([interpreter, "-m", "venv", "--clear", place], check=True, capture_output=True)
            pip = [place / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            subprocess.run([*pip, "--only-binary", ":all:", "pytest>=7"], check=True, capture_output=True)
            (place / "ready").touch()
    return place


pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.bwrap]


def test_a_fix_with_pytest(
    version: str, environment: Path, make: Callable[..., Path], fix: Callable[..., Result], monkeypatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(environment))
    repo = make({"stats.py": SOURCE, "test_stats.py": TESTS.replace("VERSION", version)})
    result = fix(repo, "test_spread", time=120.0)
    assert result.status == "fixed", result.reason
    assert "+    return max(values) - min(values), mean" in result.patch
    assert (result.verification.goal_passed, result.verification.still_passing) == (2, 3)


@pytest.mark.parametrize("version", ["3.8", "3.13"])
def test_a_fix_with_unittest(
    version: str, environment: Path, make: Callable[..., Path], fix: Callable[..., Result], monkeypatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(environment))
    repo = make({"stats.py": SOURCE, "test_stats.py": UNITTESTS.replace("VERSION", version)})
    result = fix(repo, "test_spread", test_cmd="python -m unittest", time=120.0)
    assert result.status == "fixed", result.reason
    assert "+    return max(values) - min(values), mean" in result.patch
    assert (result.verification.goal_passed, result.verification.still_passing) == (1, 2)
