"""What agents did, step by step: coder's own runs and the trajectory files of others, in one form."""
