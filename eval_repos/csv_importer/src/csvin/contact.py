"""One imported person."""

from dataclasses import dataclass
from datetime import date
from typing import Optional


@dataclass(frozen=True)
class Contact:
    """`email` is in lower case, `phone` has digits only, with a plus in front if it was international."""

    name: str
    email: str
    phone: str = ""
    birthday: Optional[date] = None

    @property
    def key(self):
        """Two contacts with the same key are one person."""
        return self.email
