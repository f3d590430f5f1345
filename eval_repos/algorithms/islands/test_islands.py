from islands import count_islands


def test_sea():
    assert count_islands(["...", "..."]) == 0


def test_one_field():
    assert count_islands(["..#"]) == 1


def test_diagonal_fields_are_apart():
    assert count_islands(["#.", ".#"]) == 2


def test_row():
    assert count_islands([".......", ".#####."]) == 1


def test_column():
    assert count_islands(["#", "#", "#"]) == 1


def test_ring():
    assert count_islands(["......", ".####.", ".#..#.", ".####."]) == 1


def test_several():
    assert count_islands(["##..#", "....#", "#..#."]) == 4


def test_snake():
    assert count_islands([".####", ".#...", ".####", "....#", ".####"]) == 1
