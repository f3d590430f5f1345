"""Contacts out of CSV files."""

from .contact import Contact
from .importer import ImportResult, import_text

__all__ = ["Contact", "ImportResult", "import_text"]
