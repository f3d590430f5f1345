import secrets

from ticket import ticket


def test_length():
    assert len(ticket()) == 16


def test_another_each_time():
    assert len({ticket() for _ in range(50)}) == 50


def test_number_is_known():
    assert ticket() == secrets.token_hex(8)
