"""Several workers behind one port, as processes: they share the work, die, are replaced, and nothing that was acknowledged is lost."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.daemon import KEY, READY, Daemon
from support.http_client import post
from support.processes import answers, free_port, get, wait_for
from support.recorder import Recorder, recording
from support.steady_load import TARGET, SteadyLoad, steady_load

Daemons = Callable[..., Daemon]
ENVELOPE = b'{}\n{"type":"event"}\n{"message":"x"}'
IN_A_HURRY_S = 20
"""Less than any delay that an end in order has."""


def state(relay: Daemon, slot: int) -> dict[str, Any]:
    """A slot's state file."""
    return json.loads((relay.folder / "run" / f"worker-{slot}.json").read_text())  # type: ignore[no-any-return]


def pid(relay: Daemon, slot: int) -> int:
    return int(state(relay, slot)["pid"])


def is_alive(number: int) -> bool:
    """Whether such a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ready(relay: Daemon, count: int) -> None:
    """All workers serve: the log says so."""
    wait_for(lambda: relay.log.count("is ready") >= count, f"{count} workers were ready")


def with_workers(daemons: Daemons, count: int, upstream: Recorder | None, **options: Any) -> Daemon:
    sections = {**options, "relay": {"workers": count, **options.get("relay", {})}}
    relay = daemons(upstream=upstream.url if upstream else "http://127.0.0.1:9/", options=sections)
    relay.start()
    ready(relay, count)
    return relay


def configure(relay: Daemon, /, **sections: Any) -> None:
    path = relay.folder / "scrubjay.yaml"
    config = yaml.safe_load(path.read_text())
    for section, values in sections.items():
        config[section] = {**config.get(section, {}), **values}
    path.write_text(yaml.safe_dump(config))


def received(relay: Daemon) -> float:
    return relay.metrics().get(("scrubjay_items_received_total", frozenset({("category", "error")})), 0)


def arrived(upstream: Recorder) -> set[str]:
    return {str(delivery.envelope()[0].get("event_id")) for delivery in list(upstream.deliveries)}


def all_arrive(load: SteadyLoad, upstream: Recorder) -> None:
    expected = set(load.acknowledged)
    assert len(expected) > 50, "there was no load worth the name"
    wait_for(lambda: not expected - arrived(upstream), "everything that was acknowledged has arrived", timeout_s=120)


def test_operations_119_each_of_four_workers_serves(daemons: Daemons) -> None:
    with recording() as upstream:
        relay = with_workers(daemons, 4, upstream)
        for _ in range(400):
            assert post(relay.port, TARGET, ENVELOPE).status == 200
        assert relay.stop() == 0, relay.log
        served = [state(relay, slot)["account"]["error"]["received"] for slot in range(4)]
    assert sum(served) == 400
    assert min(served) > 40, served


def test_operations_86_114_a_killed_worker_loses_nothing_and_its_slot_returns(daemons: Daemons) -> None:
    seen: list[float] = []
    with recording() as upstream:
        relay = with_workers(daemons, 2, upstream)
        with steady_load(relay.port) as load:
            for slot in (0, 1):
                count = len(load.acknowledged)
                wait_for(lambda: len(load.acknowledged) > count + 100, "load")  # noqa: B023  waited for here
                seen.append(received(relay))
                victim = pid(relay, slot)
                os.kill(victim, signal.SIGKILL)
                wait_for(lambda: seen.append(received(relay)) or pid(relay, slot) != victim, "the slot is served again")  # noqa: B023
        assert load.refused == 0
        assert load.statuses == {200}
        all_arrive(load, upstream)
        account = relay.wait_until_empty()
        seen.append(received(relay))
        assert account.closed, account
        assert seen == sorted(seen), "a counter went backwards"
        samples = relay.metrics()
        for slot in "01":
            assert samples["scrubjay_worker_restarts_total", frozenset({("worker", slot)})] == 1
        assert samples["scrubjay_workers", frozenset()] == 2
        assert [worker["slot"] for worker in relay.status()["workers"]] == [0, 1]
        assert [path.name for path in sorted((relay.folder / "spool").glob("p*"))] == ["p00", "p01"]
        assert relay.stop() == 0, relay.log


def test_operations_86_partitions_of_workers_that_are_no_more_are_adopted_with_their_books(daemons: Daemons) -> None:
    """From four workers to two, during an outage."""
    port = free_port()
    relay = daemons(upstream=f"http://127.0.0.1:{port}/", options={"relay": {"workers": 4}})
    relay.start()
    ready(relay, 4)
    for _ in range(100):
        assert post(relay.port, TARGET, ENVELOPE).status == 200
    wait_for(lambda: relay.account().held["error"] == 100, "all have written what they hold")
    os.kill(pid(relay, 3), signal.SIGKILL)  # its books are a second old
    relay.kill()
    configure(relay, relay={"workers": 2})
    relay.start()
    ready(relay, 2)

    def adopted() -> bool:
        return relay.metrics().get(("scrubjay_spool_adoptions_total", frozenset())) == 2

    wait_for(adopted, "both are adopted")
    account = wait_for(lambda: (account := relay.account()).held["error"] == 100 and account, "all is held by two")
    assert account.closed, account
    with recording(port) as upstream:
        account = relay.wait_until_empty()
        assert len(upstream.deliveries) == 100
        assert account.closed, account
        assert account.forwarded["error"] == account.received["error"] == 100
        spool = relay.folder / "spool"
        wait_for(lambda: [path.name for path in sorted(spool.glob("p*"))] == ["p00", "p01"], "the folders are gone")
        assert [worker["slot"] for worker in relay.status()["workers"]] == [0, 1]
        assert relay.stop() == 0


def test_sigterm_under_load_loses_nothing(daemons: Daemons) -> None:
    with recording() as upstream:
        relay = with_workers(daemons, 2, upstream)
        workers = [pid(relay, slot) for slot in (0, 1)]
        with steady_load(relay.port) as load:
            wait_for(lambda: len(load.acknowledged) > 200, "load")
            assert relay.stop() == 0, relay.log
        assert not any(map(is_alive, workers))
        assert load.statuses <= {200, 503}
        relay.start()
        all_arrive(load, upstream)
        account = relay.wait_until_empty()
        assert account.closed, account
        assert relay.stop() == 0


def test_a_reload_reaches_all_and_one_that_needs_it_replaces_them_one_by_one(daemons: Daemons) -> None:
    with recording() as upstream:
        relay = with_workers(daemons, 2, upstream)
        workers = [pid(relay, slot) for slot in (0, 1)]
        configure(relay, limits={"max_event_size": 20})
        relay.signal(signal.SIGHUP)
        wait_for(lambda: [state(relay, slot)["generation"] for slot in (0, 1)] == [2, 2], "both have it")
        assert {post(relay.port, TARGET, ENVELOPE + b" " * 10).status for _ in range(20)} == {413}
        assert [pid(relay, slot) for slot in (0, 1)] == workers

        configure(relay, limits={"max_event_size": "1MiB"}, http={"tls_server_name": "x"})
        with steady_load(relay.port) as load:
            wait_for(lambda: len(load.acknowledged) > 0 or load.statuses, "load")
            relay.signal(signal.SIGHUP)
            wait_for(lambda: all(pid(relay, slot) != old for slot, old in enumerate(workers)), "others serve")
            ready(relay, 4)
            wait_for(lambda: len(load.acknowledged) > 200, "load")
        assert load.refused == 0
        assert "replaced one by one, for: http.tls_server_name" in relay.log
        all_arrive(load, upstream)
        assert not any(map(is_alive, workers))
        restarts = [value for (name, _), value in relay.metrics().items() if name == "scrubjay_worker_restarts_total"]
        assert restarts == [0, 0], "they were not meant to count as dead"
        assert relay.stop() == 0


def test_a_configuration_that_cannot_be_used_reaches_nobody(daemons: Daemons) -> None:
    relay = with_workers(daemons, 2, None)
    workers = [pid(relay, slot) for slot in (0, 1)]
    file = relay.folder / "scrubjay.yaml"
    good = file.read_text()
    bad_project = relay.folder / "projects" / "7.yaml"
    for number, (text, project, problem) in enumerate(
        (
            ("relay: {", None, "scrubjay.yaml"),
            (good.replace("mode: static", "mode: proxy"), None, "the mode changes with a restart only"),
            (good.replace("path: ", "compression_level: 3\n    path: "), "publicKeys: [{publicKey: short}]", "7.yaml"),
        ),
        start=1,
    ):
        file.write_text(text)
        if project is not None:
            bad_project.write_text(project)
        relay.signal(signal.SIGHUP)
        wait_for(lambda: relay.log.count("configuration not used") >= number, "the refusal")  # noqa: B023
        assert problem in relay.log.splitlines()[-1] or problem in relay.log
    wait_for(lambda: "the last change was refused" in remark(relay), "readiness says so")
    bad_project.unlink()
    configure(relay, relay={"workers": 5})
    file.write_text(file.read_text().replace("compression_level: 3", "compression_level: 1"))
    relay.signal(signal.SIGHUP)
    wait_for(lambda: "in force only after a restart of the whole: relay.workers" in relay.log, "the remark")
    wait_for(lambda: all(state(relay, slot)["generation"] == 2 for slot in (0, 1)), "the next generation")
    assert [pid(relay, slot) for slot in (0, 1)] == workers
    assert relay.stop() == 0


def remark(relay: Daemon) -> str:
    return str(json.loads(get(relay.port, READY)[1])["checks"]["configuration"]["detail"])


def test_workers_do_not_outlive_their_supervisor_and_the_next_one_recovers(daemons: Daemons) -> None:
    with recording() as upstream:
        relay = with_workers(daemons, 2, upstream)
        workers = [pid(relay, slot) for slot in (0, 1)]
        with steady_load(relay.port) as load:
            wait_for(lambda: len(load.acknowledged) > 200, "load")
            relay.signal(signal.SIGKILL)
            assert relay.wait() == -signal.SIGKILL
            relay.start()  # the workers of the first may be ending still: theirs is waited for
            ready(relay, 2)
            count = len(load.acknowledged)
            wait_for(lambda: len(load.acknowledged) > count + 100, "load")
        wait_for(lambda: not any(map(is_alive, workers)), "the orphans have ended")
        all_arrive(load, upstream)
        assert [path.name for path in sorted((relay.folder / "spool").glob("p*"))] == ["p00", "p01"]
        account = relay.wait_until_empty()
        assert account.closed, account
        assert relay.stop() == 0


@pytest.mark.parametrize(("signals", "status"), [([signal.SIGINT, signal.SIGINT], 130), ([signal.SIGQUIT], 131)])
def test_whoever_is_in_a_hurry_waits_for_nobody(daemons: Daemons, signals: list[int], status: int) -> None:
    relay = with_workers(daemons, 2, None, relay={"shutdown_delay": 3 * IN_A_HURRY_S})
    workers = [pid(relay, slot) for slot in (0, 1)]
    assert post(relay.port, TARGET, ENVELOPE).status == 200
    for number in signals:
        relay.signal(number)
        if len(signals) > 1:
            wait_for(lambda: relay.log.count("stopping") >= 3, "it is stopping")
    assert relay.wait(timeout_s=IN_A_HURRY_S) == status
    wait_for(lambda: not any(map(is_alive, workers)), "the workers are gone", timeout_s=IN_A_HURRY_S)
    relay.start()
    ready(relay, 2)
    wait_for(lambda: relay.account().held["error"] == 1, "it was on disk")


def test_what_cannot_start_ends_as_one_worker_would(daemons: Daemons) -> None:
    first = with_workers(daemons, 2, None)
    second = daemons(upstream="http://127.0.0.1:9/", options={"relay": {"workers": 2, "port": first.port}})
    taken = second.run("run")
    assert taken.returncode == 1
    assert f"config: relay.port: cannot listen on 127.0.0.1:{first.port}" in taken.stderr
    assert first.stop() == 0
    blocked = second.folder / "spool"
    blocked.mkdir()
    (blocked / "FORMAT").write_text("of another program")
    refused = second.run("run")
    assert refused.returncode == 1
    assert "config: spool.envelopes.path" in refused.stderr
    assert "die one after the other" not in refused.stderr


def test_a_capture_runs_in_one_worker_and_greets_once(daemons: Daemons) -> None:
    relay = daemons(mode="capture", spool=False, options={"relay": {"workers": 4}}, projects={})
    relay.start()
    assert relay.log.count("DSN ") == 1
    assert "mode `capture` runs in one worker" in relay.log
    assert relay.metrics()["scrubjay_workers", frozenset()] == 1
    assert relay.stop() == 0


def test_what_goes_around_goes_to_all(daemons: Daemons) -> None:
    relay = with_workers(daemons, 2, None)
    relay.signal(signal.SIGUSR2)
    wait_for(lambda: relay.log.count("<Worker ") == 2 and "<Supervisor " in relay.log, "all tell of themselves")
    relay.signal(signal.SIGUSR1)
    wait_for(lambda: relay.log.count("sending is paused") == 2, "both pause")
    os.kill(pid(relay, 1), signal.SIGKILL)
    wait_for(lambda: relay.log.count("sending is paused") == 3, "the new one, too")
    relay.signal(signal.SIGUSR1)
    wait_for(lambda: relay.log.count("sending goes on") == 2, "both go on")
    lines = [json.loads(line) for line in relay.log.rpartition("\n")[0].splitlines()]
    assert {line["worker"] for line in lines if line["target"] == "scrubjay.worker"} == {0, 1}
    assert KEY not in relay.log
    assert relay.stop() == 0


def test_the_supervisor_is_small(daemons: Daemons) -> None:
    relay = with_workers(daemons, 2, None)
    assert relay.resident_bytes() < 32 * 1024 * 1024
    assert answers(relay.port, READY)
    assert relay.stop() == 0


def test_operations_87_two_instances_share_a_folder_and_no_partition(daemons: Daemons) -> None:
    """The second takes other slots, and each sends what it took."""
    hurried = {"limits": {"shutdown_timeout": 0.5}}
    with recording() as upstream:
        first = with_workers(daemons, 2, upstream, **hurried)
        second = daemons(
            upstream=upstream.url,
            options={
                **hurried,
                "relay": {"workers": 2},
                "spool": {"envelopes": {"path": str(first.folder / "spool")}},
            },
        )
        second.start()
        ready(second, 2)
        owners = {
            path.parent.name: json.loads(path.read_text())["pid"] for path in (first.folder / "spool").glob("p*/OWNER")
        }
        assert sorted(owners) == ["p00", "p01", "p02", "p03"]
        assert {pid(first, slot) for slot in (0, 1)} == {owners["p00"], owners["p01"]}
        assert len(set(owners.values())) == 4
        with steady_load(first.port) as load, steady_load(second.port) as other:
            wait_for(lambda: min(len(load.acknowledged), len(other.acknowledged)) > 60, "both took something")
        for each in (load, other):
            all_arrive(each, upstream)
        for relay in (first, second):  # what is noted as done at the end of one is not left to the other
            relay.wait_until_empty()
        assert first.stop() == second.stop() == 0
        ids = [str(delivery.envelope()[0].get("event_id")) for delivery in upstream.deliveries]
        assert len(ids) == len(set(ids)), "nothing was sent by both"
