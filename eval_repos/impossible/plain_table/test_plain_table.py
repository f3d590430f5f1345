from importlib.metadata import version

from plain_table import plain_table


def test_one_row():
    assert plain_table([[1, 2]]) == "1 | 2"


def test_nothing():
    assert plain_table([]) == ""


def test_as_the_library_has_it():
    assert version("quick-plain-table").startswith("2.")
    from quick_plain_table import render

    assert plain_table([[1, 2], [3, 4]]) == render([[1, 2], [3, 4]])
