"""From two versions of a file to the splices between them, and back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from coder_tools.splice import spliced, splices_between

TEXT = st.lists(st.sampled_from(["a = 1", "b", "", "    c", "é = 'ü'", "\r", "# -*- coding: latin-1 -*-"])).map(
    "\n".join
)


@given(TEXT, TEXT)
@settings(deadline=None, derandomize=True, max_examples=300)
def test_the_splices_make_the_one_the_other(old: str, new: str) -> None:
    before, after = old.encode(), new.encode()
    made = splices_between("a.py", before, after)
    assert spliced(before, made) == (after if made else before)
    assert made or before == after
