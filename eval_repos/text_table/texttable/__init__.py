"""Plain text and Markdown tables."""

from .table import Table

__all__ = ["Table"]
