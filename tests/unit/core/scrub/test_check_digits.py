"""Check digits, with numbers that the standards give as examples."""

from __future__ import annotations

import random

import pytest

from scrubjay.core.scrub import check_digits
from scrubjay.core.scrub.check_digits import digits_of


def test_what_stands_between_digits_is_left_out() -> None:
    assert digits_of(b"1-2 3.x4") == [1, 2, 3, 4]
    assert check_digits.letters_and_digits_of("é1-a Z".encode()) == "1AZ"


CASES = [
    (check_digits.luhn, "79927398713"),
    (check_digits.luhn, "4242424242424242"),
    (check_digits.is_bar_code, "4006381333931"),
    (check_digits.mod_11_10, "86095742719"),
    (check_digits.verhoeff, "2363"),
    (check_digits.verhoeff, "234123412346"),
]


@pytest.mark.parametrize(("check", "number"), CASES, ids=[f"{check.__name__}-{number}" for check, number in CASES])
def test_one_digit_is_right(check: object, number: str) -> None:
    """And each of the nine others is wrong, in every place."""
    assert check(digits_of(number.encode()))
    for place, digit in enumerate(number):
        for other in "0123456789":
            if other != digit:
                assert not check(digits_of((number[:place] + other + number[place + 1 :]).encode())), (place, other)


def test_verhoeff_finds_neighbours_that_changed_places() -> None:
    turn = random.Random(5)
    for _ in range(200):
        body = [turn.randrange(10) for _ in range(11)]
        number = next([*body, digit] for digit in range(10) if check_digits.verhoeff([*body, digit]))
        place = turn.randrange(11)
        swapped = [*number]
        swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
        assert check_digits.verhoeff(swapped) == (swapped == number)


@pytest.mark.parametrize("number", ["GB82WEST12345698765432", "DE02120300000000202051"])
def test_mod_97_10(number: str) -> None:
    assert check_digits.mod_97_10(number)
    assert not check_digits.mod_97_10(number[:-1] + str((int(number[-1]) + 1) % 10))
    assert not check_digits.mod_97_10(number[:-2] + number[-1] + number[-2])


def test_weighted() -> None:
    assert check_digits.weighted([1, 2, 3], (10, 1)) == 12


@pytest.mark.parametrize(
    ("date", "exists"),
    [
        ((96, 2, 29), True),
        ((97, 2, 29), False),
        ((1, 4, 31), False),
        ((1, 1, 31), True),
        ((1, 13, 1), False),
        ((1, 0, 1), False),
        ((1, 1, 0), False),
    ],
)
def test_dates(date: tuple[int, int, int], exists: bool) -> None:
    assert check_digits.is_date(*date) is exists
