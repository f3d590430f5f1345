import pytest

from build_order import build_order


def test_nothing():
    assert build_order({}) == []


def test_free_parts_by_name():
    assert build_order({"b": [], "a": []}) == ["a", "b"]


def test_one_after_the_other():
    assert build_order({"car": ["motor"], "motor": ["bolt"]}) == ["bolt", "motor", "car"]


def test_two_needs():
    assert build_order({"c": ["a", "b"]}) == ["a", "b", "c"]


def test_levels():
    assert build_order({"d": ["b", "c"], "b": ["a"], "c": ["a"]}) == ["a", "b", "c", "d"]


def test_circle():
    with pytest.raises(ValueError):
        build_order({"a": ["b"], "b": ["a"]})


def test_circle_behind_a_free_part():
    with pytest.raises(ValueError):
        build_order({"a": ["b", "z"], "b": ["a"], "z": []})
