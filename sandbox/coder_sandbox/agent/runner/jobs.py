"""Reads the job of a runner process, and does it with the runner that the target has."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from typing import Any, Tuple

from .library import library
from .limit import heed
from .report import Record, hide, reporter


def _read_job() -> Tuple[Record, Any]:
    """The job, and where commands come from after it. Standard input is empty from then on."""
    commands = os.fdopen(hide(os.dup(0)), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    job = json.loads(commands.readline())
    return job, commands


def main() -> None:
    """Do the job. Without a runner to do it with, says so in a record `unavailable`."""
    job, commands = _read_job()
    job["fd"] = hide(job["fd"])
    report = reporter(job["fd"], job["word"])
    if job["do"] == "library":
        library(job, report)
        return
    runner = job["runner"]
    has_pytest = runner != "unittest" and importlib.util.find_spec("pytest") is not None
    if runner == "pytest" and not has_pytest:
        report({"unavailable": f"No module named pytest in {sys.executable}."})
        return
    if has_pytest:
        from . import pytest_runner as module
    else:
        from . import unittest_runner as module  # type: ignore[no-redef]
    report({"runner": "pytest" if has_pytest else "unittest"})
    if job["do"] == "warm":
        module.serve(job, report, commands)
        return
    commands.close()
    if job["do"] == "tests":
        heed()
    {"collect": module.collect, "tests": module.run, "candidate": module.candidate}[job["do"]](job, report)
