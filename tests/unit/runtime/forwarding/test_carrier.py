"""What a shipment becomes on the wire, and what an answer to many means for each (upstream-and-operations 8)."""

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.merging import merge_tag
from scrubjay.errors import Divide, Refused, Throttled, Transient
from scrubjay.runtime.forwarding.carrier import Carrier
from scrubjay.runtime.forwarding.shipment import SINGLE, Grouping, Shipment, Waiting
from support.forwarding import parcel

SESSION = b'{"sid":"7c7b6585-f901-4351-bf8d-02711b721929","started":"2026-01-02T03:00:00Z","attrs":{"release":"a@1"}}'


class Road:
    """Keeps what is sent, and answers by a script."""

    merges = True

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.sent = []

    async def send(self, parcel, waited_s):
        self.sent.append((parcel, waited_s))
        if self.answers:
            raise self.answers.pop(0)

    async def probe(self):
        return True

    def came_back(self):
        self.sent.append("back")


class Counted:
    def __init__(self) -> None:
        self.envelopes = 0
        self.waits = []
        self.deliveries = []

    def waited(self, seconds):
        self.waits.append(seconds)

    def delivered(self, seconds):
        self.deliveries.append(seconds)

    def merged(self, envelopes):
        self.envelopes += envelopes


def session(name):
    return parcel(
        name,
        body=b'{}\n{"type":"session","length":%d}\n%s\n' % (len(SESSION), SESSION),
        quantities=((DataCategory.SESSION, 1),),
        event_id=None,
        item_types=("session",),
    )


def shipment(*parcels, kind="envelope"):
    return Shipment([Waiting(each, 0, 100.0) for each in parcels], kind)


async def test_one_parcel_goes_as_it_is_with_the_time_that_it_waited():
    road = Road()
    carrier = Carrier(road, Counted())
    assert carrier.grouping is SINGLE
    one = parcel()
    assert list(await carrier.send(shipment(one), 107.5)) == [None]
    assert road.sent == [(one, 7.5)]


async def test_how_long_it_waited_and_took_is_told_of_the_first():
    counted = Counted()
    clock = iter([50.0, 52.0, 60.0, 61.0, 70.0])
    carrier = Carrier(Road(Transient("away")), counted, clock_mono=lambda: next(clock))
    one = parcel(attempts=1)
    with pytest.raises(Transient):
        await carrier.send(shipment(one), 107.5)
    assert (counted.waits, counted.deliveries) == ([7.5], [])
    one.attempts = 2
    await carrier.send(shipment(one), 110.0)
    assert (counted.waits, counted.deliveries) == ([7.5], [18.0])


async def test_several_share_an_envelope():
    road, counted = Road(), Counted()
    carrier = Carrier(road, counted, now_unix=lambda: 1_767_323_045.0)
    fates = await carrier.send(shipment(session("a"), session("b"), kind="merged"), 107.5)
    assert list(fates) == [None, None]
    ((merged, waited_s),) = road.sent
    assert merged.body.count(SESSION) == 2
    assert b'"sent_at":"2026-01-02T03:04:05.000000Z"' in merged.body.partition(b"\n")[0]
    assert merged.quantities == ((DataCategory.SESSION, 2),)
    assert merged.item_types == ("session",)
    assert waited_s == 0.0
    assert counted.envelopes == 2


async def test_of_one_that_is_left_of_several_nothing_is_changed():
    road = Road()
    one = session("a")
    await Carrier(road, Counted()).send(shipment(one, kind="merged"), 100.0)
    assert road.sent == [(one, 0.0)]


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_operations_65_what_is_refused_together_is_divided(status):
    carrier = Carrier(Road(Refused("too much", reasons.UPSTREAM_REJECTED, status=status)), Counted())
    with pytest.raises(Divide, match="too much"):
        await carrier.send(shipment(session("a"), session("b"), kind="merged"), 100.0)


async def test_what_the_server_fails_on_together_goes_apart():
    """Its tries are counted alone: one that the server never takes must not end the others."""
    carrier = Carrier(Road(Transient("broken", status=500, network=False, capped=True)), Counted())
    with pytest.raises(Divide, match="broken") as raised:
        await carrier.send(shipment(session("a"), session("b"), kind="merged"), 100.0)
    assert raised.value.apart


@pytest.mark.parametrize(
    "error",
    [
        Refused("no", reasons.UPSTREAM_REJECTED, status=403),
        Throttled("quota", status=429),
        Transient("away", status=503),
    ],
)
async def test_other_answers_are_for_all(error):
    counted = Counted()
    with pytest.raises(type(error)):
        await Carrier(Road(error), counted).send(shipment(session("a"), session("b"), kind="merged"), 100.0)
    assert counted.envelopes == 0


async def test_whether_envelopes_are_shared_can_be_said():
    road = Road()
    carrier = Carrier(road, Counted())
    assert carrier.merge_tag(session("a")) == merge_tag(session("a")) is not None
    road.merges = False
    assert carrier.merge_tag(session("a")) is None


async def test_the_rest_is_the_roads_business():
    road = Road()
    carrier = Carrier(road, Counted())
    assert await carrier.probe()
    carrier.came_back()
    assert road.sent == ["back"]


class Post:
    """Keeps the shipments."""

    def __init__(self, grouping=None) -> None:
        self.grouping = grouping
        self.listener = None
        self.sent = []

    def listen(self, listener):
        self.listener = listener

    async def send(self, shipment, now_mono):
        self.sent.append((shipment, now_mono))
        return [None]

    def came_back(self):
        self.sent.append("back")


class TestBatches:
    async def test_a_batch_goes_another_way(self):
        post = Post(Grouping(kind="batch"))
        carrier = Carrier(Road(), Counted(), batches=post)
        assert post.listener is carrier
        batch = shipment(parcel(), kind="batch")
        assert list(await carrier.send(batch, 107.5)) == [None]
        carrier.came_back()
        assert post.sent == [(batch, 107.5), "back"]

    async def test_where_there_are_batches_nothing_is_merged(self):
        post = Post()
        carrier = Carrier(Road(), Counted(), batches=post)
        assert carrier.grouping is SINGLE
        assert carrier.merge_tag(session("a")) is not None
        post.grouping = Grouping(kind="batch")
        assert carrier.grouping is post.grouping
        assert carrier.merge_tag(session("a")) is None

    async def test_who_sends_none_takes_a_batch_apart(self):
        with pytest.raises(Divide) as caught:
            await Carrier(Road(), Counted()).send(shipment(parcel(), kind="batch"), 100.0)
        assert caught.value.apart
