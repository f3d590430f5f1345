"""hf:DIR where it cannot be loaded: the words say what is missing. A model itself is too large for this suite."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from coder.models.choose import choose_model
from coder.models.contract import ModelError


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no"):
        choose_model(f"hf:{tmp_path / 'gone'}", {})


def test_a_directory_without_a_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config.json and 0 \.gguf files"):
        choose_model(f"hf:{tmp_path}", {})
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"2 \.gguf files. Name one"):
        choose_model(f"hf:{tmp_path}", {})


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="the extra is installed here")
def test_without_the_extra_the_command_that_installs_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"coder-agent\[steering\]"):
        choose_model(f"hf:{tmp_path}", {})
