from grid_walks import grid_walks


def test_one_field():
    assert grid_walks(["."]) == 1


def test_row():
    assert grid_walks(["...."]) == 1


def test_square():
    assert grid_walks(["..", ".."]) == 2


def test_three_by_three():
    assert grid_walks(["..."] * 3) == 6


def test_stone_in_the_middle():
    assert grid_walks(["...", ".x.", "..."]) == 2


def test_wall():
    assert grid_walks([".x.", ".x.", ".x."]) == 0


def test_stone_at_the_goal():
    assert grid_walks(["..", ".x"]) == 0


def test_stone_below_open_fields():
    assert grid_walks(["...", "..x", "..."]) == 3
