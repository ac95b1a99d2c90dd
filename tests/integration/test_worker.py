"""A worker inside the test's own loop: what changes at a reload, what is reported, and starts that fail."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from scrubjay.errors import ConfigError
from scrubjay.runtime import worker as module
from scrubjay.runtime.doors import Doors
from scrubjay.runtime.worker import EXIT_LOST, EXIT_OK, Worker, run
from scrubjay.settings.load import load
from support.relay import Relay, relay

EVENT = b'{"event_id":"5d2c7a5e1b8f4c0e9a3d6f7081920abc"}\n{"type":"event"}\n{"message":"x"}\n'
DEFAULT = {"default.yaml": {"config": {}}}
READY = "/api/relay/healthcheck/ready/"


def change(folder: Path, **sections: dict[str, Any]) -> None:
    path = folder / "scrubjay.yaml"
    config = yaml.safe_load(path.read_text())
    for section, values in sections.items():
        config[section] = {**config.get(section, {}), **values}
    path.write_text(yaml.safe_dump(config))


def metrics(one: Relay) -> dict[str, float]:
    lines = one.worker.books.chronicle.metrics().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


@pytest.fixture(autouse=True)
def logging_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker must not replace the handlers that the tests read."""
    monkeypatch.setattr(module.log, "configure", lambda level, form, worker, backtraces: None)


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  what is waited for tells nobody
            await asyncio.sleep(0.005)


def closed(one: Relay) -> bool:
    balances = one.worker.telemetry.account(one.worker._held())
    return all(balance.open == 0 for balance in balances.values())


# Readiness


async def test_readiness_is_told_in_few_words_for_operators(tmp_path: Path) -> None:
    """Whoever reaches the listener may read them: no types, paths, keys or numbers of anything."""
    async with relay(tmp_path / "r", projects=DEFAULT) as one:
        checks = (await one.send("GET", READY)).json["checks"]
    details = {name: told["detail"] for name, told in checks.items()}
    assert re.fullmatch(r"\d+% used", details.pop("memory"))
    assert details == {"configuration": "generation 1", "audit": "", "spool": "0% full", "running": ""}


# Reload


async def test_settings_of_every_part_are_in_force_after_a_reload(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", projects=DEFAULT) as one:
        assert (await one.env(EVENT, {"X-Forwarded-For": "203.0.113.9"})).status == 200
        assert (await one.forwarded()).headers["content-encoding"] == "zstd"
        change(
            tmp_path / "r",
            http={"encoding": "gzip", "upstream_path_prefix": "/prefix"},
            relay={"trusted_proxies": ["192.0.2.1"], "override_project_ids": True},
            routing={"accept_unknown_items": False, "tunnel_paths": ["/through"]},
            metrics={"prometheus": False},
            privacy={"trust_envelope_facts": False, "send_client_ip": "chain"},
            spool={"envelopes": {"fsync": "never"}},
        )
        await one.worker.reload()
        assert (await one.env(EVENT, {"X-Forwarded-For": "203.0.113.9"})).status == 200
        delivery = await one.forwarded()
        assert delivery.path == "/prefix/api/7/envelope/"
        assert delivery.headers["content-encoding"] == "gzip"
        assert delivery.headers["x-forwarded-for"] == "127.0.0.1"
        assert (await one.send("GET", "/metrics")).status == 404
        assert (await one.send("POST", "/through", b"{}")).status == 401
        assert (await one.env(b'{}\n{"type":"mystery"}\nx')).status == 200
        assert one.worker._configuration._later == ("spool.envelopes.fsync",)
        assert one.worker._loaded.settings.spool.envelopes.fsync == "interval"
        assert closed(one)


async def test_what_cannot_be_used_changes_nothing_and_readiness_says_so(tmp_path: Path) -> None:
    """upstream-112"""
    async with relay(tmp_path / "r", projects=DEFAULT) as one:
        before = one.worker._loaded
        for bad in ("relay: {", "limits: {max_event_size: 5mb}"):
            (tmp_path / "r" / "scrubjay.yaml").write_text(bad)
            await one.worker.reload()
            answer = await one.send("GET", READY)
            assert answer.status == 200
            assert b"the last change was refused; generation 1" in answer.body
        assert one.worker._loaded is before


async def test_the_mode_does_not_change_while_it_runs(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", mode="static", projects={}) as one:
        change(tmp_path / "r", relay={"mode": "proxy"})
        await one.worker.reload()
        assert (await one.env(EVENT)).status == 403
        assert b"was refused" in (await one.send("GET", READY)).body


async def test_polling_applies_changes_and_only_those(tmp_path: Path) -> None:
    """upstream-21"""
    async with relay(tmp_path / "r", options={"relay": {"config_reload_interval": 0}}) as one:
        generation = one.worker._configuration.generation
        await one.worker._look_at_configuration()
        assert one.worker._configuration.generation == generation
        change(tmp_path / "r", limits={"max_event_size": 10})
        await until(lambda: one.worker._configuration.generation > generation)
        assert (await one.env(EVENT)).status == 413


async def test_looking_for_changes_is_switched_on_by_a_reload(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", options={"cache": {"file_interval": 0.02}}) as one:
        generation = one.worker._configuration.generation
        change(tmp_path / "r", relay={"config_reload_interval": 0})
        await one.worker._look_at_configuration()
        assert one.worker._configuration.generation == generation
        await one.worker.reload()
        change(tmp_path / "r", limits={"max_event_size": 10})
        await until(lambda: one.worker._configuration.generation > generation + 1)
        assert (await one.env(EVENT)).status == 413


async def test_new_warnings_are_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with relay(tmp_path / "r", projects=DEFAULT) as one:
        change(tmp_path / "r", relay={"portt": 1})
        caplog.clear()
        with caplog.at_level("WARNING", "scrubjay.worker"):
            await one.worker.reload()
            await one.worker.reload()
        assert caplog.text.count("portt") == 1


async def test_changed_project_files_are_read_even_beside_a_broken_configuration(tmp_path: Path) -> None:
    """upstream-27"""
    options = {"cache": {"file_interval": 0.02}}
    async with relay(tmp_path / "r", mode="static", options=options) as one:
        (tmp_path / "r" / "scrubjay.yaml").write_text("relay: {")
        assert (await one.env(EVENT)).status == 403
        (tmp_path / "r" / "projects" / "default.yaml").write_text("config: {}")
        await until(lambda: one.worker._configuration.generation == 2)
        assert (await one.env(EVENT)).status == 200


# Losses


async def test_a_key_that_the_server_denies_is_refused_here(tmp_path: Path) -> None:
    """upstream-68"""
    async with relay(tmp_path / "r") as one:
        one.upstream.answers.append((403, {}))
        assert (await one.env(EVENT)).status == 200
        await one.forwarded()
        await until(lambda: not one.worker._held()["memory"])
        assert (await one.env(EVENT)).status == 403
        assert closed(one)


# What is shown


async def test_accepted_items_stages_and_writes_are_counted(tmp_path: Path) -> None:
    options = {"spool": {"envelopes": {"path": str(tmp_path / "spool")}}}
    async with relay(tmp_path / "r", mode="static", options=options, projects=DEFAULT) as one:
        for _ in range(64):
            assert (await one.env(EVENT)).status == 200
            await one.forwarded()
        shown = metrics(one)
        assert shown["scrubjay_envelopes_accepted_total"] == 64
        assert shown['scrubjay_envelopes_items_total{item_type="event"}'] == 64
        stages = ["receive", "authenticate", "gate", "filter", "sample", "limit", "scrub", "hand_over"]
        assert [shown[f'scrubjay_stage_seconds_count{{stage="{stage}"}}'] for stage in stages] == [1] * 8
        assert 1 <= shown["scrubjay_spool_group_size_count"] <= 64
        assert shown["scrubjay_spool_append_duration_seconds_sum"] > 0
        assert shown['scrubjay_spool_capacity_bytes{partition="p00"}'] == 500 * 1024 * 1024


async def test_upstream_114_two_processes_on_one_spool_show_their_sum(tmp_path: Path) -> None:
    options = {
        "spool": {"envelopes": {"path": str(tmp_path / "spool")}},
        "relay": {"state_dir": str(tmp_path / "run")},
    }
    async with relay(tmp_path / "a", options=options) as one, relay(tmp_path / "b", options=options) as two:
        assert (one.worker._spool.slot, two.worker._spool.slot) == (0, 1)  # type: ignore[union-attr]
        for each in (one, two, two):
            assert (await each.env(EVENT)).status == 200
            await each.forwarded()
        two.worker.books.chronicle.write()
        assert metrics(one)['scrubjay_items_received_total{category="error"}'] == 3
        assert metrics(one)["scrubjay_workers"] == 2


async def test_sending_can_be_paused_and_everything_can_be_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with relay(tmp_path / "r") as one:
        one.worker._toggle_sending()
        assert (await one.env(EVENT)).status == 200
        assert closed(one)
        caplog.clear()
        with caplog.at_level("INFO", "scrubjay.worker"):
            one.worker._on_signal(one.worker._tell_all, "tell-all")
            await until(lambda: "<Worker" in caplog.text)
        assert "task every-state" in caplog.text
        assert "account of error" in caplog.text
        assert not one.upstream.deliveries
        one.worker._toggle_sending()
        assert b'"message":"x"' in (await one.forwarded()).body


async def test_bodies_that_come_compressed_and_large_go_through_the_threads(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", mode="static", projects=DEFAULT) as one:
        big = json.dumps({"message": "ana@lab.example", "extra": {"x": "y " * 300_000}}).encode()
        body = gzip.compress(b'{}\n{"type":"event","length":%d}\n%b\n' % (len(big), big))
        assert (await one.env(body, {"Content-Encoding": "gzip"})).status == 200
        assert b"ana@lab.example" not in (await one.forwarded()).body
        assert closed(one)


# Starts and ends


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"http": {"ca_bundle": "nothing.pem"}, "relay": {"upstream": "https://h/"}}, "http.ca_bundle"),
        ({"relay": {"port": "taken"}}, "relay.port"),
    ],
)
async def test_a_start_that_fails_leaves_nothing_open(
    tmp_path: Path, changes: dict[str, dict[str, Any]], path: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        sections: dict[str, dict[str, Any]] = {
            "relay": {"mode": "static", "upstream": "http://127.0.0.1:9/", "state_dir": str(tmp_path / "run")},
            "spool": {"envelopes": {"path": str(tmp_path / "spool")}},
        }
        for section, values in changes.items():
            sections[section] = {**sections.get(section, {}), **values}
        if sections["relay"].get("port"):
            sections["relay"]["port"] = taken.getsockname()[1]
        (tmp_path / "scrubjay.yaml").write_text(yaml.safe_dump(sections))
        with pytest.raises(ConfigError) as caught:
            await Worker(load(tmp_path, {})).start()
    assert caught.value.path == path
    async with relay(tmp_path / "r", options={"spool": sections["spool"]}) as one:
        assert one.worker._spool.slot == 0  # type: ignore[union-attr]


async def test_a_spool_that_cannot_be_opened_names_its_setting(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "p00").write_text("no folder")
    text = {"relay": {"upstream": "http://127.0.0.1:9/"}, "spool": {"envelopes": {"path": str(blocked)}}}
    (tmp_path / "scrubjay.yaml").write_text(yaml.safe_dump(text))
    with pytest.raises(ConfigError) as caught:
        await Worker(load(tmp_path, {})).start()
    assert caught.value.path == "spool.envelopes.path"


@pytest.mark.parametrize(("upstream_is_there", "status"), [(True, EXIT_OK), (False, EXIT_LOST)])
async def test_upstream_111_the_end_tells_whether_anything_was_lost(
    tmp_path: Path, upstream_is_there: bool, status: int
) -> None:
    async with relay(tmp_path / "r", options={"limits": {"shutdown_timeout": 30 if upstream_is_there else 0.3}}) as one:
        if not upstream_is_there:
            await one.upstream.stop()
        assert (await one.env(EVENT)).status == 200
        assert await one.worker.stop() == status
        assert closed(one)


async def test_the_end_tells_what_an_ephemeral_spool_still_holds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    envelopes = {"path": str(tmp_path / "spool"), "ephemeral": True}
    options = {"limits": {"shutdown_timeout": 0.3}, "spool": {"envelopes": envelopes}}
    async with relay(tmp_path / "r", options=options) as one:
        await one.upstream.stop()
        assert (await one.env(EVENT)).status == 200
        with caplog.at_level("WARNING", "scrubjay.worker"):
            assert await one.worker.stop() == EXIT_OK, "it is on the disk"
    assert "1 envelopes are left in the spool, and lost if its folder goes with the relay" in caplog.text


def test_run_serves_until_it_is_told_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scrubjay.yaml").write_text("relay: {mode: capture, port: 0}\nlogging: {level: 'off'}\n")
    exits: list[int] = []
    start = Worker.start

    async def start_and_stop(self: Worker) -> Doors:
        doors = await start(self)
        monkeypatch.setattr("os._exit", exits.append)
        self._toggle_sending()
        self._ending.on_signal(signal.SIGQUIT)
        self._ending.on_signal(signal.SIGTERM)
        return doors

    monkeypatch.setattr(Worker, "start", start_and_stop)
    assert run(load(tmp_path, {"SCRUBJAY__RELAY__STATE_DIR": str(tmp_path / "run")})) == EXIT_OK
    assert exits[0] == 131  # in earnest it does not return
