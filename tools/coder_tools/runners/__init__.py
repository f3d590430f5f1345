"""Test runners of every language but Python: one file a runner, behind contract.py."""
