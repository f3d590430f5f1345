"""A function compiled on its own is the one that the file holds: else each candidate imports everything anew."""

from __future__ import annotations

import types

import pytest

from coder_sandbox.agent.runner.swap import File, same

FUTURES = ("", "absolute_import", "division, print_function", "unicode_literals", "annotations", "generator_stop")


@pytest.mark.parametrize("names", FUTURES)
def test_a_file_with_future_imports(names: str) -> None:
    source = f"from __future__ import {names}\n" if names else ""
    source += "import re\n\n\ndef double(n: int) -> int:\n    return n * len(re.escape('ab'))\n"
    module = types.ModuleType("m")
    exec(compile(source, "m.py", "exec", dont_inherit=True), module.__dict__)
    file = File(source.encode(), "m.py")
    at = source.index("n * len")
    base = file.base(file.unit(at, at + 1))
    (own,) = (code for code in base.co_consts if isinstance(code, types.CodeType) and code.co_name == "double")
    assert same(module.double.__code__, own)
