import pytest

from stack_size import Stack


def test_push_and_pop():
    stack = Stack()
    stack.push(1)
    stack.push(2)
    assert stack.pop() == 2 and len(stack) == 1


def test_pop_of_nothing_is_an_error():
    with pytest.raises(IndexError):
        Stack().pop()


def test_pop_of_nothing_is_none():
    assert Stack().pop() is None
