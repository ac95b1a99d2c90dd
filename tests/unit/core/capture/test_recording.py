import pytest

from scrubjay.core.capture import recording
from scrubjay.core.capture.facts import Coming
from scrubjay.core.capture.item import Fate
from scrubjay.core.capture.local import LOCAL_KEY
from scrubjay.core.capture.recording import MAGIC, frame, read_recording
from scrubjay.core.capture.store import CaptureStore
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.ledger import Account

NOW = 1_800_000_000.0
KEY = "k" * 32


def captured(key=KEY, project=7, **changes):
    envelope = Envelope({"event_id": "e" * 32}, [Item({"type": "event"}, b'{"a":1}'), Item({"type": "log"}, b"{}")])
    fates = [Fate("filtered", "localhost", "filter", "o", "d"), Fate()]
    account = Account(key, project, "r", None, NOW)
    return CaptureStore().offer(envelope, account, Coming(user_agent="curl"), now_unix=NOW, fates=fates, **changes)


def test_what_is_recorded_is_read_again():
    one = captured(originals=[b"ORIGINAL", None])
    data = MAGIC + frame(one)
    (read,) = read_recording(data)
    assert (read.capture_id, read.received_unix, read.account.key, read.account.project_id) == (one.id, NOW, KEY, 7)
    assert (read.coming.via, read.coming.user_agent) == ("recording", "curl")
    assert read.envelope.serialize() == one.wire()
    assert read.fates == (Fate("filtered", "localhost", "filter", "o", "d"), Fate())
    assert b"ORIGINAL" not in data


def test_what_was_withheld_is_not_recorded():
    (read,) = read_recording(MAGIC + frame(captured(withheld={0})))
    assert [item.type for item in read.envelope.items] == ["log"]
    assert read.fates == (Fate(),)


@pytest.mark.parametrize(("key", "project", "expected"), [(LOCAL_KEY, 0, (LOCAL_KEY, 0)), (KEY, None, (KEY, None))])
def test_whose_it_was_is_kept(key, project, expected):
    (read,) = read_recording(MAGIC + frame(captured(key, project)))
    assert (read.account.key, read.account.project_id) == expected


def test_a_torn_end_costs_what_was_torn():
    whole = MAGIC + frame(captured()) + frame(captured())
    for cut in range(1, len(frame(captured())), 7):
        assert len(list(read_recording(whole[:-cut]))) == 1
    assert len(list(read_recording(whole + b"\x01\x02"))) == 2


def test_what_is_no_recording_is_empty():
    assert list(read_recording(b"")) == []
    assert list(read_recording(b"x" * 100)) == []


def packed(data):
    import struct
    import zlib

    import zstandard

    body = zstandard.ZstdCompressor().compress(data) if data is not None else b"no zstd"
    return MAGIC + struct.pack("<II", len(body), zlib.crc32(body)) + body


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"no json\n{}\n",
        b"{}\nno envelope",
        b'{"id":"x","received":1}\n{}\n',
        b'{"id":"01a20300-ae0d-7136-a7a0-e0b9d0a99721"}\n{}\n',
    ],
)
def test_a_frame_that_makes_no_sense_is_skipped(data):
    assert list(read_recording(packed(data) + frame(captured()))) != []
    assert len(list(read_recording(packed(data)))) == 0


def test_fates_that_do_not_fit_are_left_out():
    about = b'{"id":"01a20300-ae0d-7136-a7a0-e0b9d0a99721","received":1,"fates":[["sampled"]]}'
    (none,) = read_recording(packed(about + b"\n{}\n"))
    assert none.fates == ()
    (short,) = read_recording(packed(about + b'\n{}\n{"type":"event"}\n{}\n'))
    assert short.fates == (Fate("sampled"),)


def test_a_frame_that_claims_too_much_is_not_unpacked(monkeypatch):
    """Such as a bomb that somebody imports: a few KiB that come to a GiB."""
    good = frame(captured())
    monkeypatch.setattr(recording, "MAX_FRAME_BYTES", 10_000)
    bomb = packed(b'{"id":"x"}\n' + bytes(20_000))
    assert [read.account.key for read in read_recording(bomb + good)] == [KEY]
