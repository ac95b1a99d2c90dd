import time

import pytest

from scrubjay.core.capture.query import PAGING, parse_query
from scrubjay.core.capture.select import Selection, in_order, select
from support.founds import NOW, Shelf


def query(**params):
    return parse_query(list(params.items()), now_unix=NOW, also=PAGING)


def shelf_of(*counts):
    """An envelope with so many log lines for each number, or one event for 0."""
    shelf = Shelf()
    for count in counts:
        if count:
            shelf.offer(("log", {"items": [{"body": f"line {place}"} for place in range(count)]}), ("attachment", b"x"))
        else:
            shelf.event(message="event")
    return shelf


def test_a_list_is_newest_first_cut_and_says_so():
    shelf = shelf_of(0, 0, 0)
    answer = select(shelf.founds, query(limit="2"))
    assert [one["id"] for one in answer["events"]] == [one.id for one in shelf.founds[:2]]
    assert (answer["more"], answer["matched"], answer["total"]) == (True, 3, 3)
    assert answer["cursor"] == shelf.founds[1].id


def test_a_list_that_is_whole_has_no_cursor():
    answer = select(shelf_of(0, 1).founds, query(type="log"))
    assert (len(answer["events"]), answer["more"], answer["matched"], answer["total"]) == (1, False, 1, 3)
    assert "cursor" not in answer


def test_oldest_first_keeps_the_order_inside_an_envelope():
    shelf = shelf_of(0, 2)
    answer = select(shelf.founds, query(order="asc", fields="title"))
    assert [one["title"] for one in answer["events"]] == ["event", "line 0", "line 1", "attachment"]


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_capture_10_cursors_walk_through_everything_once_even_when_new_ones_arrive(order):
    shelf = shelf_of(0, 12, 0, 3, 0)
    expected = [one.id for one in in_order(shelf.founds, query(order=order))]
    seen, cursor = [], ""
    while True:
        answer = select(shelf.founds, query(order=order, limit="4", cursor=cursor.upper()))
        seen += [one["id"] for one in answer["events"]]
        if not answer["more"]:
            break
        cursor = answer["cursor"]
        if order == "desc":
            shelf.event(message="new")
    assert seen == expected


def test_portions_give_the_same_as_the_whole():
    shelf = shelf_of(30, 0, 5)
    asked = query(limit="10", message="line")
    portions = Selection(asked)
    for at in range(0, len(shelf.founds), 7):
        portions.look(shelf.founds[at : at + 7])
    assert portions.answer() == select(shelf.founds, asked)
    assert portions.matched == 35


@pytest.fixture(scope="module")
def many():
    """Each stands there as often as it takes: looking costs the same."""
    founds = shelf_of(*[100] * 10).founds
    return founds * (20_000 // len(founds))


PLAIN = {
    "none": {}, "type": {"type": "log"}, "level": {"level": "error"}, "word": {"message": "line 99"}, "release": {"release": "!1"},
    "since": {"since": "1h"}, "marks": {"has": "attachment"},
}  # fmt: skip


@pytest.mark.parametrize("params", PLAIN.values(), ids=PLAIN)
def test_capture_10_twenty_thousand_records_are_looked_through_in_no_time(params, many):
    best_s = min(_took(many, params) for _ in range(5))
    assert best_s < 0.5, "some 30 ms, where nobody measures coverage"


def _took(founds, params):
    began = time.process_time()
    select(founds, query(**params))
    return time.process_time() - began
