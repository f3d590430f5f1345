"""Which column holds what."""

ALIASES = {
    "name": {"name", "full name", "contact"},
    "email": {"email", "e-mail", "mail"},
    "phone": {"phone", "telephone", "mobile"},
    "birthday": {"birthday", "date of birth", "born"},
}
REQUIRED = ("name", "email")


class MissingColumn(Exception):
    """A column that every file must have is not there."""


def match(header):
    """Field -> column title, for the titles that are known. Raises MissingColumn."""
    found = {}
    for title in header:
        plain = title.strip().lower()
        for field, names in ALIASES.items():
            if plain in names and field not in found:
                found[field] = title
    missing = [field for field in REQUIRED if field not in found]
    if missing:
        raise MissingColumn("no column for %s" % ", ".join(missing))
    return found
