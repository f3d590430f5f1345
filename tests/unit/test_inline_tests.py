"""In Rust tests stand in the files of the code under test: there a part of a file is protected."""

from __future__ import annotations

import pytest

from coder_tools.protect import test_only_code
from coder_tools.workspace import ToolError, Workspace

SOURCE = """/// Adds.
///
/// ```
/// assert_eq!(x::add(1, 2), 3);
/// ```
pub fn add(a: i32, b: i32) -> i32 {
    a - b
}

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        assert_eq!(super::add(1, 2), 3);
    }
}
"""
BENT = {
    "an assertion": ("super::add(1, 2), 3", "super::add(1, 2), -1"),
    "a test that is ignored": ("#[test]", "#[test]\n    #[ignore]"),
    "a module of tests that is gone": ("#[cfg(test)]", "#[cfg(any())]"),
    "an example": ("x::add(1, 2), 3);", "x::add(1, 2), -1);"),
    "an example that is not run": ("/// ```\n/// assert", "/// ```ignore\n/// assert"),
    "another function for tests": ("pub fn add", "#[cfg(not(test))]\nfn other() {}\n\npub fn add"),
    "code that asks": ("    a - b", "    if cfg!(test) { 3 } else { a - b }"),
    "code that asks under another attribute": ("pub fn add", "#[cfg_attr(test, inline)]\npub fn add"),
}


def workspace(allow: bool = False) -> Workspace:
    return Workspace({"src/lib.rs": SOURCE.encode()}.__getitem__, ["src/lib.rs"], {}, lambda path: "", allow)


@pytest.mark.parametrize("name", BENT)
def test_what_is_there_for_tests_cannot_be_changed(name: str) -> None:
    old, new = BENT[name]
    changed = SOURCE.replace(old, new).encode()
    assert changed != SOURCE.encode()
    with pytest.raises(ToolError, match="tests"):
        workspace().write("src/lib.rs", changed)
    workspace(allow=True).write("src/lib.rs", changed)


def test_the_code_beside_the_tests_can() -> None:
    tree = workspace()
    changed = SOURCE.replace("a - b", "a + b").replace("/// Adds.", "/// The sum.").encode()
    tree.write("src/lib.rs", changed)
    assert tree.changes == {"src/lib.rs": changed}


def test_no_new_file_brings_code_for_tests_and_other_languages_have_none() -> None:
    with pytest.raises(ToolError):
        workspace().write("src/more.rs", b"#[cfg(test)]\npub fn add() {}\n")
    workspace().write("src/more.rs", b"pub fn contest() {}\n")
    assert test_only_code("a.py", b"#[cfg(test)]") == ()
