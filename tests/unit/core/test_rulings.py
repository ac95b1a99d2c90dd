"""What limits take, gathered: nothing falls twice, and each loss is counted once."""

from scrubjay.categories import DataCategory as C
from scrubjay.core.items.buckets import Buckets
from scrubjay.core.items.partial import Container, Dropped, Thinned
from scrubjay.core.limits import KEY, ActiveLimit
from scrubjay.core.rulings import NOTHING, Cut, Excess, Fall, Losses, Mark
from scrubjay.reasons import rate_limited
from support.items import make_item

A = ActiveLimit(KEY, frozenset({C.ERROR}), 60.0, "a", "quota-a")
B = ActiveLimit(KEY, frozenset({C.ERROR}), 90.0, "b", "quota-b")


def test_nothing() -> None:
    assert Losses().ruling() is NOTHING


def test_an_item_falls_once_to_whom_came_first() -> None:
    losses, item = Losses(), make_item("event")
    losses.fall(item, A)
    losses.fall(item, B)
    assert losses.ruling().falls == (Fall(item, A),)


def test_spans_that_no_header_announced_fall_with_their_transaction() -> None:
    losses, item = Losses(), make_item("transaction", {"spans": [{}, {}]})
    losses.fall(item, A, is_reported=False)
    assert losses.ruling().falls == (Fall(item, A, ((C.SPAN, 2), (C.SPAN_INDEXED, 2)), is_reported=False),)


def test_a_crash_report_is_marked_once_and_not_if_it_falls() -> None:
    losses, item = Losses(), make_item("attachment", b"abc", attachment_type="event.minidump")
    losses.mark(item, A)
    losses.mark(item, B)
    assert losses.ruling().marks == (Mark(item, A, ((C.ATTACHMENT, 3), (C.ATTACHMENT_ITEM, 1))),)
    losses.fall(item, B)
    losses.mark(item, A)
    assert losses.ruling().marks == ()
    assert losses.ruling().falls == (Fall(item, B),)


def test_limits_are_told_once() -> None:
    losses = Losses()
    losses.tell([A, B])
    losses.tell([A])
    assert losses.ruling().limits == (B,)


def logs(count: int) -> tuple[object, Container]:
    item = make_item("log", {"items": [{"body": str(number)} for number in range(count)]}, item_count=count)
    batch = Container.open(item)
    assert batch is not None
    return item, batch


def test_records_leave_by_limit_and_the_last_take_the_item() -> None:
    item, batch = logs(3)
    losses = Losses()
    losses.lose(item, batch, [0], A)
    losses.lose(item, batch, [0, 2], B)
    first, second = losses.ruling().cuts
    assert isinstance(first.ruling, Thinned)
    assert isinstance(second.ruling, Thinned)
    assert (first.item, first.uncounted, first.ruling.item_count) == (item, (), 2)
    assert (first.ruling.reason, first.ruling.origin) == (rate_limited("a"), "quota-a")
    assert (second.ruling.origin, second.ruling.item_count) == ("quota-b", 1)
    assert second.ruling.payload == b'{"items":[{"body": "1"}]}'
    losses.lose(item, batch, [1], B)
    assert losses.ruling().cuts[-1] == Cut(item, Dropped(rate_limited("b"), "quota-b"))


def test_an_item_that_fell_is_not_cut() -> None:
    item, batch = logs(2)
    losses = Losses()
    losses.lose(item, batch, [0], A)
    losses.fall(item, B)
    assert losses.ruling().cuts == ()


def test_how_many_buckets_fall_is_counted_when_they_do() -> None:
    item = make_item("metric_buckets", [{}, {}, {}])
    batch = Buckets.open(item)
    assert batch is not None
    losses = Losses()
    losses.lose(item, batch, [0, 1], A)
    losses.lose(item, batch, [2], B)
    assert [cut.uncounted for cut in losses.ruling().cuts] == [((C.METRIC_BUCKET, 2),), ((C.METRIC_BUCKET, 1),)]


def test_excess_is_told_though_nothing_falls() -> None:
    losses, excess = Losses(), Excess("q", C.ERROR, 1, 1)
    losses.exceed(excess)
    assert losses.ruling().excess == (excess,)
