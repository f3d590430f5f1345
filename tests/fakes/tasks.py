"""Small repositories with one failing test that no single edit mends, and what a model that behaves well does about it.

Each task: its files, the goal test, and the calls of the model's steps. They differ in what has to be done and in the
form in which the model does it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Call = dict[str, Any]
Step = list[Call] | str  # tool calls, or a text with an edit written into it


def call(tool: str, **arguments: Any) -> Call:
    return {"name": tool, "arguments": arguments}


RUN = call("run_tests")


@dataclass(frozen=True)
class Task:
    """`test` is the body of tests/test_it.py; its failing test is called test_goal."""

    name: str
    files: dict[str, str]
    test: str
    steps: tuple[Step, ...]
    capabilities: tuple[str, ...] = field(default=("completion", "tools", "thinking"))


TASKS = (
    Task(
        "two files",
        {
            "shop/__init__.py": "",
            "shop/tax.py": "def rate(country):\n    return {'de': 0.19}[country]\n",
            "shop/bill.py": "from shop.tax import rate\n\n\ndef gross(net):\n    return net * (1 + rate('de'))\n",
        },
        "from shop.bill import gross\n\ndef test_old():\n    assert gross(100) == 119\n\n"
        "def test_goal():\n    assert gross(100, 'fr') == 120\n",
        (
            [call("read_file", path="shop/tax.py"), call("read_file", path="shop/bill.py")],
            [
                call("edit_file", path="shop/tax.py", search="{'de': 0.19}", replace="{'de': 0.19, 'fr': 0.2}"),
                call(
                    "edit_file",
                    path="shop/bill.py",
                    search="def gross(net):\n    return net * (1 + rate('de'))",
                    replace="def gross(net, country='de'):\n    return net * (1 + rate(country))",
                ),
                RUN,
            ],
        ),
    ),
    Task(
        "new function",
        {"stats.py": "def mean(values):\n    return sum(values) / len(values)\n"},
        "import stats\n\ndef test_old():\n    assert stats.mean([1, 3]) == 2\n\n"
        "def test_goal():\n    assert stats.median([5, 1, 3]) == 3 and stats.median([1, 2, 3, 10]) == 2.5\n",
        (
            [
                call(
                    "create_file",
                    path="stats.py",
                    content="def mean(values):\n    return sum(values) / len(values)\n\n\ndef median(values):\n"
                    "    ordered = sorted(values)\n    middle = len(ordered) // 2\n    if len(ordered) % 2:\n"
                    "        return ordered[middle]\n    return (ordered[middle - 1] + ordered[middle]) / 2\n",
                ),
                RUN,
            ],
        ),
    ),
    Task(
        "wrong algorithm",
        {
            "change.py": "def fewest(coins, amount):\n    count = 0\n    for coin in sorted(coins, reverse=True):\n"
            "        count += amount // coin\n        amount %= coin\n    return count\n"
        },
        "from change import fewest\n\ndef test_old():\n    assert fewest([1, 5, 10], 27) == 5\n\n"
        "def test_goal():\n    assert [fewest([1, 3, 4], n) for n in range(14)] == [0, 1, 2, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4]\n    assert fewest([1, 7, 10], 14) == 2 and fewest([1, 15, 25], 30) == 2\n",
        (
            [
                call(
                    "edit_file",
                    path="change.py",
                    function="fewest",
                    replace="def fewest(coins, amount):\n    best = [0] + [amount + 1] * amount\n"
                    "    for total in range(1, amount + 1):\n        for coin in coins:\n            if coin <= total:\n"
                    "                best[total] = min(best[total], best[total - coin] + 1)\n    return best[amount]\n",
                ),
                RUN,
            ],
        ),
    ),
    Task(
        "new method",
        {
            "box.py": "class Box:\n    def __init__(self):\n        self.items = []\n\n    def add(self, item):\n"
            "        self.items.append(item)\n"
        },
        "from box import Box\n\ndef test_old():\n    box = Box()\n    box.add(1)\n    assert box.items == [1]\n\n"
        "def test_goal():\n    box = Box()\n    box.add('a')\n    box.add('b')\n    box.add('a')\n"
        "    assert box.counts() == {'a': 2, 'b': 1}\n",
        (
            "box.py\n<<<<<<< SEARCH\n        self.items.append(item)\n=======\n        self.items.append(item)\n\n"
            "    def counts(self):\n        return {item: self.items.count(item) for item in self.items}\n"
            ">>>>>>> REPLACE\n",
            [RUN],
        ),
    ),
    Task(
        "new module",
        {"app/__init__.py": "", "app/core.py": "def shout(text):\n    return text.upper()\n"},
        "from app.core import shout\n\ndef test_old():\n    assert shout('a') == 'A'\n\n"
        "def test_goal():\n    from app.slug import slug\n    assert slug('  Hello, World! ') == 'hello-world'\n",
        (
            [
                call(
                    "create_file",
                    path="app/slug.py",
                    content="import re\n\n\ndef slug(text):\n    return '-'.join(re.findall(r'[a-z0-9]+', text.lower()))\n",
                )
            ],
            [RUN],
        ),
    ),
    Task(
        "data file",
        {
            "units.json": '{"km": 1000, "m": 1}\n',
            "units.py": "import json\nfrom pathlib import Path\n\n\ndef metres(number, unit):\n"
            "    known = json.loads(Path(__file__).with_name('units.json').read_text())\n    return number * known[unit]\n",
        },
        "from units import metres\n\ndef test_old():\n    assert metres(2, 'km') == 2000\n\n"
        "def test_goal():\n    assert metres(3, 'mile') == 4828.032 and metres(1, 'yard') == 0.9144\n",
        (
            [
                call(
                    "edit_file",
                    path="units.json",
                    search='{"km": 1000, "m": 1}',
                    replace='{"km": 1000, "m": 1, "mile": 1609.344, "yard": 0.9144}',
                ),
                RUN,
            ],
        ),
    ),
    Task(
        "quoted fields, as a diff",
        {
            "table.py": "def fields(line):\n    return line.split(',')\n\n\ndef width(line):\n    return len(fields(line))\n"
        },
        "from table import fields, width\n\ndef test_old():\n    assert fields('a,b') == ['a', 'b'] and width('a') == 1\n\n"
        "def test_goal():\n    assert fields('a,\"b,c\",d') == ['a', 'b,c', 'd']\n    assert width('\"x,y\"') == 1\n",
        (
            "```diff\n--- a/table.py\n+++ b/table.py\n@@ -7,3 +7,15 @@\n def fields(line):\n-    return line.split(',')\n"
            "+    found, quoted = [''], False\n+    for char in line:\n+        if char == '\"':\n"
            "+            quoted = not quoted\n+        elif char == ',' and not quoted:\n+            found.append('')\n"
            "+        else:\n+            found[-1] += char\n+    return found\n```\n",
            [RUN],
        ),
    ),
    Task(
        "deep recursion",
        {"tree.py": "def depth(node):\n    if node is None:\n        return 0\n    return 1 + depth(node['next'])\n"},
        "from tree import depth\n\ndef chain(n):\n    node = None\n    for _ in range(n):\n        node = {'next': node}\n"
        "    return node\n\ndef test_old():\n    assert depth(chain(3)) == 3\n\n"
        "def test_goal():\n    assert depth(chain(50_000)) == 50_000\n",
        (
            [
                call(
                    "edit_file",
                    path="tree.py",
                    diff="@@ -1,4 +1,6 @@\n def depth(node):\n-    if node is None:\n-        return 0\n"
                    "-    return 1 + depth(node['next'])\n+    count = 0\n+    while node is not None:\n"
                    "+        count, node = count + 1, node['next']\n+    return count\n",
                ),
                RUN,
            ],
        ),
    ),
    Task(
        "least recently used",
        {
            "cache.py": "class Cache:\n    def __init__(self, size):\n        self.size, self.held = size, {}\n\n"
            "    def get(self, key):\n        return self.held.get(key)\n\n    def put(self, key, value):\n"
            "        self.held[key] = value\n"
        },
        "from cache import Cache\n\ndef test_old():\n    cache = Cache(2)\n    cache.put('a', 1)\n    assert cache.get('a') == 1\n\n"
        "def test_goal():\n    cache = Cache(2)\n    cache.put('a', 1)\n    cache.put('b', 2)\n    cache.get('a')\n"
        "    cache.put('c', 3)\n    assert cache.get('b') is None and cache.get('a') == 1 and cache.get('c') == 3\n",
        (
            [
                call(
                    "edit_file",
                    path="cache.py",
                    function="Cache.get",
                    replace="def get(self, key):\n    if key in self.held:\n        self.held[key] = self.held.pop(key)\n"
                    "    return self.held.get(key)\n",
                ),
                call(
                    "edit_file",
                    path="cache.py",
                    function="Cache.put",
                    replace="def put(self, key, value):\n    self.held.pop(key, None)\n    self.held[key] = value\n"
                    "    if len(self.held) > self.size:\n        del self.held[next(iter(self.held))]\n",
                ),
                RUN,
            ],
        ),
    ),
    Task(
        "a wrong edit first",
        {"romans.py": "def roman(number):\n    return 'I' * number\n"},
        "from romans import roman\n\ndef test_old():\n    assert roman(3) == 'III'\n\n"
        "def test_goal():\n    assert [roman(n) for n in (4, 9, 14, 1994)] == ['IV', 'IX', 'XIV', 'MCMXCIV']\n",
        (
            [
                call(
                    "edit_file",
                    path="romans.py",
                    function="roman",
                    replace="def roman(number):\n    return 'V' if number == 5 else 'I' * number\n",
                ),
                RUN,
            ],
            [
                call(
                    "edit_file",
                    path="romans.py",
                    function="roman",
                    replace="def roman(number):\n    signs = zip(\n        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),\n"
                    "        'M CM D CD C XC L XL X IX V IV I'.split(),\n    )\n    text = ''\n    for value, sign in signs:\n"
                    "        text += sign * (number // value)\n        number %= value\n    return text\n",
                ),
                RUN,
            ],
        ),
    ),
    Task(
        "a model without tools",
        {"wrap.py": "def wrap(text, width):\n    return [text]\n"},
        "from wrap import wrap\n\ndef test_old():\n    assert wrap('a', 5) == ['a']\n\n"
        "def test_goal():\n    assert wrap('the quick brown fox', 9) == ['the quick', 'brown fox']\n",
        (
            "wrap.py\n```python\ndef wrap(text, width):\n    lines = ['']\n    for word in text.split():\n"
            "        joined = f'{lines[-1]} {word}'.strip()\n        if len(joined) <= width:\n"
            "            lines[-1] = joined\n        else:\n            lines.append(word)\n    return lines\n```\n",
            '<tool_call>\n{"name": "run_tests", "arguments": {}}\n</tool_call>',
        ),
        capabilities=("completion",),
    ),
)
