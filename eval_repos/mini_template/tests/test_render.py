import pytest

from minitpl import TemplateError, UnknownFilter, render
from minitpl.engine import split
from minitpl.errors import UnknownName


def test_text():
    assert render("no tags") == "no tags"


def test_value():
    assert render("Hello {{ name }}!", name="Ada") == "Hello Ada!"


def test_path():
    assert render("{{ a.b.c }}", a={"b": {"c": 3}}) == "3"


def test_attribute():
    assert render("{{ number.real }}", number=4) == "4"


@pytest.mark.parametrize("template", ["{{ nobody }}", "{{ a.b }}"])
def test_unknown_name(template):
    with pytest.raises(UnknownName):
        render(template, a={})


def test_loop():
    assert render("{% for n in items %}<{{ n }}>{% end %}", items=[1, 2]) == "<1><2>"


def test_loop_over_nothing():
    assert render("a{% for n in items %}{{ n.name|upper }}{% end %}b", items=[]) == "ab"


def test_nested_loops():
    template = "{% for row in rows %}{% for n in row %}{{ n }}{% end %};{% end %}"
    assert render(template, rows=[[1, 2], [3]]) == "12;3;"


def test_for_without_end():
    with pytest.raises(TemplateError, match="for without end"):
        render("{% for n in items %}", items=[])


def test_end_without_for():
    with pytest.raises(TemplateError, match="end without for"):
        render("{% end %}")


def test_unknown_tag():
    with pytest.raises(TemplateError, match="not a loop"):
        render("{% if x %}")


def test_split():
    assert list(split("a{{ b }}{% end %}")) == [("text", "a"), ("value", "b"), ("tag", "end")]
