"""The map of a repository: what it finds in each language, how it ranks, that it fits and is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coder.nodes import map as repomap
from coder_tools.languages import GRAMMARS
from coder_tools.repomap import Mapper, RepoMap, Tags, TagStore, content_key, mappable, tags_of, words_in

FILES = {
    "app/main.py": b"from app.cart import Cart\n\ndef main():\n    return Cart().total()\n",
    "app/cart.py": b"from app.money import rounded\n\nclass Cart:\n    def total(self):\n        return rounded(1.5)\n",
    "app/money.py": b"def rounded(amount):\n    return int(amount)\n",
    "app/other.py": b"def unrelated():\n    return 1\n",
    "tests/test_cart.py": b"from app.cart import Cart\n\ndef test_total():\n    assert Cart().total() == 2\n",
}


def tags(files: dict[str, bytes] | None = None, store: TagStore | None = None) -> dict[str, Tags]:
    files = FILES if files is None else files
    keys = {path: content_key(data) for path, data in files.items()}
    return (store or TagStore()).tags(keys, files.__getitem__)


def test_what_the_failing_test_uses_comes_first() -> None:
    ranked = RepoMap(tags()).ranked(["tests/test_cart.py"], set())
    used = max(ranked.index("app/cart.py"), ranked.index("app/money.py"))  # in two steps
    assert used < min(ranked.index("app/main.py"), ranked.index("app/other.py"))
    assert RepoMap(tags()).ranked([], {"unrelated"})[0] == "app/other.py"


@pytest.mark.parametrize("limit", [30, 80, 200, 1000])
def test_it_fits_and_hides_what_may_not_be_edited(limit: int) -> None:
    text = RepoMap(tags()).text(limit, ["tests/test_cart.py"], {"rounded"}, lambda path: path.startswith("tests/"))
    assert len(text) <= limit and "tests/" not in text
    assert limit < 200 or "3|class Cart:" in text


def test_it_is_kept_by_content_and_only_what_is_new_is_read(tmp_path: Path) -> None:
    file = tmp_path / "tags.sqlite"
    whole = tags(store=TagStore(file))
    read: list[str] = []

    def reading(path: str) -> bytes:
        read.append(path)
        return changed[path]

    changed = FILES | {"app/money.py": b"def rounded(amount):\n    return round(amount)\n\ndef more(): ...\n"}
    again = TagStore(file).tags({path: content_key(data) for path, data in changed.items()}, reading)
    assert read == ["app/money.py"]
    assert [name for name, _, _ in again["app/money.py"].defines] == ["rounded", "more"]
    assert {path: found for path, found in again.items() if path != "app/money.py"} == {
        path: found for path, found in whole.items() if path != "app/money.py"
    }


names = st.sampled_from(["alpha", "beta", "gamma", "delta", "epsilon"])
sources = st.dictionaries(st.sampled_from(["a.py", "b.py", "c/a.py", "c/d.py"]), st.lists(names, max_size=4))


@settings(deadline=None, max_examples=200)
@given(st.lists(sources, min_size=2, max_size=4), st.sets(names))
def test_a_map_that_was_updated_is_the_one_made_anew(states: list[dict[str, list[str]]], words: set[str]) -> None:
    mapper = Mapper(TagStore())
    for state in states:
        files = {
            path: f"def {used[0]}(): {'; '.join(used[1:])}\n".encode() if used else b"" for path, used in state.items()
        }
        updated = mapper.map({path: content_key(data) for path, data in files.items()}, files.__getitem__)
        anew = RepoMap(tags(files))
        assert updated.ranked(["a.py"], words) == anew.ranked(["a.py"], words)
        assert updated.text(500, ["a.py"], words) == anew.text(500, ["a.py"], words)


def test_what_is_not_named_comes_by_how_many_use_it() -> None:
    ranked = RepoMap(tags()).ranked([], set())
    assert ranked[0] == "app/cart.py" and ranked.index("app/money.py") < ranked.index("app/other.py")


def test_a_file_that_was_emptied_is_empty_on_the_map_and_git_is_asked_only_for_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODER_HOME", str(tmp_path))
    repomap._mapper.cache_clear()
    started: list[str] = []

    @contextmanager
    def blobs() -> Iterator[Callable[[str], bytes]]:
        started.append("git")
        yield FILES.__getitem__

    entries = {path: SimpleNamespace(oid=path) for path in FILES}
    base = SimpleNamespace(entries=entries, files=list(FILES), store=SimpleNamespace(blobs=blobs))
    session: Any = SimpleNamespace(base=base, request=SimpleNamespace(goal="total"), protected=lambda path: "")
    changes: dict[str, bytes | None] = {}
    shown = repomap.map_of(session, changes, ["tests/test_cart.py::test_total"], [])
    assert "app/money.py:" in shown(2000) and started == ["git"]
    changes |= {"app/money.py": b"", "app/other.py": None}
    assert "app/cart.py:" in shown(2000) and "app/money.py" not in shown(2000) and "app/other.py" not in shown(2000)
    assert started == ["git"]
    repomap._mapper.cache_clear()


HEADER = b"""#ifndef CART_H
#define CART_H
struct cart;
int cart_total(const struct cart *cart);
char *cart_name(void);
#ifdef __cplusplus
extern "C" {
#endif
void cart_free(struct cart *cart);
#ifdef __cplusplus
}
#endif
#endif
"""


@pytest.mark.parametrize("path", ["cart.h", "cart.hpp"])
def test_what_a_header_announces_is_on_the_map(path: str) -> None:
    names = [name for name, _, _ in tags_of(path, HEADER).defines]
    assert [name for name in names if name != "CART_H"] == ["cart_total", "cart_name", "cart_free"]


def test_what_a_class_announces_is_on_the_map_once() -> None:
    header = b"class Box {\npublic:\n  int weight() const;\n  char *label();\n};\n"
    assert [name for name, _, _ in tags_of("box.hpp", header).defines] == ["Box", "weight", "label"]
    whole = header + b"int Box::weight() const { return 1; }\nchar *Box::label() { return 0; }\n"
    assert [line for name, line, _ in tags_of("box.cpp", whole).defines if name in ("weight", "label")] == [6, 7]


def test_a_function_that_is_announced_before_its_body_is_one() -> None:
    source = b"static int twice(int n);\nint main(void) { return twice(2); }\nint twice(int n) { return 2 * n; }\n"
    assert [(name, line) for name, line, _ in tags_of("a.c", source).defines] == [("main", 2), ("twice", 3)]


def test_a_line_with_several_definitions_is_shown_once() -> None:
    data = b"public class G { enum E {A} int run() { return 1; } int walk() { return 2; } }\nclass H {}\n"
    text = RepoMap(tags({"G.java": data})).text(1000, [], set())
    assert text.count("enum E") == 1 and "class H" in text


def test_a_damaged_cache_is_none(tmp_path: Path) -> None:
    file = tmp_path / "tags.sqlite"
    file.write_bytes(b"this is no database, " * 100)
    assert tags(store=TagStore(file)) == tags()


SOURCES = {
    "python": b"class A:\n    def method(self): ...\n",
    "javascript": b"class A { method() {} }\nexport const arrow = () => 1;\n",
    "typescript": b"interface A { method(): void }\n",
    "tsx": b"const method = () => <p/>;\n",
    "go": b"package a\nfunc (a *A) method() {}\n",
    "rust": b"impl A { fn method(&self) {} }\n",
    "java": b"class A { void method() {} }\n",
    "c": b"static int method(int a) { return a; }\n",
    "cpp": b"int A::method() { return 1; }\n",
}


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda grammar: grammar.name)
def test_every_language_has_its_definitions(grammar: object) -> None:
    name, suffix = grammar.name, grammar.suffixes[0]  # type: ignore[attr-defined]
    found = tags_of(f"a{suffix}", SOURCES[name])
    assert "method" in {defined for defined, _, _ in found.defines}
    assert mappable([f"a{suffix}", "a.txt"]) == [f"a{suffix}"]


def test_words_of_a_goal() -> None:
    assert words_in("failing test 'tests/a.py::test_x' in Cart.total") >= {"test_x", "Cart", "total"}
