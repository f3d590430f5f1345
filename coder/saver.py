"""Where LangGraph keeps the checkpoints: SQLite in the run's directory, or a Postgres server that the user names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coder.errors import EnvironmentFault

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

VARIABLE = "CODER_CHECKPOINTS"
"""Names a Postgres server (postgresql://...). It may hold a password, so it is kept in no file of a run."""


def kind() -> str:
    """Which of the two is used now."""
    return "postgres" if os.environ.get(VARIABLE) else "sqlite"


@contextmanager
def open_saver(run_dir: Path) -> Iterator[BaseCheckpointSaver[Any]]:
    """The saver for the runs of this process. EnvironmentFault if the server cannot be used."""
    os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # read when langgraph is imported: a checkpoint may name no code
    if url := os.environ.get(VARIABLE):
        with _postgres(url) as saver:
            yield saver
        return
    from coder.sqlite_saver import NewestSqliteSaver

    with NewestSqliteSaver.from_conn_string(str(run_dir / "checkpoints.sqlite")) as saver:
        yield saver


@contextmanager
def _postgres(url: str) -> Iterator[BaseCheckpointSaver[Any]]:
    try:
        import psycopg
        from langgraph.checkpoint.postgres import PostgresSaver
    except ImportError as error:
        raise EnvironmentFault(
            f"{VARIABLE} is set, but what it needs is not installed: pip install 'coder-agent[postgres]'"
        ) from error
    try:
        with PostgresSaver.from_conn_string(url) as saver:
            saver.setup()
            yield saver
    except psycopg.OperationalError as error:
        words = str(error).strip().splitlines()[0]
        raise EnvironmentFault(
            f"the Postgres server that {VARIABLE} names cannot be used: {words}; the run can be resumed when it can"
        ) from error
