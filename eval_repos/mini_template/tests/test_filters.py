import pytest

from minitpl import UnknownFilter, render


@pytest.mark.parametrize(
    "template, text",
    [
        ("{{ x|upper }}", "ADA LOVELACE"),
        ("{{ x|title }}", "Ada Lovelace"),
        ("{{ x|title|upper }}", "ADA LOVELACE"),
        ("[{{ y|trim }}]", "[a]"),
        ("{{ z|round:2 }}", "3.14"),
        ("{{ z|round }}", "3"),
        ("{{ none|default:nothing }}", "nothing"),
        ("{{ x|default:nothing }}", "ada lovelace"),
        ("{{ items|join }}", "1, 2"),
        ("{{ items|join:- }}", "1-2"),
    ],
)
def test_filter(template, text):
    assert render(template, x="ada lovelace", y=" a ", z=3.14159, none=None, items=[1, 2]) == text


def test_unknown_filter():
    with pytest.raises(UnknownFilter, match="unknown filter 'lower'; there are default"):
        render("{{ x|lower }}", x="A")


@pytest.mark.parametrize(
    "template, text, slug",
    [
        ("{{ x|slug }}", "Hello, World!", "hello-world"),
        ("{{ x|slug }}", "  Already-a-slug ", "already-a-slug"),
        ("{{ x|slug }}", "Été à Paris", "ete-a-paris"),
        ("{{ x|slug }}", "???", ""),
        ("{{ x|slug:_ }}", "Hello, World!", "hello_world"),
    ],
    ids=["words", "slug", "accents", "nothing", "separator"],
)
def test_slug(template, text, slug):
    assert render(template, x=text) == slug
