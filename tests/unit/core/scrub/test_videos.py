"""Replay videos (scrubbing.md 12.3, ingest.md 6.1)."""

from __future__ import annotations

import json
import zlib
from typing import Any

import msgspec
import pytest

from scrubjay.core.scrub.videos import scrub_video
from scrubjay.errors import Unreadable, Unscrubbable
from support import scrubbing

STRICT = scrubbing.default_program("strict")
FILM = bytes(range(256)) * 4
CLEAN_EVENT = b'{"replay_id":"x","urls":["https://h/"]}'
CLEAN_RECORDING = b'{"segment_id":0}\n' + zlib.compress(b'[{"type":3}]')


def video(**parts: Any) -> bytes:
    whole = {"replay_event": CLEAN_EVENT, "replay_recording": CLEAN_RECORDING, "replay_video": FILM}
    return msgspec.msgpack.encode({name: part for name, part in (whole | parts).items() if part is not None})


def scrubbed(payload: bytes) -> dict[str, bytes] | None:
    new = scrub_video(STRICT, payload, "all", 1_000_000)
    return None if new is None else msgspec.msgpack.decode(new)


def test_what_is_clean_stays() -> None:
    assert scrubbed(video()) is None


def test_the_event_is_scrubbed_and_the_film_stays() -> None:
    got = scrubbed(video(replay_event=b'{"urls":["https://h/?mail=ana@lab.example"]}'))
    assert got is not None
    assert b"ana@" not in got["replay_event"]
    assert (got["replay_recording"], got["replay_video"]) == (CLEAN_RECORDING, FILM)


def test_the_recording_is_scrubbed() -> None:
    recording = b'{"segment_id":0}\n' + zlib.compress(b'[{"type":3,"data":"ana@lab.example"}]')
    got = scrubbed(video(replay_recording=recording))
    assert got is not None
    assert json.loads(zlib.decompress(got["replay_recording"].partition(b"\n")[2]))[0]["data"] == "[email]"
    assert (got["replay_event"], got["replay_video"]) == (CLEAN_EVENT, FILM)


def test_parts_may_be_texts_and_others_stay_behind() -> None:
    got = scrubbed(video(replay_event=CLEAN_EVENT.decode(), who="ana@lab.example"))
    assert got is not None
    assert got.keys() == {"replay_event", "replay_recording", "replay_video"}
    assert got["replay_event"] == CLEAN_EVENT
    assert scrubbed(video(replay_video=None)) is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x93\x01\x02\x03",
        b"\x81",
        b"\xff" * 50,
        b"\x91" * 100_000,
        video() + b"\x00",
        video(replay_event=None),
        video(replay_recording=None),
        video(replay_event=[1, 2]),
        video(replay_event={"a": "ana@lab.example"}),
        video(replay_recording=b"no recording"),
    ],
)
def test_what_cannot_be_read_is_refused(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        scrub_video(STRICT, payload, "all", 1_000_000)


def test_an_event_that_cannot_be_scrubbed_takes_all_with_it() -> None:
    with pytest.raises(Unscrubbable):
        scrub_video(STRICT, video(replay_event=b"[1]"), "all", 1_000_000)
