"""What fits on a machine: detection, the context cache by a model's shape, the tiers and their table."""

from __future__ import annotations

from pathlib import Path

import pytest

from coder.models import hardware
from coder.models.choose import Room, suitable
from coder.models.hardware import GIB, Hardware, detect
from coder.models.memory import Shape, context_for, elided, needed, shape_of
from coder.models.ollama_server import Installed, parameters
from coder.models.tiers import CLASSES, TIERS, best, fits, longest, table, tier_of

DOCS = Path(__file__).parents[2] / "docs" / "models.md"
INFO = {
    "general.architecture": "x",
    "x.block_count": 4,
    "x.attention.head_count": 8,
    "x.attention.head_count_kv": 2,
    "x.embedding_length": 512,
}


def test_the_cache_is_keys_and_values_of_each_layer() -> None:
    shape = shape_of(INFO)
    assert shape == Shape(4, (2,), 64, 64)
    assert shape.cache(1000) == 4 * 2 * (64 + 64) * 2 * 1000


def test_layers_with_a_window_keep_no_more_than_it() -> None:
    shape = shape_of(INFO | {"x.attention.sliding_window": 100, "x.attention.sliding_window_pattern": 2})
    assert shape is not None and shape.sliding == (True, False) * 2
    assert shape.cache(1000) == 2 * 2 * 128 * 2 * (1000 + 100)
    assert shape.cache(50) == 4 * 2 * 128 * 2 * 50
    each = shape_of(INFO | {"x.attention.sliding_window": 100, "x.attention.sliding_window_pattern": [1, 1, 1, 0]})
    assert each is not None and each.sliding == (True, True, True, False)


@pytest.mark.parametrize("missing", ["x.block_count", "x.attention.head_count_kv", "x.embedding_length"])
def test_a_shape_that_is_not_told_whole_is_none(missing: str) -> None:
    assert shape_of({key: value for key, value in INFO.items() if key != missing}) is None


def test_heads_may_differ_from_layer_to_layer() -> None:
    shape = shape_of(INFO | {"x.attention.head_count_kv": [1, 2, 1, 2]})
    assert shape is not None and shape.cache(10) == (1 + 2 + 1 + 2) * 128 * 2 * 10
    assert shape_of(INFO | {"x.attention.head_count_kv": [1, 2]}) is None


def gemma(layers: int, heads: int | list[int], shared: int, window: int) -> dict[str, object]:
    """Gemma 4's metadata as its GGUF files have it: every sixth layer looks at everything, with wider heads."""
    attention = {
        "head_count": 8,
        "head_count_kv": heads,
        "key_length": 512,
        "value_length": 512,
        "key_length_swa": 256,
        "value_length_swa": 256,
        "shared_kv_layers": shared,
        "sliding_window": window,
        "sliding_window_pattern": ([True] * 5 + [False]) * (layers // 6),
    }
    own = {"gemma4.block_count": layers, "gemma4.embedding_length": 2560}
    return own | {f"gemma4.attention.{key}": value for key, value in attention.items()}


def test_each_layer_counts_with_its_own_heads_and_window() -> None:
    shape = shape_of(gemma(60, ([16] * 5 + [4]) * 10, 0, 1024))
    assert shape is not None
    assert shape.cache(65_536) == 10 * 4 * (512 + 512) * 2 * 65_536 + 50 * 16 * (256 + 256) * 2 * 1024
    assert shape == TIERS[-1].shape


def test_layers_that_use_an_earlier_ones_cache_keep_none() -> None:
    shape = shape_of(gemma(42, 2, 18, 512))
    assert shape is not None
    assert shape.cache(8_192) == 4 * 2 * 1024 * 2 * 8_192 + 20 * 2 * 512 * 2 * 512
    assert shape.cache(8_192) == TIERS[1].shape.cache(8_192)


@pytest.mark.parametrize("left_out", [None, []])
@pytest.mark.parametrize("key", ["head_count_kv", "sliding_window_pattern"])
def test_a_shape_with_its_lists_left_out_is_none(key: str, left_out: object) -> None:
    info = gemma(60, 4, 0, 1024) | {f"gemma4.attention.{key}": left_out}
    assert elided(info) and shape_of(info) is None


def test_a_model_that_spills_over_from_the_card_gets_a_context_by_both() -> None:
    shape = Shape(10, (4,), 128, 128)
    assert context_for(131072, 32768, 9 * GIB, shape, 8 * GIB, 16 * GIB) == 32768
    assert context_for(131072, 32768, 7 * GIB, shape, 8 * GIB, 16 * GIB) == 16384  # what fits stays on the card


def test_the_context_is_what_limit_wish_and_memory_allow() -> None:
    shape = Shape(10, (4,), 128, 128)  # 20,480 bytes a token
    assert context_for(131072, 32768, 5 * GIB, shape, 64 * GIB) == 32768
    assert context_for(8192, 32768, 5 * GIB, shape, 64 * GIB) == 8192
    assert context_for(0, 32768, 5 * GIB, shape, 0) == 32768
    assert context_for(131072, 32768, 5 * GIB, shape, needed(5 * GIB, shape, 16384)) == 16384
    assert context_for(131072, 32768, 5 * GIB, shape, 1 * GIB) == 4096
    assert context_for(2048, 32768, 5 * GIB, shape, 1 * GIB) == 2048


def test_memory_is_the_containers_where_that_is_less(tmp_path: Path) -> None:
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    limit = tmp_path / "sys/fs/cgroup/memory.max"
    limit.write_text("max\n")
    whole = hardware._memory(tmp_path)
    limit.write_text("1048576\n")
    assert hardware._memory(tmp_path) == 1048576 < whole


def test_cards_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, size in enumerate((16 * GIB, 1 << 29)):  # the second one shares the machine's memory
        device = tmp_path / f"card{number}" / "device"
        device.mkdir(parents=True)
        (device / "mem_info_vram_total").write_text(str(size))
    assert list(hardware._amd(tmp_path)) == [16 * GIB]
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf '24576\\n8192\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(hardware._nvidia()) == [24 * GIB, 8 * GIB]
    tool.write_text("#!/bin/sh\necho no driver; exit 9\n")
    assert list(hardware._nvidia()) == []
    assert detect().memory > 0 and detect().cores > 0


CHOICES = [
    ("Raspberry Pi 5, 8 GB", "gemma4:e2b-it-qat"),
    ("card with 8 GB", "gemma4:e4b-it-qat"),
    ("card with 24 GB", "gemma4:31b-it-qat"),
    ("Apple, 16 GB unified", "gemma4:12b-it-qat"),
    ("Apple, 24 GB unified", "gemma4:26b-a4b-it-qat"),
    ("server, 64 GB, no card", "gemma4:26b-a4b-it-qat"),
]


@pytest.mark.parametrize(("machine", "tag"), CHOICES)
def test_a_machine_gets_the_largest_that_fits(machine: str, tag: str) -> None:
    found = best(dict(CLASSES)[machine])
    assert found is not None and found.tag == tag


def test_what_does_not_fit_is_said_with_figures() -> None:
    card = Hardware(16 * GIB, card=8 * GIB)
    assert "needs 8.7 GB" in fits(TIERS[2], card) and "7.4" in fits(TIERS[2], card)
    assert "too slow" in fits(TIERS[4], Hardware(128 * GIB))
    assert best(Hardware(2 * GIB)) is None and longest(TIERS[0], Hardware(2 * GIB)) == 0


def test_the_table_in_the_docs_is_current() -> None:
    assert table() in DOCS.read_text(), "put what `python -m coder.models.tiers` prints into docs/models.md"


@pytest.mark.parametrize(
    ("words", "billions"), [("8.0B", 8.0), ("134.52M", 0.13452), ("30.5b", 30.5), ("", 0.0), ("large", 0.0)]
)
def test_a_servers_words_for_parameters(words: str, billions: float) -> None:
    assert parameters(words) == pytest.approx(billions)


def test_what_is_too_tight_comes_last() -> None:
    large, small = Installed("gemma4:31b", "gemma4", 18 * GIB), Installed("qwen3:4b", "qwen3", 3 * GIB)
    assert suitable([large, small], Room(8 * GIB, 8 * GIB)) == [small, large]
    assert suitable([large, small]) == [large, small]


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("google/gemma-4-12b", "gemma4:12b-it-qat"),
        ("gemma-4-26b-a4b", "gemma4:26b-a4b-it-qat"),
        ("hf.co/bartowski/google_gemma-4-E4B-it-GGUF:Q4_K_M", "gemma4:e4b-it-qat"),
        ("gemma4:latest", "gemma4:e4b-it-qat"),
        ("gemma-3-12b", ""),
        ("qwen3-4b", ""),
    ],
)
def test_a_size_is_known_by_all_the_names_it_has(name: str, tag: str) -> None:
    tier = tier_of(name)
    assert (tier.tag if tier is not None else "") == tag
