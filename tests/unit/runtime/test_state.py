import errno
import os
import resource
import stat

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scrubjay.errors import ConfigError
from scrubjay.runtime import metrics, state
from scrubjay.runtime.exposition import exposition
from scrubjay.runtime.standing import Standing, Window
from scrubjay.runtime.state import Balance, Drop, Snapshot, StateFile, balances, merge, read_states
from scrubjay.runtime.values import Values

NOW = 1_800_000_000.0


def snapshot(slot=0, *, values=None, held=None, **changes):
    values = values or Values()
    held = held or {}
    facts = {
        "slot": slot,
        "pid": 1,
        "version": "1",
        "started_unix": NOW - 60,
        "heartbeat_unix": NOW,
        "heartbeat_mono": 5.0,
        "account": balances(values, held),
        "held": held,
        "series": values.series_rows(),
        "histograms": values.histogram_rows(),
    }
    return Snapshot(**facts | changes)


def drop(reason="spool_evicted", time_unix=NOW, slot=0):
    return Drop(time_unix, slot, reason, "lost", {"error": 1})


def counted(received=0, forwarded=0, lost=0):
    values = Values()
    values.series[metrics.RECEIVED.name]["error",] = received
    values.series[metrics.OUTCOMES.name]["forwarded", "forwarded", "error"] = forwarded
    values.series[metrics.OUTCOMES.name]["lost", "internal", "error"] = lost
    return values


def samples(text):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("space", "gone", "lives"),
    [("here", False, True), ("here", True, False), ("elsewhere", True, True), ("", True, True)],
)
def test_a_killed_worker_is_dead_at_once_to_whoever_can_see_processes(monkeypatch, space, gone, lives):
    """Others have to wait until its heartbeat is old."""
    monkeypatch.setattr(state, "process_space", lambda: "here")
    monkeypatch.setattr(state, "is_gone", lambda pid: gone)
    assert snapshot(process_space=space).alive(NOW + 1) is lives
    assert not snapshot(process_space=space).alive(NOW + 6)
    monkeypatch.setattr(state, "process_space", lambda: "")
    assert snapshot(process_space="").alive(NOW + 1), "where the kernel does not tell"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_keeps_no_loss_from_the_books(tmp_path, monkeypatch, number):
    """There is no room for a second file, but what is there may be written over; never by more than it has."""
    file = StateFile(tmp_path / "run", 2)
    file.write(snapshot(2, values=counted(5_000_000, 2, 1), held={"spool": {"error": 2}}))

    def refuse(path, content):
        raise OSError(number, "no")

    monkeypatch.setattr(state, "replace_file", refuse)
    shorter, larger = snapshot(2, values=counted(7, 2, 5)), snapshot(2, version="1" * 100_000)
    if number == errno.ENOSPC:
        file.write(shorter)
        assert file.load() == shorter
    before = file.load()
    for written in (larger, *([shorter] if number == errno.EIO else [])):
        with pytest.raises(OSError, match="no"):
            file.write(written)
    assert file.load() == before
    with pytest.raises(OSError, match="no"):
        StateFile(tmp_path / "run", 3).write(shorter)


def test_a_disk_that_takes_only_a_part_leaves_the_file_as_it_was(tmp_path):
    """As one does that is nearly full: the first page is written, and the call does not fail."""
    path, limits = tmp_path / "file", resource.getrlimit(resource.RLIMIT_FSIZE)
    path.write_bytes(b"whole")
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            state.replace_file(path, b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_on_a_full_disk_the_books_have_some_room_to_grow_into(tmp_path, monkeypatch):
    file = StateFile(tmp_path / "run", 2)
    file.write(snapshot(2))
    size = (tmp_path / "run/worker-2.json").stat().st_size

    def refuse(path, content):
        raise OSError(errno.ENOSPC, "no")

    monkeypatch.setattr(state, "replace_file", refuse)
    grown = snapshot(2, version="1" * 2_000)
    file.write(grown)
    assert file.load() == grown
    assert (tmp_path / "run/worker-2.json").stat().st_size == size


def test_what_is_written_is_read_again(tmp_path):
    file = StateFile(tmp_path / "run", 2)
    written = snapshot(2, values=counted(5, 2, 1), held={"spool": {"error": 2}}, drops=[drop()], upstream_up=True)
    file.write(written)
    assert file.load() == written
    assert repr(file).endswith("worker-2.json>")


def test_nothing_there_nothing_loaded(tmp_path):
    assert StateFile(tmp_path, 0).load() is None
    assert read_states(tmp_path / "missing").workers == []


def test_the_folder_and_its_files_are_for_their_owner_alone(tmp_path):
    folder = tmp_path / "a" / "run"
    folder.mkdir(parents=True, mode=0o755)
    before = os.umask(0)
    try:
        StateFile(folder, 0).write(snapshot(drops=[drop()]))
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "worker-0.json": 0o600,
        "worker-0.drops.json": 0o600,
    }


def test_a_link_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ConfigError, match="no folder of ours"):
        StateFile(tmp_path / "link", 0)


def test_a_folder_that_cannot_be_made_is_an_error_of_configuration(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"relay\.state_dir"):
        StateFile(tmp_path / "file" / "run", 0)


def test_a_link_in_place_of_the_draft_is_not_followed(tmp_path):
    file = StateFile(tmp_path, 0)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / f".worker-0.json.{os.getpid()}").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"):
        file.write(snapshot())
    assert victim.read_text() == "precious"


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    file = StateFile(tmp_path, 0)
    file.write(snapshot(generation=1))

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="Input/output"):
        file.write(snapshot(generation=2))
    assert file.load().generation == 1
    assert [path.name for path in tmp_path.iterdir()] == ["worker-0.json"]


def test_drops_are_written_only_when_there_is_a_new_one(tmp_path):
    file = StateFile(tmp_path, 0)
    first = drop()
    file.write(snapshot(drops=[first]))
    (tmp_path / "worker-0.drops.json").unlink()
    file.write(snapshot(drops=[first]))
    assert not (tmp_path / "worker-0.drops.json").exists()
    file.write(snapshot(drops=[first, drop("internal")]))
    assert [one.reason for one in file.load().drops] == ["spool_evicted", "internal"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"slot": "x"}', b"\x00" * 10, b'{"slot": 1}'])
def test_damaged_files_are_left_out(tmp_path, content):
    StateFile(tmp_path, 0).write(snapshot(drops=[drop()]))
    (tmp_path / "worker-0.drops.json").write_bytes(content)
    (tmp_path / "worker-1.json").write_bytes(content)
    merged = read_states(tmp_path, NOW)
    assert [worker.slot for worker in merged.workers] == [0]
    assert merged.drops == []


def test_a_later_version_may_write_more(tmp_path):
    StateFile(tmp_path, 0).write(snapshot())
    path = tmp_path / "worker-0.json"
    path.write_bytes(path.read_bytes().replace(b"{", b'{"later":{"x":1},', 1))
    assert len(read_states(tmp_path, NOW).workers) == 1


def test_slots_merge_into_one(tmp_path):
    StateFile(tmp_path, 1).write(
        snapshot(1, values=counted(5, 2, 1), held={"spool": {"error": 2}}, drops=[drop(time_unix=NOW + 1, slot=1)])
    )
    StateFile(tmp_path, 0).write(snapshot(values=counted(7, 7), drops=[drop(), drop(time_unix=NOW + 2)]))
    merged = read_states(tmp_path, NOW)
    assert [worker.slot for worker in merged.workers] == [0, 1]
    assert merged.account["error"] == Balance(received=12, forwarded=9, dropped=1, held=2)
    assert merged.account["error"].open == 0
    assert [(one.time_unix - NOW, one.slot) for one in merged.drops] == [(2, 0), (1, 1), (0, 0)]


def test_the_dead_keep_their_counts_and_lose_their_gauges():
    def worker(slot, **changes):
        values = counted(1)
        values.series[metrics.UPSTREAM_INFLIGHT.name][()] = 1
        return snapshot(slot, values=values, held={"spool": {"error": 1}}, upstream_up=slot == 0, **changes)

    merged = merge([worker(0), worker(1, heartbeat_unix=NOW - 5.1), worker(2, stopped=True)], NOW)
    assert [one.slot for one in merged.alive] == [0]
    assert merged.upstream_up is True
    shown = samples(exposition(merged))
    assert shown["scrubjay_workers", ()] == 1
    assert shown["scrubjay_upstream_inflight", ()] == 1
    assert shown["scrubjay_items_received_total", (("category", "error"),)] == 3
    assert shown["scrubjay_items_held", (("category", "error"), ("where", "spool"))] == 3


@pytest.mark.parametrize(("known", "up"), [([], None), ([None], None), ([True, None], True), ([True, False], False)])
def test_the_upstream_is_up_when_no_worker_says_otherwise(known, up):
    assert merge([snapshot(slot, upstream_up=one) for slot, one in enumerate(known)], NOW).upstream_up is up


def test_the_clock_is_asked_when_no_time_is_given():
    assert merge([]).now_unix > 1_000_000_000


def test_the_text_is_what_prometheus_reads():
    values = counted(3, 1)
    rows = values.histograms[metrics.REQUEST_SECONDS.name]
    for seconds in (0.0005, 0.02, 99):
        rows.observe(("envelope", "200"), seconds)
    text = exposition(merge([snapshot(values=values)], NOW))
    assert b"# TYPE scrubjay_items_received_total counter" in text
    assert b"# HELP scrubjay_requests_total" not in text
    shown = samples(text)
    labels = (("route", "envelope"), ("status", "200"))

    def at(bound):
        return shown["scrubjay_request_duration_seconds_bucket", (("le", bound), *labels)]

    assert (at("0.0005"), at("0.01"), at("0.025"), at("10.0"), at("+Inf")) == (1, 1, 2, 2, 3)
    assert shown["scrubjay_request_duration_seconds_count", labels] == 3
    assert shown["scrubjay_request_duration_seconds_sum", labels] == pytest.approx(99.0205)


def test_the_account_is_read_off_the_counters():
    values = counted(10, 3, 2)
    outcomes = values.series[metrics.OUTCOMES.name]
    outcomes["captured", "captured", "error"] = 1
    outcomes["rate_limited", "quota", "log_item"] = 4
    account = balances(values, {"memory": {"error": 1}, "spool": {"error": 2, "span": 1}})
    assert account == {
        "error": Balance(received=10, forwarded=3, captured=1, dropped=2, held=3),
        "log_item": Balance(dropped=4),
        "span": Balance(held=1),
    }
    assert account["error"].ended == 6
    assert account["error"].open == 1


def test_quotas_and_limits_are_numbers_too():
    """Workers share their counters: each is counted once (`decisions.md` 9.5)."""
    rows = [
        Window("q", "project 1", NOW + 60, consumed=5, limit=10),
        Window("q", "project 2", NOW + 60, consumed=9, limit=10),
        Window("c", "project 1", NOW + 60, consumed=None),
    ]
    limits = [Standing("key a", NOW + 9, "upstream"), Standing("key a", NOW + 9, "q", ("error",))]
    shots = [snapshot(slot=slot, windows=rows, limits=limits) for slot in (0, 1)]
    values = merge(shots, NOW).values.series
    assert values["scrubjay_quota_consumed"] == {("q",): 14, ("c",): 0}
    assert values["scrubjay_quota_limit"] == {("q",): 10}
    assert values["scrubjay_quota_used_ratio"] == {("q",): 0.9}
    assert values["scrubjay_limits_active"] == {("upstream",): 1, ("local",): 1}
