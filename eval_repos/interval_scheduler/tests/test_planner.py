import pytest

from shifts import Interval, NoRoom, Planner, clock


@pytest.fixture
def planner():
    return Planner({"blue": "08:00-12:00", "red": "09:00-17:00"})


def test_place_takes_the_earliest(planner):
    assert planner.place(60) == ("blue", Interval(480, 540))


def test_place_goes_on_to_the_next_room(planner):
    planner.book("blue", "08:00-11:30")
    assert planner.place(60) == ("red", Interval(540, 600))


def test_place_fits_exactly(planner):
    planner.book("red", "09:00-17:00")
    planner.book("blue", "08:00-11:00")
    assert planner.place(60) == ("blue", Interval(660, 720))


def test_no_room(planner):
    with pytest.raises(NoRoom):
        planner.place(9 * 60)


def test_book_outside_opening_hours(planner):
    with pytest.raises(ValueError, match="not open"):
        planner.book("blue", "11:30-12:30")


def test_book_twice(planner):
    planner.book("blue", "08:00-09:00")
    with pytest.raises(ValueError, match="taken"):
        planner.book("blue", "08:30-09:30")


def test_slots_after_booking(planner):
    planner.book("blue", "08:00-10:15")
    assert planner.slots("blue", 50) == ["10:15", "11:05"]


def test_last_slot_may_end_at_closing_time(planner):
    assert planner.slots("blue", 60) == ["08:00", "09:00", "10:00", "11:00"]


@pytest.mark.parametrize("text, minutes", [("00:00", 0), ("08:30", 510), ("24:00", 1440), (" 9:05 ", 545)])
def test_parse(text, minutes):
    assert clock.parse(text) == minutes


@pytest.mark.parametrize("text", ["", "8", "08:60", "24:01", "08:5", "ab:cd"])
def test_parse_refuses(text):
    with pytest.raises(ValueError):
        clock.parse(text)


def test_show():
    assert clock.show(545) == "09:05"
