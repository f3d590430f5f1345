"""The faults coder foresees, each with its exit code. The message is for the reader: what failed, why, what to do."""

from __future__ import annotations


class CoderError(Exception):
    """A foreseeable fault: shown as its message, without a traceback."""

    exit_code = 1
    status = "not_fixed"


class UsageError(CoderError):
    """Something in the request is wrong: no such test, no such repository, a broken configuration file."""

    exit_code = 2
    status = "usage_error"


class EnvironmentFault(CoderError):
    """The environment cannot do it: no sandbox, tests cannot run, endpoint unreachable, disk full."""

    exit_code = 3
    status = "environment_error"


class NothingToFix(CoderError):
    """The goal already passes."""

    exit_code = 4
    status = "already_passing"
