"""The fixtures of other languages, and what each needs of this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from coder.evaluate.dataset import Instance, load

FIXTURES = Path(__file__).parents[2] / "eval_repos" / "languages"
INSTALLED = Path(__file__).parents[2] / ".cache" / "languages"  # made by `make test-languages`, with node_modules in it
TOOLS = {
    "cargo": ("cargo",),
    "command_junit": ("sh",),
    "ctest": ("cmake", "cc"),
    "exit_code": ("awk",),
    "go": ("go",),
    "gradle": ("gradle", "javac"),
    "jest": ("node",),
    "make": ("make", "cc"),
    "maven": ("mvn", "javac"),
    "node_test": ("node",),
    "vitest": ("node",),
}
PACKAGES = ("jest", "vitest")
SLOW = ("ctest", "gradle", "maven")
FILES = {  # beyond the tools, what a fixture takes from this machine
    "gradle": Path("/usr/share/java/junit4.jar"),
    "maven": Path.home()
    / ".m2/repository/org/junit/jupiter/junit-jupiter-engine/5.10.2/junit-jupiter-engine-5.10.2.jar",
}
INSTANCES = {instance.id: instance for instance in load(FIXTURES)}


def needs(instance: Instance) -> None:
    for tool in TOOLS[instance.id]:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if instance.id in SLOW and not os.environ.get("CODER_EVERY"):
        pytest.skip(f"{instance.id} takes its time: make test-languages")
    if instance.id in FILES and not FILES[instance.id].exists():
        pytest.skip(f"{FILES[instance.id]} is not there")
    if instance.id in PACKAGES and not (INSTALLED / instance.id / "node_modules").is_dir():
        pytest.skip(f"{instance.id} is not installed: make test-languages")


def installed(instance: Instance, repo: Path) -> Path:
    """The fixture's repository made anew, with its packages."""
    instance.materialise(repo)
    if instance.id in PACKAGES:
        packages = INSTALLED / instance.id / "node_modules"
        shutil.copytree(packages, repo / "node_modules", symlinks=True, copy_function=os.link)
    return repo
