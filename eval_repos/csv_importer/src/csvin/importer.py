"""The import itself."""

import csv
import io
from dataclasses import dataclass, field
from typing import List, Tuple

from . import clean, columns, dialect
from .contact import Contact


@dataclass
class ImportResult:
    """Contacts in file order, and (line, message) for each row that could not be read."""

    contacts: List[Contact] = field(default_factory=list)
    errors: List[Tuple[int, str]] = field(default_factory=list)
    duplicates: int = 0


def import_text(text, delimiter=None):
    """Read a whole file. A bad row does not end the import; a missing column does."""
    text = dialect.strip_mark(text)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter or dialect.guess_delimiter(text))
    titles = columns.match(reader.fieldnames or [])
    result = ImportResult()
    seen = set()
    for row in reader:
        try:
            contact = read_row(row, titles)
        except ValueError as error:
            result.errors.append((reader.line_num, str(error)))
            continue
        if contact.key in seen:
            result.duplicates += 1
            continue
        seen.add(contact.key)
        result.contacts.append(contact)
    return result


def read_row(row, titles):
    """A contact out of one row. Raises ValueError."""
    cells = {field: row[title] for field, title in titles.items()}
    return Contact(
        name=clean.name(cells["name"]),
        email=clean.email(cells["email"]),
        phone=clean.phone(cells.get("phone", "")),
        birthday=clean.birthday(cells.get("birthday")),
    )
