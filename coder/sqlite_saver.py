"""A SQLite saver that keeps the newest checkpoints of a run alone: the older ones are never resumed from.

Every checkpoint holds the whole state, so keeping them all makes the file grow with the square of the steps. And each
waits for the disk, so nothing is written besides them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.sqlite import SqliteSaver

PRUNE_EVERY = 16  # checkpoints; each deletion waits for the disk


class NewestSqliteSaver(SqliteSaver):
    """Deletes what came before from time to time, once a new checkpoint is on the disk."""

    _puts = 0

    def __init__(self, conn: sqlite3.Connection) -> None:
        super().__init__(conn)
        conn.execute("PRAGMA synchronous=FULL")  # whatever this SQLite was built with

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        made = super().put(config, checkpoint, metadata, new_versions)
        self._puts += 1
        if self._puts % PRUNE_EVERY:
            return made
        where = made["configurable"]
        older = (where["thread_id"], where["checkpoint_ns"], where["checkpoint_id"])
        with self.cursor() as cursor:
            cursor.execute(
                "DELETE FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id < ?", older
            )
        return made

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """What one of several nodes at once has done before the others end: here one node runs at a time, and the
        checkpoint that follows holds the same."""
