"""The sink and who looks closer: nothing is in the way of what arrives, and everything that waits is bounded."""

import asyncio
import json

import pytest

from scrubjay import reasons
from scrubjay.core.capture.store import CaptureStore
from scrubjay.core.compat.store import read_store
from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.items import classify
from scrubjay.core.ledger import Account, Booking, Ledger
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.ports import Entrance, Ingress
from scrubjay.errors import BadRequest
from scrubjay.runtime.capturing import examiner
from scrubjay.runtime.capturing import sink as module
from scrubjay.runtime.capturing.importing import _NoBook
from scrubjay.runtime.capturing.opening import open_sink
from scrubjay.runtime.capturing.showing import clean_start, default_plan
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.settings.capture import Capture
from scrubjay.settings.relay import Relay
from scrubjay.settings.schema import Settings

KEY = "k" * 32
E = "e" * 32
MAIL = "jane.doe@example.org"


def body_of(payload, *more):
    lines = [{"event_id": E}, {"type": "event"}, payload, *more]
    return b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)


def ingress_of(body, **changes):
    values = {"body": body, "read": lambda data, auth: parse_envelope(data), "auth": Auth(KEY), "path_project": 1,
              "received_unix": 1_800_000_000.0, "now_mono": 0.0, "client_ip": "127.0.0.1"}  # fmt: skip
    return Ingress(**(values | changes))


def opened(sink, body, **changes):
    """A sighting of an envelope that is read, and its tally."""
    ingress = ingress_of(body, **changes)
    envelope = parse_envelope(body)
    for item in envelope.items:
        classify(item)
    tally = Ledger(_NoBook()).open(envelope, Account(KEY, 1, "r", E, ingress.received_unix))
    seen = sink.watch(ingress)
    tally.onlooker = seen
    seen.opened(tally)
    return seen, tally


async def keep(sink, payload, reason=None):
    seen, tally = opened(sink, body_of(payload))
    if reason is not None:
        tally.drop_all(reason, detail=f"found {MAIL}")
    await sink.keep(seen)
    return seen


async def test_what_leaves_is_shown_as_it_leaves():
    sink = CaptureSink(CaptureStore(), originals="full")
    seen, tally = opened(sink, body_of({"message": MAIL}), entrance=Entrance("POST", "/p", "spotlight", "br", 5))
    (item,) = tally.items
    item.replace(b'{"message":"[email]"}')
    tally.drop_all(reasons.CAPTURED)
    await sink.keep(seen)
    (found,) = sink.store.found()
    assert (found.document(), found.record.fate.outcome) == ({"message": "[email]"}, "accepted")
    assert json.loads(found.item.original()) == {"message": MAIL}
    coming = found.captured.facts.coming
    assert (coming.via, coming.method, coming.path, coming.encoding, coming.status) == (
        "spotlight",
        "POST",
        "/p",
        "br",
        200,
    )
    assert repr(sink).startswith("<CaptureSink")


async def test_what_a_container_lost_is_said():
    sink = CaptureSink(CaptureStore())
    seen, tally = opened(sink, body_of({}))
    tally.drop_part(tally.items[0], tally.quantities(tally.items[0]), reasons.SAMPLE_RATE, detail="rate 0.5")
    other = tally.items[0].__class__({"type": "event"}, b"{}")
    seen.ended(other, Booking(reasons.SAMPLE_RATE, (), tally.account), whole=True)
    await sink.keep(seen)
    fate = next(sink.store.found()).record.fate
    assert (fate.outcome, fate.reason, fate.detail) == (
        "accepted",
        reasons.SAMPLE_RATE.code,
        "1 of its records: rate 0.5",
    )


async def test_what_was_dropped_is_scrubbed_by_the_defaults_where_there_is_no_plan():
    for plan in (None, ProjectPlan("pass")):
        sink = CaptureSink(CaptureStore(), plan_of=lambda key, plan=plan: plan)
        await keep(sink, {"message": MAIL, "extra": {"x": "y" * module.HEAVY_BYTES}}, reasons.PROJECT_ID)
        (found,) = sink.store.found()
        assert MAIL.encode() not in found.item.payload()
        assert found.record.fate.detail == "found [email]"


async def test_what_became_no_envelope_is_shown_scrubbed():
    sink = CaptureSink(CaptureStore(), plan_of=lambda key: default_plan())
    for body, auth in ((b"x" * (module.HEAVY_BYTES + 1), Auth(KEY)), (b"{}", None), (MAIL.encode(), Auth(KEY))):
        seen = sink.watch(ingress_of(body, auth=auth))
        seen.refused(BadRequest(reasons.INVALID_ENVELOPE, "invalid", f"cause {MAIL}"))
        await sink.keep(seen)
    kinds = [(found.record.type, found.captured.facts.coming.status) for found in sink.store.found()]
    assert kinds == [("unparsable", 400)] * 3
    assert all(MAIL not in json.dumps(found.record.summary) for found in sink.store.found())
    assert max(len(found.item.payload()) for found in sink.store.found()) <= 4096
    seen = sink.watch(ingress_of(b""))
    await sink.keep(seen)
    assert len(sink.store) == 3


async def test_a_refused_event_of_another_form_is_shown_too():
    sink = CaptureSink(CaptureStore())
    seen = sink.watch(ingress_of(b'{"message":"hi"}', read=lambda data, auth: read_store(data, None, 1 << 20)))
    seen.refused(BadRequest(reasons.LOOP))
    await sink.keep(seen)
    assert next(sink.store.found()).record.title == "hi"


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("", ""),
        ('{"password": "hunter2"}', '{"password":"[Filtered]"}'),
        (f'"{MAIL}"', '"[email]"'),
        (f"plain {MAIL}", "plain [email]"),
        ('{"card": "4111111111111111", "n": 5, "ok": "yes"', '{"card": "[Filtered]", "n": 5, "ok": "yes"'),
        ("[" * 300 + "]" * 300, "[Withheld]"),
    ],
)
def test_the_start_of_a_body_is_scrubbed_as_what_it_looks_like(line, clean):
    assert clean_start(line.encode(), default_plan().scrub) == clean


# Looking closer


async def test_a_report_that_is_asked_for_goes_first():
    sink = CaptureSink(CaptureStore(), originals="shape", is_tee=False)
    for number in range(4):
        await keep(sink, {"extra": {"n": number, "x": MAIL}})
    assert sink.pending == 4
    newest, *_ = sink.store.found()
    report = await sink.report(newest)
    assert report.mode == "shape"
    assert sink.pending == 3
    assert await sink.report(newest) == report
    await sink.examined()
    assert sink.pending == 0
    sink.close()
    assert sink.is_closed


async def test_whoever_asks_for_what_is_looked_at_now_waits_for_it():
    sink = CaptureSink(CaptureStore())
    await keep(sink, {"message": MAIL})
    (found,) = sink.store.found()
    hurry = asyncio.get_running_loop().create_task(sink.examined(), name="test")
    while sink.pending:  # noqa: ASYNC110  until the examiner has taken it
        await asyncio.sleep(0)
    assert (await sink.report(found)).changes is not None
    await hurry
    sink.clear()
    await keep(sink, {"message": MAIL})
    gone = next(sink.store.found())
    sink.store.clear()
    assert (await sink.report(gone)).reason == "nobody looked into it"
    await sink.examined()


async def test_whoever_asks_waits_for_what_had_come_and_not_for_what_comes(monkeypatch):
    sink = CaptureSink(CaptureStore(), originals="full")
    await keep(sink, {"message": MAIL})
    looked = []

    def look(job, mode):
        looked.append(job.captured.id)
        return []

    monkeypatch.setattr(examiner, "_reports", look)
    (first,) = sink.store.found()
    asked = asyncio.get_running_loop().create_task(sink.examined(), name="asked")
    while not asked.done():  # something more has always come when one more was looked at
        await keep(sink, {"message": MAIL})
        await asyncio.sleep(0)
    assert looked[0] == first.captured.id
    assert len(looked) < len(sink.store)
    sink.close()


async def test_what_waits_to_be_looked_at_is_bounded(monkeypatch):
    monkeypatch.setattr(examiner, "MAX_WAITING_BYTES", 3_000)
    sink = CaptureSink(CaptureStore(max_envelopes=3), originals="none")
    for _ in range(6):
        seen, tally = opened(
            sink, body_of({"extra": {"x": MAIL, "long": "y" * 2_000}, "transaction": "4111111111111111"})
        )
        tally.items[0].replace(b'{"transaction":"4111111111111111","extra":{"x":"[email]"}}')
        await sink.keep(seen)
    assert sink.pending == 3
    assert "waiting" in repr(sink._examiner)
    await sink.examined()
    reports = [await sink.report(found) for found in sink.store.found()]
    assert [report.reason for report in reports] == ["", "what came is gone", "what came is gone"]
    assert all(len(report.suspects) == 1 for report in reports)


async def test_what_is_too_large_or_not_kept_is_not_looked_into(monkeypatch):
    monkeypatch.setattr(examiner, "MAX_EXAMINED_BYTES", 100)
    sink = CaptureSink(CaptureStore(), originals="full")
    await keep(sink, {"extra": "y" * 200})
    await keep(sink, b"{", reasons.INVALID_JSON)
    await sink.examined()
    assert [(await sink.report(found)).reason for found in sink.store.found()] == [
        "The item's payload cannot be read as its type demands.",
        "too large to be looked into",
    ]
    small = CaptureSink(CaptureStore(), originals="none")
    seen, tally = opened(small, body_of(b"{"))
    tally.drop_all(reasons.INVALID_JSON)
    await small.keep(seen)
    small._examiner._jobs[0].items[0].came = None
    await small.examined()
    assert (await small.report(next(small.store.found()))).reason == "the payload is not kept"


async def test_one_that_nobody_understands_does_not_end_the_looking(monkeypatch, caplog):
    def fails(job, mode):
        raise RuntimeError("boo")

    sink = CaptureSink(CaptureStore())
    await keep(sink, {})
    monkeypatch.setattr(examiner, "_reports", fails)
    with caplog.at_level("ERROR", logger="scrubjay.capture"):
        await sink.examined()
    assert sink.pending == 0
    assert any("could not be examined" in record.message for record in caplog.records)


async def test_after_the_end_nothing_is_kept():
    sink = CaptureSink(CaptureStore())
    sink.close()
    await keep(sink, {})
    assert len(sink.store) == 0


# Beside forwarding


async def test_beside_forwarding_keeping_returns_at_once_and_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MAX_QUEUED", 2)
    sink = CaptureSink(CaptureStore(), is_tee=True, originals="shape")
    for _ in range(3):
        await keep(sink, {"message": MAIL})
    assert (len(sink.store), sink.store.totals.missed) == (0, 1)
    await sink.examined()
    assert len(sink.store) == 2


async def test_what_cannot_be_captured_is_no_matter_to_what_is_forwarded(monkeypatch, caplog):
    def fails(seen, rules):
        raise RuntimeError("boo")

    monkeypatch.setattr(module, "showing", fails)
    sink = CaptureSink(CaptureStore(), is_tee=True)
    with caplog.at_level("ERROR", logger="scrubjay.capture"):
        await keep(sink, {})
        await sink.examined()
    assert any("could not be captured" in record.message for record in caplog.records)


async def test_who_made_room_for_others_is_told():
    sink = CaptureSink(CaptureStore(max_envelopes=1))
    subscription = sink.subscribe()
    await keep(sink, {})
    await keep(sink, {})
    told = [type(await anext(subscription)).__name__ for _ in range(3)]
    assert told == ["Arrived", "Arrived", "Evicted"]
    assert sink.remove([]) == 0
    async with sink.arrivals() as arrived:
        sink.clear()
        assert arrived.is_set()
    assert sink.mark() > sink.store.newest_id
    assert sink.plan_for(KEY) is default_plan()


@pytest.mark.parametrize(
    ("settings", "mode"),
    [
        (Settings(relay=Relay(mode="capture")), "full"),
        (Settings(relay=Relay(mode="static"), capture=Capture(enabled=True)), "shape"),
        (Settings(relay=Relay(mode="capture", host="0.0.0.0"), capture=Capture(originals="full")), "none"),
        (Settings(relay=Relay(mode="capture", host="localhost"), capture=Capture(originals="none")), "none"),
        (Settings(relay=Relay(mode="capture", host="example.org")), "none"),
    ],
)
def test_originals_follow_from_where_it_listens(settings, mode):
    sink = open_sink(settings, lambda key: None)
    assert sink is not None
    assert (sink.originals, sink.is_tee) == (mode, settings.relay.mode != "capture")
    assert sink.fallback().scrub is not None


def test_a_relay_that_shows_nothing_has_no_sink():
    assert open_sink(Settings(relay=Relay(mode="static")), lambda key: None) is None
