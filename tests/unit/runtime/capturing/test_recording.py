"""The file: private, bounded, and never in the way of the capture."""

import asyncio
import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scrubjay.core.capture.recording import MAGIC, read_recording
from scrubjay.core.capture.store import CaptureStore
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.ledger import Account
from scrubjay.errors import ConfigError
from scrubjay.runtime.capturing import recording as module
from scrubjay.runtime.capturing.recording import Recording

NOW = 1_800_000_000.0


def offer(store, size=10):
    envelope = Envelope({}, [Item({"type": "attachment"}, b"x" * size)])
    return store.offer(envelope, Account("k" * 32, 1, "r", None, NOW), now_unix=NOW, entropy=5)


async def written(recording):
    while recording._task is not None and not recording._task.done():
        await asyncio.wait([recording._task])


def ids(path):
    return [one.capture_id for one in read_recording(path.read_bytes())]


async def test_what_is_added_is_there_when_it_is_opened_again(tmp_path):
    path, store = tmp_path / "a.rec", CaptureStore()
    recording = Recording(path, store)
    for _ in range(3):
        recording.add(offer(store))
    await written(recording)
    recording.close()
    again = CaptureStore()
    Recording(path, again)
    assert ids(path) == [captured.id for captured in again.newest_first()][::-1]
    assert (len(again), path.stat().st_mode & 0o777) == (3, 0o600)
    assert repr(recording) == "<Recording a.rec, 0 waiting>"


async def test_what_is_gone_from_the_store_goes_from_the_file(tmp_path):
    path, store = tmp_path / "a.rec", CaptureStore()
    recording = Recording(path, store)
    recording.add(offer(store))
    await written(recording)
    store.clear()
    recording.remove()
    await written(recording)
    assert path.read_bytes() == MAGIC


async def test_the_file_does_not_grow_for_ever(tmp_path):
    path, store = tmp_path / "a.rec", CaptureStore(max_envelopes=10)
    recording = Recording(path, store)
    for _ in range(250):
        recording.add(offer(store))
        await written(recording)
    assert len(ids(path)) <= 100
    assert ids(path)[-1] == store.newest_id


async def test_too_much_at_once_is_written_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    path, store = tmp_path / "a.rec", CaptureStore()
    recording = Recording(path, store)
    for _ in range(6):
        recording.add(offer(store))
    await written(recording)
    assert len(ids(path)) == 6


async def test_a_full_disk_costs_a_warning_and_nothing_else(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    path, store = tmp_path / "a.rec", CaptureStore()
    recording = Recording(path, store)
    is_full = [True, True, False]

    def maybe_full(captured):
        if is_full.pop(0) if is_full else False:
            raise OSError(errno.ENOSPC, "No space left on device")
        return frame(captured)

    frame = module.frame
    monkeypatch.setattr(module, "frame", maybe_full)
    with caplog.at_level("WARNING", logger="scrubjay.capture"):
        recording.add(offer(store))
        await written(recording)
    assert ids(path) == [store.newest_id]
    assert not path.with_name("a.rec.new").exists()
    assert any("cannot be written" in record.message for record in caplog.records)


async def test_a_disk_that_is_full_at_the_start_is_written_to_later(tmp_path, monkeypatch, caplog):
    path, store = tmp_path / "a.rec", CaptureStore()
    rewrite = Recording._rewrite
    disks = iter([True])

    def maybe_full(self, chosen):
        if next(disks, False):
            raise OSError(errno.ENOSPC, "No space left on device")
        rewrite(self, chosen)

    monkeypatch.setattr(Recording, "_rewrite", maybe_full)
    recording = Recording(path, store)
    assert any("cannot be written" in record.message for record in caplog.records)
    recording.add(offer(store))
    await written(recording)
    assert ids(path) == [store.newest_id]


def test_a_file_that_cannot_be_written_is_said_at_the_start(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere/a\.rec cannot be written: No such file"):
        Recording(tmp_path / "nowhere" / "a.rec", CaptureStore())


async def test_what_waits_is_written_at_the_end(tmp_path):
    path, store = tmp_path / "a.rec", CaptureStore()
    recording = Recording(path, store)
    recording.add(offer(store))
    recording.close()
    assert ids(path) == [store.newest_id]
    recording.close()
    untouched = Recording(tmp_path / "b.rec", CaptureStore())
    untouched.close()
    assert (tmp_path / "b.rec").read_bytes() == MAGIC


async def test_a_write_that_waits_for_a_thread_at_the_end_is_not_lost(tmp_path):
    path, store = tmp_path / "a.rec", CaptureStore()
    recording = Recording(path, store)
    loop, busy = asyncio.get_running_loop(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(max_workers=1))
    blocked = loop.run_in_executor(None, busy.wait)
    try:
        captured = offer(store)
        recording.add(captured)
        await asyncio.sleep(0)  # it has taken what waited, and has no thread for it
        assert not recording._waiting
        recording.close()
        await asyncio.sleep(0)
    finally:
        busy.set()
        await blocked
    assert ids(path) == [captured.id]


def test_somebody_else_s_file_is_left_alone(tmp_path):
    path = tmp_path / "diary.txt"
    path.write_text("dear diary")
    with pytest.raises(ConfigError, match="no recording"):
        Recording(path, CaptureStore())
    assert path.read_text() == "dear diary"
    with pytest.raises(ConfigError, match="cannot be read"):
        Recording(tmp_path, CaptureStore())


def test_a_recording_with_the_same_envelope_twice_gives_it_once(tmp_path):
    path, store = tmp_path / "a.rec", CaptureStore()
    one = offer(store)
    path.write_bytes(MAGIC + module.frame(one) * 2)
    again = CaptureStore()
    Recording(path, again)
    assert len(again) == 1


async def test_a_disk_that_is_full_at_the_start_does_not_put_more_behind_a_torn_end(tmp_path, monkeypatch):
    path, store = tmp_path / "a.rec", CaptureStore()
    path.write_bytes(MAGIC + module.frame(offer(store)) + b"torn")
    monkeypatch.setattr(module.Recording, "_rewrite", full_disk)
    again = CaptureStore()
    recording = Recording(path, again)
    monkeypatch.undo()
    recording.add(offer(again))
    await written(recording)
    recording.close()
    assert ids(path) == [captured.id for captured in again.newest_first()][::-1]
    assert len(again) == 2


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_the_file_is_bounded_in_bytes(tmp_path, monkeypatch):
    """Few envelopes that are large, of which fewer are kept than the file could hold by their number."""
    monkeypatch.setattr(module, "LEAST_BYTES", 1000)
    path, store = tmp_path / "a.rec", CaptureStore(max_bytes=30_000)
    recording = Recording(path, store)
    for _ in range(40):
        envelope = Envelope({}, [Item({"type": "attachment"}, os.urandom(9_000))])
        recording.add(store.offer(envelope, Account("k" * 32, 1, "r", None, NOW), now_unix=NOW))
        await written(recording)
    assert path.stat().st_size <= 2 * 30_000 + 10_000
    assert ids(path)[-1] == store.newest_id
    recording.close()


async def test_two_captures_do_not_write_to_one_file(tmp_path):
    path, store = tmp_path / "a.rec", CaptureStore()
    recording = Recording(path, store)
    for clear in (False, True):
        recording.add(offer(store))
        if clear:
            recording.remove()
        await written(recording)
        with pytest.raises(ConfigError, match="another capture"):
            Recording(path, CaptureStore())
    recording.close()
    Recording(path, CaptureStore()).close()


async def test_a_file_system_without_locks_is_used_without(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module.fcntl, "flock", refuse)
    path, store = tmp_path / "a.rec", CaptureStore()
    recording = Recording(path, store)
    recording.add(offer(store))
    await written(recording)
    assert ids(path) == [store.newest_id]
    Recording(path, CaptureStore()).close()
    recording.close()


def test_a_rewrite_that_fails_lets_go_of_its_lock(tmp_path, monkeypatch):
    path, store = tmp_path / "a.rec", CaptureStore()
    recording = Recording(path, store)
    held = len(list(Path("/proc/self/fd").iterdir()))
    with monkeypatch.context() as patch:
        patch.setattr(module, "frame", full_disk)
        for _ in range(5):
            assert not recording._try([offer(store)], anew=True)
    assert len(list(Path("/proc/self/fd").iterdir())) == held
    recording.close()


async def test_clearing_needs_no_room(tmp_path, monkeypatch):
    path, store = tmp_path / "a.rec", CaptureStore()
    recording = Recording(path, store)
    recording.add(offer(store))
    await written(recording)
    monkeypatch.setattr(module, "_private", full_disk)
    store.clear()
    recording.remove()
    await written(recording)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (MAGIC, 0o600)
    recording.close()


async def test_an_empty_file_becomes_a_recording(tmp_path):
    path = tmp_path / "a.rec"
    path.touch()
    recording = Recording(path, CaptureStore())
    assert path.read_bytes() == MAGIC
    path.unlink()
    recording.remove()
    await written(recording)
    assert path.read_bytes() == MAGIC
    recording.close()
