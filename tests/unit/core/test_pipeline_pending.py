"""Envelopes whose project's configuration is not known: held as they came, decided later (`decisions.md` 4, D-045, D-049)."""

import json

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.limits import ActiveLimit, Scoping
from scrubjay.core.plan import PENDING, pass_plan
from scrubjay.errors import Denied, StillPending, Unavailable
from scrubjay.outcomes import Outcome
from scrubjay.settings.schema import Settings
from support.path import EVENT_ID, KEY, Path, envelope
from support.pending import PendingPath, plan_of

ROOT = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
CANARY = "canary-41a7@lab.example"
EVENT = json.dumps({"message": f"mail {CANARY}", "user": {"email": CANARY}})
SECRET = json.dumps({"extra": {"password": CANARY}})
OFF = "{disabled: true, config: {}}"


def event(**trace: str) -> bytes:
    header = {"event_id": EVENT_ID, "sent_at": "2026-01-05T10:00:00.000000Z"}
    return envelope(("event", SECRET), header=json.dumps(header | ({"trace": trace} if trace else {})))


def codes(path: Path) -> list[str]:
    return [reason for _, reason, _ in path.account.lost()]


def test_it_is_held_as_it_came_and_answered_200() -> None:
    path = PendingPath()
    verdict = path.send(
        event(),
        client_ip="203.0.113.7",
        forwarded_for="203.0.113.7",
        origin="https://a.example/p?q=1",
        user_agent="ua/1",
    )
    assert (verdict.status, verdict.event_id) == (200, EVENT_ID)
    (parcel,) = path.room.held
    assert parcel.raw is not None
    assert (parcel.raw.awaits, parcel.raw.client, parcel.raw.client_ip) == (KEY, "demo/1.0", "203.0.113.7")
    assert (parcel.origin, parcel.user_agent) == ("https://a.example/p?q=1", "ua/1")
    assert CANARY.encode() in parcel.body
    assert path.shelf.parcels == []
    assert path.account.accepts == [["event"]]
    assert path.closes()


def test_what_is_taken_up_is_scrubbed_and_counted_once() -> None:
    path = PendingPath()
    path.send(event(), client_ip="203.0.113.7", user_agent="ua/1")
    path.learn(plan_of())
    assert path.take_up(waited_s=60.0).is_settled
    (parcel,) = path.shelf.parcels
    assert parcel.raw is None
    assert CANARY.encode() not in parcel.body
    assert b"[Filtered]" in parcel.body
    assert path.room.held == []
    assert len(path.account.came) == 1
    assert path.account.accepts == [["event"]]
    assert path.closes()


def test_it_leaves_as_if_it_had_not_waited() -> None:
    """Byte for byte: the facts of its request, and the drift of its clock."""
    facts = {
        "client_ip": "203.0.113.7",
        "forwarded_for": "203.0.113.7",
        "origin": "https://a.example/p?q=1",
        "user_agent": "ua/1",
        "client_hints": {"Sec-CH-UA": "x"},
        "via": "other",
    }
    bold = "config: {datascrubbingSettings: {scrubData: false, scrubDefaults: false, scrubIpAddresses: false}}"
    direct = Path(bold, instance="me")
    direct.send(event(), **facts)
    held = PendingPath(instance="me")
    held.send(event(), **facts)
    held.learn(plan_of(bold))
    held.take_up(waited_s=3600.0)
    (expected,), (got,) = direct.shelf.parcels, held.shelf.parcels
    assert got.body == expected.body
    for name in ("key", "project_id", "quantities", "received_unix", "received_mono", "event_id", "item_types"):
        assert getattr(got, name) == getattr(expected, name), name
    for name in ("client", "version", "origin", "user_agent", "forwarded_for", "via", "revision"):
        assert getattr(got, name) == getattr(expected, name), name


def test_a_tunnel_s_envelope_says_itself_whose_it_is() -> None:
    path = PendingPath()
    header = {"event_id": EVENT_ID, "dsn": f"https://{KEY}@host.example/7", "origin": "https://a.example"}
    path.send(envelope(("event", "{}"), header=json.dumps(header)), auth=None)
    path.learn(plan_of())
    path.take_up()
    assert len(path.shelf.parcels) == 1


def test_what_a_client_says_of_itself_is_believed_as_before() -> None:
    """`privacy.trust_envelope_facts` is about clients: what we kept of a request is our own word."""
    path = PendingPath(trusts_facts=False)
    header = json.dumps({"event_id": EVENT_ID, "user_agent": "forged/1"})
    path.send(envelope(("event", "{}"), header=header), user_agent="real/1")
    path.learn(plan_of())
    path.take_up()
    assert b"real/1" in path.forwarded
    assert b"forged" not in path.forwarded


@pytest.mark.parametrize("held", [False, True], ids=["known", "decisions_45"])
def test_disabled_is_known_at_once_or_on_taking_up(held: bool) -> None:
    """D-045: the first request is answered 200, and ends as the later ones do."""
    path = PendingPath()
    if held:
        assert path.send(event()).status == 200
    path.learn(plan_of(OFF))
    with pytest.raises(Denied):
        path.take_up() if held else path.send(event())
    assert codes(path) == ["project_id"]
    assert path.account.bookings[0].reason.outcome is Outcome.INVALID
    assert path.room.held == []
    assert path.closes()


def test_what_waited_to_be_scrubbed_does_not_leave_as_it_came_in_another_mode() -> None:
    path = PendingPath()
    path.send(event())
    path.learn(pass_plan(Settings()))
    with pytest.raises(Denied):
        path.take_up()
    assert codes(path) == ["project_id"]
    assert path.shelf.parcels == []
    assert path.closes()


def test_decisions_49_a_limit_that_is_known_refuses_what_would_wait() -> None:
    path = PendingPath()
    limit = ActiveLimit("key", frozenset({DataCategory.ERROR}), 2_000.0, "spent")
    path.ports.limits.learn(Scoping(KEY, 7), [limit], 1_000.0)
    verdict = path.send(event())
    assert (verdict.status, verdict.rate_limits) == (429, "1000:error:key:spent")
    assert path.room.held == []
    assert path.send(envelope(("transaction", "{}"))).status == 200
    assert len(path.room.held) == 1
    assert path.closes()


def test_what_a_limit_took_before_it_waited_is_not_counted_again() -> None:
    path = PendingPath()
    path.ports.limits.learn(
        Scoping(KEY, 7), [ActiveLimit("key", frozenset({DataCategory.SESSION}), 2_000.0, "spent")], 1_000.0
    )
    assert path.send(envelope(("event", "{}"), ("session", "{}"))).status == 429
    assert path.closes()
    path.learn(plan_of())
    path.take_up()
    assert path.closes()
    assert len(path.shelf.parcels) == 1


@pytest.mark.parametrize("error", [Unavailable(reasons.PROJECT_PENDING), Unavailable(reasons.QUEUE_FAILED)], ids=str)
def test_operations_90_where_there_is_no_room_the_client_hears_503(error: Unavailable) -> None:
    path = PendingPath()
    path.room.error = error
    with pytest.raises(Unavailable):
        path.send(event())
    assert codes(path) == [error.reason.code]
    assert path.account.accepts == []
    assert path.closes()


@pytest.mark.parametrize("port", ["has_memory", "outbox"])
def test_without_room_for_anything_nothing_is_held(port: str) -> None:
    path = PendingPath()
    if port == "outbox":
        path.shelf.room = False
    else:
        path.ports.has_memory = lambda: False
    with pytest.raises(Unavailable):
        path.send(event())
    assert path.room.held == []
    assert path.closes()


def test_without_room_it_waits_on_as_if_nobody_had_touched_it() -> None:
    """The filter's loss is booked when the rest is held, not at each try."""
    path = PendingPath()
    path.send(envelope(("event", "{}"), ("session", "{}")))
    path.learn(plan_of("config: {filterSettings: {}, quotas: [{id: q, categories: [session], limit: 0}]}"))
    path.shelf.error = Unavailable(reasons.QUEUE_FAILED)
    for _ in range(3):
        with pytest.raises(Unavailable):
            path.take_up()
        assert path.account.bookings == []
        assert path.closes()
    path.shelf.error = None
    assert path.take_up().is_settled
    assert len(path.account.bookings) == 1
    assert path.closes()


def test_a_configuration_that_was_forgotten_meanwhile_is_waited_for_again() -> None:
    path = PendingPath()
    path.send(event())
    with pytest.raises(StillPending) as told:
        path.take_up()
    assert told.value.key == KEY
    assert len(path.room.held) == 1
    assert path.closes()


def test_the_project_where_the_trace_began_holds_back_too() -> None:
    path = PendingPath()
    path.learn(plan_of())
    path.learn(PENDING, ROOT)
    trace = {"trace_id": EVENT_ID, "public_key": ROOT}
    assert path.send(event(**trace)).status == 200
    (parcel,) = path.room.held
    assert parcel.raw is not None
    assert parcel.raw.awaits == ROOT
    with pytest.raises(StillPending):
        path.take_up()
    path.learn(None, ROOT)
    path.take_up()
    assert path.closes()
    path.learn(PENDING, ROOT)
    path.ports.samples_traces = False
    path.send(event(**trace))
    assert (len(path.room.held), len(path.shelf.parcels)) == (0, 2)


def test_a_switched_off_project_does_not_wait_for_the_trace() -> None:
    path = PendingPath()
    path.learn(plan_of(OFF))
    path.learn(PENDING, ROOT)
    with pytest.raises(Denied):
        path.send(event(trace_id=EVENT_ID, public_key=ROOT))
    assert path.room.held == []


def test_nothing_leaves_under_a_plan_that_is_not_known_whoever_forgets_to_ask() -> None:
    """Without a room, and even as a copy."""
    path = Path(None)
    path.ports.plans.plans["*"] = PENDING  # type: ignore[attr-defined]
    with pytest.raises(Denied):
        path.send(event())
    assert path.shelf.parcels == []


def test_a_limit_of_ours_that_took_all_leaves_nothing_to_hold() -> None:
    path = PendingPath()
    path.ports.limits.learn(Scoping(KEY, 7), [ActiveLimit("key", frozenset(), 2_000.0, "all")], 1_000.0)
    assert path.send(event()).status == 429
    assert path.room.held == []


def test_an_empty_envelope_waits_for_nobody() -> None:
    path = PendingPath()
    assert path.send(b"{}\n").status == 200
    assert path.room.held == []


def test_who_waited_at_a_relay_before_us_waited_since_then() -> None:
    path = PendingPath()
    path.send(event(), waited_s=100.0)
    (parcel,) = path.room.held
    assert parcel.received_unix == 1_767_607_100.0
    assert b'"sent_at":"2026-01-05T09:58:20.000000Z"' in parcel.body


def test_the_capture_sees_it_when_it_is_processed() -> None:
    seen: list[str] = []

    class Sighting:
        def opened(self, tally: object) -> None:
            seen.append("opened")

        def refused(self, error: object) -> None:
            seen.append("refused")

        def ended(self, *told: object, **more: object) -> None:
            seen.append("ended")

    class Sink:
        def watch(self, ingress: object) -> Sighting:
            return Sighting()

        async def keep(self, sighting: object) -> None:
            seen.append("kept")

    path = PendingPath(capture=Sink())
    path.send(event())
    assert seen == ["kept"]  # and the sink keeps nothing of what was never opened
    path.learn(plan_of())
    path.take_up()
    assert seen == ["kept", "opened", "kept"]
