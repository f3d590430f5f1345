"""Where it runs: the snapshot and worktrees, the sandbox backends, and the agent inside them."""
