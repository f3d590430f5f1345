"""Measures the repair engine: bugs planted in released libraries, and how many of them `coder fix` takes back."""
