"""Text templates with filters and loops."""

from .engine import render
from .errors import TemplateError, UnknownFilter

__all__ = ["TemplateError", "UnknownFilter", "render"]
