import pytest

from scrubjay.core.capture.moments import is_capture_id, moment
from scrubjay.core.capture.values import BadQuery
from support.founds import NOW, Shelf


@pytest.mark.parametrize(
    ("raw", "at", "is_since"),
    [
        ("2027-01-15T08:00:00Z", NOW, True),
        ("2027-01-15T08:00:00.500+00:00", NOW, False),
        ("1800000000", NOW, True),
        ("90s", NOW - 90, True),
        ("90s", NOW - 91, False),
        ("250ms", NOW - 0.251, False),
        ("2m", NOW - 120, True),
        ("1h", NOW - 3601, False),
        ("999999999d", 0, True),
    ],
)
def test_times(raw, at, is_since):
    shelf = Shelf()
    shelf.now_unix = at
    found = shelf.event()
    assert moment("since", raw, NOW).test(found) is is_since
    assert moment("until", raw, NOW).test(found) is (
        not is_since or raw in ("2027-01-15T08:00:00Z", "1800000000", "90s", "2m")
    )


def test_ids_count_by_the_order_of_arrival():
    shelf = Shelf()
    first, second = shelf.event(), shelf.event()
    since, until = (moment(name, first.captured.id.upper(), NOW) for name in ("since", "until"))
    assert [since.test(one) for one in (first, second)] == [False, True]
    assert [until.test(one) for one in (first, second)] == [True, False]
    assert list(since.read(second)) == [second.captured.id]
    assert list(moment("since", "1h", NOW).read(first)) == ["2027-01-15T08:00:00.000Z"]
    assert is_capture_id(first.captured.id)
    assert not is_capture_id(first.id)


@pytest.mark.parametrize("raw", ["yesterday", "12parsecs", "", "nan", "-5"])
def test_what_is_no_time(raw):
    with pytest.raises(BadQuery, match="no capture id, no time and no duration"):
        moment("since", raw, NOW)
