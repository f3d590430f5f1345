"""What can be wrong with a template."""


class TemplateError(Exception):
    """Base of everything raised here."""


class UnknownFilter(TemplateError):
    """There is no filter of that name."""


class UnknownName(TemplateError):
    """The template uses a name that was not given."""
