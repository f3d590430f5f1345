"""What can be done in a workspace: run tests, read, search, edit, read logs."""
