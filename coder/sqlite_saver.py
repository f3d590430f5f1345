"""A SQLite saver that keeps the newest checkpoints of a run alone: the older ones are never resumed from.

Every checkpoint holds the whole state, so keeping them all makes the file grow with the square of the steps.
"""

from __future__ import annotations

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.sqlite import SqliteSaver

PRUNE_EVERY = 16  # checkpoints; each deletion waits for the disk


class NewestSqliteSaver(SqliteSaver):
    """Deletes what came before from time to time, once a new checkpoint is on the disk."""

    _puts = 0

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
            for table in ("checkpoints", "writes"):
                cursor.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id < ?",
                    older,
                )
        return made
