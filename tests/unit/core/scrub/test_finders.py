"""From detectors to finders: checks, second tries, scripts."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.detector import Beside, Detector
from scrubjay.core.scrub.detectors import DETECTORS
from scrubjay.core.scrub.finders import finder_beside, finder_of


def starts_even(text: bytes) -> bool:
    return text[0] % 2 == 0


def detector(**fields: object) -> Detector:
    return Detector("x", ("x",), **{"pattern": r"\b[0-9](?: ?[0-9]){1,3}\b", **fields})


def found(one: Detector, text: str) -> list[str]:
    raw = text.encode()
    return [raw[start:end].decode() for match in finder_of(one)(raw) for start, end in match]


def test_a_check_refuses_a_match() -> None:
    assert found(detector(check=starts_even), "12 34") == []
    assert found(detector(check=starts_even), "22, 14, 46") == ["22", "46"]


def is_even_and_short(text: bytes) -> bool:
    return starts_even(text) and len(text) < 4


def test_a_refused_match_may_hold_a_shorter_or_a_later_one() -> None:
    assert found(detector(check=is_even_and_short, retries=True), "1 2 3 4") == ["2 3"]
    assert found(detector(check=is_even_and_short, retries=True), "12 34 é 56") == []
    assert found(detector(check=is_even_and_short), "1 2 3 4") == []


def test_a_check_judges_the_first_group_that_took_part() -> None:
    one = detector(pattern="a([0-9])|b([0-9])", groups=(1, 2), check=starts_even)
    assert found(one, "a1 a2 b3 b4") == ["2", "4"]


def test_a_finder_of_its_own() -> None:
    assert found(detector(find=lambda text: [[(0, 1)]] if text else []), "abc") == ["a"]


def test_digits_of_other_scripts_are_checked_as_digits() -> None:
    assert found(detector(check=starts_even, unicode_digits=True), "é ٢٣") == ["٢٣"]


def test_below_a_key() -> None:
    beside = Beside(key="k", pattern="^([0-9]+)$")
    assert finder_beside(detector(beside=beside))(b"12") == [[(0, 2)]]
    assert not finder_beside(detector(beside=beside, check=starts_even))(b"12")
    assert finder_beside(detector(beside=beside, check=starts_even))(b"21") == [[(0, 2)]]


def test_each_finder_is_made_once() -> None:
    assert finder_of(DETECTORS["card"]) is finder_of(DETECTORS["card"])


@pytest.mark.parametrize("name", ["email", "ipv6", "ipv6_whole", "url_auth"])
def test_of_the_reference_too(name: str) -> None:
    one = DETECTORS[name]
    assert all(finder_of(one)(example.encode()) for example in one.examples)
