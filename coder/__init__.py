"""Who decides: the state machine, its supervisor, the policies and the command line."""

__version__ = "0.1.0"
