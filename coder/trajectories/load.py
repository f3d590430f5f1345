"""From a file to its trajectory: which of the formats it is, is told by its content."""

from __future__ import annotations

import json
import stat
from contextlib import suppress
from pathlib import Path

from coder.trajectories import atif, mini_swe, own
from coder.trajectories.contract import Trajectory, TrajectoryError

MOST_BYTES = 512 << 20
_KNOWN = "ATIF (schema_version ATIF-v1.x), mini-swe-agent's .traj.json and coder's events.jsonl or run directory"

_TOO_LARGE = f"more than {MOST_BYTES >> 20} MB"


def load(path: Path) -> Trajectory:
    """Read a trajectory. TrajectoryError, with the path in it, for whatever cannot be read as one."""
    try:
        source = path / "events.jsonl" if path.is_dir() else path
        _check(source)
        if source.suffix == ".jsonl":
            return own.read(source)
        with source.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:  # of a pipe nobody knows it before
            raise TrajectoryError(_TOO_LARGE)
        data = json.loads(content)
        for reader in (atif, mini_swe):
            if reader.matches(data):
                found: Trajectory = reader.read(data)
                if not found.steps:
                    raise TrajectoryError("it has no step of an agent")
                return found
    except OSError as error:
        raise TrajectoryError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise TrajectoryError(f"{path}: not JSON: {error}; known are {_KNOWN}") from error
    except TrajectoryError as error:
        raise TrajectoryError(f"{path}: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise TrajectoryError(f"{path}: a field is missing or of the wrong kind: {error}") from error
    raise TrajectoryError(f"{path}: not a trajectory that is known here; known are {_KNOWN}")


def _check(path: Path) -> None:
    """Raise TrajectoryError for what has no end, or too late a one. A file that is not there is the reader's."""
    with suppress(FileNotFoundError):
        status = path.stat()
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            raise TrajectoryError("it is a device, not a file")
        if status.st_size > MOST_BYTES:
            raise TrajectoryError(_TOO_LARGE)
