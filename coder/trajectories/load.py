"""From a file to its trajectory: which of the formats it is, is told by its content."""

from __future__ import annotations

import json
from pathlib import Path

from coder.trajectories import atif, mini_swe, own
from coder.trajectories.contract import Trajectory, TrajectoryError

MOST_BYTES = 512 << 20
_KNOWN = "ATIF (schema_version ATIF-v1.x), mini-swe-agent's .traj.json and coder's events.jsonl or run directory"


def load(path: Path) -> Trajectory:
    """Read a trajectory. TrajectoryError, with the path in it, for whatever cannot be read as one."""
    try:
        if path.is_dir() or path.suffix == ".jsonl":
            return own.read(path)
        if path.stat().st_size > MOST_BYTES:
            raise TrajectoryError(f"more than {MOST_BYTES >> 20} MB")
        data = json.loads(path.read_bytes())
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
