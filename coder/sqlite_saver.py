"""A SQLite saver that keeps the newest checkpoint of a run alone: the older ones are never resumed from.

Every checkpoint holds the whole state, so keeping them all makes the file grow with the square of the steps.
"""

from __future__ import annotations

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.sqlite import SqliteSaver


class NewestSqliteSaver(SqliteSaver):
    """Deletes what came before, once the new checkpoint is on the disk."""

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        made = super().put(config, checkpoint, metadata, new_versions)
        where = made["configurable"]
        older = (where["thread_id"], where["checkpoint_ns"], where["checkpoint_id"])
        with self.cursor() as cursor:
            for table in ("checkpoints", "writes"):
                cursor.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id < ?",
                    older,
                )
        return made
