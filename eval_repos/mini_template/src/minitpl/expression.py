"""What stands between double braces."""

from . import registry
from .errors import UnknownName


def lookup(path, names):
    """The value of a dotted path: keys of mappings, else attributes. Raises UnknownName."""
    first, *rest = path.split(".")
    if first not in names:
        raise UnknownName(first)
    value = names[first]
    for part in rest:
        try:
            value = value[part] if isinstance(value, dict) else getattr(value, part)
        except (KeyError, AttributeError):
            raise UnknownName(path) from None
    return value


def evaluate(text, names):
    """A path followed by filters, each with at most one argument."""
    path, *steps = [part.strip() for part in text.split("|")]
    value = lookup(path, names)
    for step in steps:
        name, colon, argument = step.partition(":")
        value = registry.apply(name.strip(), value, [argument] if colon else [])
    return value
