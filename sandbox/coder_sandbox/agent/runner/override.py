"""Source that is not on the disk: files of the project imported with another content than they have."""

from __future__ import annotations

import importlib.machinery
import os
import sys
from types import CodeType
from typing import Any, Dict, List, Mapping, Sequence

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


class _Finder:
    """Keeps pytest's assertion rewriting, which reads files itself, away from the overridden ones."""

    def __init__(self, paths: Mapping[str, bytes]) -> None:
        self._paths = paths
        stems = {os.path.splitext(os.path.basename(path))[0] for path in paths}
        self._tails = stems | {os.path.basename(os.path.dirname(path)) for path in paths}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """What the other finders say, for the overridden files only."""
        if name.rpartition(".")[2] not in self._tails:
            return None
        for finder in list(sys.meta_path):
            if finder is self or type(finder).__name__ == "AssertionRewritingHook":
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                return spec if os.path.realpath(spec.origin or "") in self._paths else None
        return None


def install(contents: Mapping[str, bytes]) -> None:
    """From now on in this process, imports of these files (by real path) take these bytes, and no cached code."""
    original = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> Any:
        content = contents.get(os.path.realpath(self.path))
        if content is None:
            return original(self, fullname)
        return compile_source(content, self.path)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    sys.meta_path.insert(0, _Finder(contents))


def compile_source(content: bytes, path: str) -> CodeType:
    """As the import system compiles a file. Raises SyntaxError, ValueError, RecursionError."""
    code: CodeType = compile(content, path, "exec", dont_inherit=True)
    return code
