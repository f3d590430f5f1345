"""The table."""

from . import layout
from .align import align
from .cells import clip, to_text


class Table:
    """Rows of values under a header."""

    def __init__(self, header, max_column=None):
        self.header = [str(title) for title in header]
        self.max_column = max_column
        self._rows = []
        self._alignments = {}

    def add(self, *values):
        """Add a row. Missing values at the end are empty; too many are refused."""
        if len(values) > len(self.header):
            raise ValueError("%d values for %d columns" % (len(values), len(self.header)))
        missing = len(self.header) - len(values)
        self._rows.append(list(values) + [None] * missing)
        return self

    def set_alignment(self, title, how):
        self._alignments[self.header.index(title)] = title

    def sort(self, title, reverse=False):
        """Sort by a column; empty cells go last."""
        index = self.header.index(title)
        filled = [row for row in self._rows if row[index] is not None]
        empty = [row for row in self._rows if row[index] is None]
        filled.sort(key=lambda row: row[index], reverse=reverse)
        self._rows = filled + empty

    def render(self):
        """Plain text: header, a rule, rows, two spaces between columns."""
        texts, widths, hows = self._layout()
        rule = ["-" * columns for columns in widths]
        lines = [self.header, rule] + texts
        return "\n".join("  ".join(self._line(line, widths, hows)).rstrip() for line in lines)

    def markdown(self):
        """A GitHub table; bars in cells are escaped."""
        texts, widths, hows = self._layout()
        marks = {"left": ":--", "right": "--:", "center": ":-:"}
        lines = [self.header, [marks[how] for how in hows]]
        lines += [[text.replace("|", "\\|") for text in row] for row in texts]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def _layout(self):
        texts = [[to_text(value) for value in row] for row in self._rows]
        widths = layout.column_widths(self.header, texts, self.max_column)
        hows = []
        for index in range(len(self.header)):
            column = [row[index] for row in self._rows]
            hows.append(self._alignments.get(index) or layout.guess_alignment(column))
        return texts, widths, hows

    @staticmethod
    def _line(texts, widths, hows):
        return [align(clip(text, columns), columns, how) for text, columns, how in zip(texts, widths, hows)]
