"""Source that is not on the disk: files of the project imported with another content than they have."""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import sys
from types import CodeType
from typing import Any, Dict, Iterable, List, Mapping, Sequence

Splice = Sequence[Any]  # path from the root, start, end (bytes of the file as it is), text


class Sources:
    """The project's files as they are on the disk, read once."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self._files: Dict[str, bytes] = {}

    def path(self, name: str) -> str:
        """Where a file of the project lies. Raises ValueError if that is outside the root."""
        path = os.path.realpath(os.path.join(self.root, name))
        if not path.startswith(self.root + os.sep):
            raise ValueError(f"{name} is outside of the project")
        return path

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises OSError, ValueError."""
        if name not in self._files:
            with open(self.path(name), "rb") as file:
                self._files[name] = file.read()
        return self._files[name]

    def changed(self, splices: Sequence[Splice]) -> Dict[str, bytes]:
        """Real path -> new bytes of every file that the splices touch. Raises OSError, ValueError."""
        by_name: Dict[str, List[Splice]] = {}
        for splice in splices:
            by_name.setdefault(str(splice[0]), []).append(splice)
        return {self.path(name): splice_bytes(self.read(name), own) for name, own in by_name.items()}


def encoding_of(source: bytes) -> str:
    """How a source file is encoded, in words that Python's codecs take. Raises SyntaxError."""
    import io
    import tokenize

    return tokenize.detect_encoding(io.BytesIO(source).readline)[0]


def splice_bytes(source: bytes, splices: Sequence[Splice]) -> bytes:
    """The source with the splices in it. Raises ValueError if they overlap or lie outside."""
    encoding = encoding_of(source).replace("utf-8-sig", "utf-8")
    parts: List[bytes] = []
    position = 0
    for _, start, end, text in sorted(splices, key=lambda splice: (splice[1], splice[2])):
        if not position <= start <= end <= len(source):
            raise ValueError(f"splice [{start}, {end}) does not fit")
        parts += [source[position:start], text.encode(encoding)]
        position = end
    return b"".join([*parts, source[position:]])


_kept: Dict[str, CodeType] = {}  # path as the import system has it -> the code of the file as it is


def keep(paths: Iterable[str]) -> None:
    """Compile files of the project now: the forks of this process that install candidates take the code from here."""
    for path in paths:
        with contextlib.suppress(OSError, ValueError, SyntaxError, RecursionError), open(path, "rb") as file:
            _kept[path] = compile_source(file.read(), path)


_contents: Dict[str, bytes] = {}  # real path -> what an import of it takes


def install(contents: Mapping[str, bytes]) -> None:
    """From now on in this process, imports of these files (by real path) take these bytes, and no cached code."""
    _contents.update(contents)


def listen_to_imports() -> None:
    """Make imports of this process and its forks take what is kept and installed. Once in a process: done in a fork,
    it would cost each of them more than most tests do."""
    original = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> Any:
        content = _contents.get(os.path.realpath(self.path))
        if content is None:
            return _kept.get(self.path) or original(self, fullname)
        return compile_source(content, self.path)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    _hold_back_rewriting()


def _hold_back_rewriting() -> None:
    """Keep pytest's assertion rewriting, which reads files itself, away from what is installed."""
    rewrite = sys.modules.get("_pytest.assertion.rewrite")
    if rewrite is None:
        return
    hook = rewrite.AssertionRewritingHook
    original = hook.find_spec

    def find_spec(self: Any, name: str, path: Any = None, target: Any = None) -> Any:
        spec = original(self, name, path, target)
        if spec is not None and _contents and os.path.realpath(spec.origin or "") in _contents:
            return None
        return spec

    hook.find_spec = find_spec


def compile_source(content: bytes, path: str) -> CodeType:
    """As the import system compiles a file. Raises SyntaxError, ValueError, RecursionError."""
    code: CodeType = compile(content, path, "exec", dont_inherit=True)
    return code
