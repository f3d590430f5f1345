"""Whole definitions by name: which is meant where several have it, and the forms of each language that have a name."""

from __future__ import annotations

import pytest

from coder_tools.edit import EditRefused, replace_function
from coder_tools.names import Name, parsed
from coder_tools.symbols import definitions
from coder_tools.syntax import check_syntax
from coder_tools.toolbox import Toolbox
from coder_tools.workspace import Workspace

JAVA = b"""class Cart {
    Cart() {}

    Cart(int size) {
        this.size = size;
    }

    int add(int a) {
        return a - 1;
    }

    int add(final String name, List<Integer> counts) {
        return counts.size() - 1;
    }

    int add(String... names) {
        return names.length - 1;
    }
}
"""
PYTHON = b"""class Box:
    @property
    def size(self):
        return self._size - 1

    @size.setter
    def size(self, value):
        self._size = value - 1

    @size.deleter
    def size(self):
        del self._size
"""
SCRIPT = b"""class Button {
  count = 0;
  handle = (event) => {
    return event - 1;
  };
  get size() {
    return this.length - 1;
  }
  set size(value) {
    this.length = value - 1;
  }
}
exports.total = function (items) {
  return items.length - 1;
};
Button.prototype.press = function () {
  return this.count - 1;
};
module.exports = {
  first(items) {
    return items[1 - 1];
  },
  last: (items) => {
    return items[items.length - 1];
  },
  other: function () {
    return 2 - 1;
  }
};
const api = {
  first(items) {
    return items[2 - 1];
  },
};
"""
TYPED = b"""export class Sum {
  private add = (a: number): number => {
    return a - 1;
  };
  of(a: number): number;
  of(a: string): number;
  of(a: unknown): number {
    return Number(a) - 1;
  }
}
"""
GO = b"""package shop

// Cart holds what is bought.
type Cart struct {
\titems []int
}

type (
\tPrice int
\tLabel struct {
\t\ttext string
\t}
)

type Adder interface {
\tAdd(a int) int
}

func (c *Cart) Add(a int) int {
\treturn a - 1
}

func (l Label) Add(a int) int {
\treturn a - 2
}
"""


@pytest.mark.parametrize(
    ("path", "data", "name", "code", "old", "new"),
    [
        ("C.java", JAVA, "add(int)", "int add(int a) {\n    return a + 1;\n}", b"a - 1", b"a + 1"),
        ("C.java", JAVA, "Cart.add", "int add(int a) {\n    return a + 1;\n}", b"a - 1", b"a + 1"),
        (
            *("C.java", JAVA, "Cart#add(String, List<Integer>)"),
            "int add(final String name, List<Integer> counts) {\n    return counts.size();\n}",
            *(b"counts.size() - 1", b"counts.size()"),
        ),
        (
            *("C.java", JAVA, "add(String, List)"),
            "int add(final String name, List<Integer> counts) {\n    return counts.size();\n}",
            *(b"counts.size() - 1", b"counts.size()"),
        ),
        (
            *("C.java", JAVA, "add (line 16)"),
            "int add(String... names) {\n    return names.length;\n}",
            *(b"names.length - 1", b"names.length"),
        ),
        (
            *("C.java", JAVA, "Cart.Cart(int)", "Cart(int size) {\n    this.size = size + 1;\n}"),
            *(b"this.size = size", b"this.size = size + 1"),
        ),
        ("b.py", PYTHON, "Box.size.setter", "def size(self, value):\n    self._size = value", b"value - 1", b"value"),
        (
            *("b.py", PYTHON, "size", "@size.setter\ndef size(self, value):\n    self._size = value"),
            *(b"value - 1", b"value"),
        ),
        ("b.py", PYTHON, "size", "@property\ndef size(self):\n    return self._size", b"_size - 1", b"_size"),
        ("b.py", PYTHON, "Box.size:3", "def size(self):\n    return self._size", b"_size - 1", b"_size"),
        ("b.js", SCRIPT, "Button.handle", "handle = (event) => {\n  return event;\n};", b"event - 1", b"event"),
        ("b.js", SCRIPT, "handle", "handle = (event) => {\n  return event;\n}", b"event - 1", b"event"),
        ("b.js", SCRIPT, "get size", "get size() {\n  return this.length;\n}", b"this.length - 1", b"this.length"),
        ("b.js", SCRIPT, "Button.size", "set size(value) {\n  this.length = value;\n}", b"value - 1", b"value"),
        (
            *("b.js", SCRIPT, "exports.total", "exports.total = function (items) {\n  return items.length;\n}"),
            *(b"(items) {\n  return items.length - 1", b"(items) {\n  return items.length"),
        ),
        (
            *("b.js", SCRIPT, "module.exports.first", "first(items) {\n  return items[0];\n},"),
            *(b"items[1 - 1]", b"items[0]"),
        ),
        ("b.js", SCRIPT, "api.first", "first(items) {\n  return items[0];\n}", b"items[2 - 1]", b"items[0]"),
        (
            *("b.js", SCRIPT, "last", "last: (items) => {\n  return items.at(-1);\n},"),
            *(b"items[items.length - 1]", b"items.at(-1)"),
        ),
        ("b.js", SCRIPT, "other", "other: function () {\n  return 2;\n}", b"2 - 1;\n  }\n}", b"2;\n  }\n}"),
        (
            *("b.js", SCRIPT, "Button.press", "Button.prototype.press = function () {\n  return this.count;\n};"),
            *(b"this.count - 1", b"this.count"),
        ),
        ("s.ts", TYPED, "add", "private add = (a: number): number => {\n  return a;\n};", b"a - 1", b"a"),
        ("s.ts", TYPED, "Sum.of", "of(a: unknown): number {\n  return Number(a);\n}", b"(a) - 1", b"(a)"),
        ("s.ts", TYPED, "Sum.of", "of(a: any): number {\n  return Number(a);\n}", b"unknown", b"any"),
        ("c.go", GO, "Cart", "type Cart struct {\n\titems []string\n}", b"[]int", b"[]string"),
        ("c.go", GO, "type Cart struct", "type Cart struct {\n\titems []string\n}", b"[]int", b"[]string"),
        ("c.go", GO, "Label", "type Label struct {\n\ttext []byte\n}", b"text string", b"text []byte"),
        ("c.go", GO, "Label", "Label struct {\n\ttext []byte\n}", b"text string", b"text []byte"),
        ("c.go", GO, "(*Cart).Add", "func (c *Cart) Add(a int) int {\n\treturn a + 1\n}", b"a - 1", b"a + 1"),
        ("c.go", GO, "Cart.Add", "func (c *Cart) Add(a int) int {\n\treturn a + 1\n}", b"a - 1", b"a + 1"),
        ("c.go", GO, "func (c *Cart) Add", "func (c *Cart) Add(a int) int {\n\treturn a + 1\n}", b"a - 1", b"a + 1"),
        ("c.go", GO, "Add", "func (c *Cart) Add(a int) int {\n\treturn a + 1\n}", b"a - 1", b"a + 1"),
        ("c.go", GO, "Label.Add", "func (l Label) Add(a int) int {\n\treturn a\n}", b"a - 2", b"a"),
    ],
)
def test_the_one_that_is_meant_is_replaced(
    path: str, data: bytes, name: str, code: str, old: bytes, new: bytes
) -> None:
    landed = replace_function(path, data, name, code)
    expected = data.replace(old, new, 1)
    if new == b"any":
        expected = data.replace(b"unknown", b"any").replace(b"Number(a) - 1", b"Number(a)")
    assert landed.data.decode() == expected.decode()
    check_syntax(path, landed.data)


@pytest.mark.parametrize(
    ("path", "data", "name", "code", "words"),
    [
        ("C.java", JAVA, "add", "int add(long a) {\n    return 1;\n}", "line 8: Cart.add: int add(int a)"),
        ("C.java", JAVA, "add(long)", "int add(long a) {\n    return 1;\n}", "line 16: Cart.add: int add(String... n"),
        ("C.java", JAVA, "add (line 99)", "int add(int a) {\n    return 1;\n}", "as in `Cart.add (line 8)`"),
        ("C.java", JAVA, "Cart.Cart", "Cart(long size) {\n}", "line 4: Cart.Cart: Cart(int size)"),
        ("b.py", PYTHON, "size", "def size(self):\n    return 1", "line 10: Box.size (deleter): def size(self):"),
        ("b.py", PYTHON, "size.getter", "@size.setter\ndef size(self, value):\n    pass", "the code is a setter"),
        ("b.js", SCRIPT, "size", "size() {\n  return 1;\n}", "line 9: Button.size (setter): set size(value)"),
        ("b.js", SCRIPT, "first", "first(items) {\n  return 1;\n}", "line 31: api.first: first(items)"),
        (
            "c.go",
            GO,
            "Add",
            "func Add(a int) int {\n\treturn a\n}",
            "line 23: Label.Add: func (l Label) Add",
        ),
    ],
)
def test_where_it_is_open_which_is_meant_it_asks(path: str, data: bytes, name: str, code: str, words: str) -> None:
    with pytest.raises(EditRefused) as caught:
        replace_function(path, data, name, code)
    assert "Nothing was written" in str(caught.value) and words in str(caught.value)


def test_a_property_that_lacks_its_setter_does_not_lose_its_getter() -> None:
    data = b"class Box:\n    @property\n    def size(self):\n        return 1\n"
    with pytest.raises(EditRefused, match="is a getter"):
        replace_function("b.py", data, "size", "@size.setter\ndef size(self, value):\n    self.x = value\n")


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("B::new", Name("B.new")),
        ("B#new", Name("B.new")),
        ("A.#secret", Name("A.#secret")),
        ("(*B).new", Name("B.new")),
        ("func (b *B) new", Name("B.new")),
        ("(b *B[K]) new", Name("B.new")),
        ("B.new(int)", Name("B.new", parameters="int")),
        ("int add(int a, int b)", Name("add", parameters="int a, int b")),
        ("B.new (line 7)", Name("B.new", line=7)),
        ("B.new(int) (line 7)", Name("B.new", line=7, parameters="int")),
        ("new:7", Name("new", line=7)),
        ("v.setter", Name("v", role="setter")),
        ("A.get v", Name("A.v", role="getter")),
        ("module.exports.f", Name("exports.f")),
        ("A.prototype.f", Name("A.f")),
        ("async function f", Name("f")),
        ("get", Name("get")),
        ("operator==", Name("operator==")),
    ],
)
def test_names_are_taken_apart(name: str, meaning: Name) -> None:
    assert parsed(name) == meaning


def test_what_javascript_assigns_is_defined() -> None:
    names = [symbol.qualified for symbol in definitions("b.js", SCRIPT)]
    assert "Button.handle" in names and "exports.last" in names and "api.first" in names and "Button.press" in names
    named = {s.qualified: s.kind for s in definitions("d.js", b"export default {\n  methods: { go() {} },\n};\n")}
    assert named == {"default.methods.go": "function"}


def test_the_definition_tool_tells_overloads_apart() -> None:
    files = {"C.java": JAVA, "b.py": PYTHON}
    box = Toolbox(Workspace(files.__getitem__, list(files), {}, lambda path: ""), {})
    every = box.run("find_definition", {"name": "Cart.add"}).text
    assert every.count("function Cart.add") == 3
    one = box.run("find_definition", {"name": "add(int)"}).text
    assert one.count("function Cart.add") == 1 and "a - 1" in one and "counts.size()" not in one
    setter = box.run("find_definition", {"name": "Box.size.setter"}).text
    assert "value - 1" in setter and "return self._size" not in setter
    assert box.run("find_definition", {"name": "add(long)"}).text.count("function Cart.add") == 3
