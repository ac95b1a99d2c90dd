"""The worker as a process that is told of changes: by SIGHUP, by a file it watches, by project files. After each scenario the account must close."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.http_client import auth, post
from support.processes import get, wait_for
from support.worker_process import (
    LIVE,
    STORE,
    Make,
    configure,
    daemons,
    event,
    generation,
    readiness,
    reload,
    send,
)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Make]:
    with daemons(tmp_path) as make:
        yield make


def test_upstream_112_sighup_reloads_and_a_bad_file_changes_nothing(daemon: Make) -> None:
    relay = daemon()
    relay.start()
    send(relay)
    configure(relay, limits={"max_event_size": 20}, http={"timeout": 2}, spool={"envelopes": {"path": "elsewhere"}})
    reload(relay)
    assert post(relay.port, STORE, event()).status == 413
    assert "in force only after a restart: spool.envelopes.path" in relay.log
    assert "changed: http.timeout, limits.max_event_size" in relay.log

    before, good = generation(relay), (relay.folder / "scrubjay.yaml").read_text()
    for bad in ("relay: {", "limits: {max_event_size: 5mb}", good.replace("mode: static", "mode: proxy")):
        (relay.folder / "scrubjay.yaml").write_text(bad)
        told = relay.log.count("configuration not used")
        relay.signal(signal.SIGHUP)
        wait_for(lambda: "was refused" in readiness(relay)[1]["configuration"]["detail"], "readiness says so")
        assert relay.log.count("configuration not used") == told + 1
        assert generation(relay) == before
        assert post(relay.port, STORE, event()).status == 413
        (relay.folder / "scrubjay.yaml").write_text(good)
        reload(relay)
        assert "refused" not in readiness(relay)[1]["configuration"]["detail"]
        before = generation(relay)
    assert readiness(relay)[0] == 200
    assert "the mode changes with a restart only" in relay.log
    account = relay.account()
    assert account.closed, account
    assert relay.stop() == 0


def test_upstream_21_106_108_the_memory_mark_in_a_file_is_obeyed_while_it_runs(daemon: Make) -> None:
    relay = daemon(options={"relay": {"config_reload_interval": 0}, "health": {"max_memory_bytes": "${file:mark}"}})
    mark = relay.folder / "mark"
    mark.write_text("4GiB")
    relay.start()
    mark.write_text("42")
    wait_for(lambda: readiness(relay)[0] == 503, "it is unready")
    assert not readiness(relay)[1]["memory"]["ok"]
    refused = post(relay.port, STORE, event())
    assert refused.status == 503
    assert 5 <= int(refused.headers["retry-after"]) <= 60
    assert get(relay.port, LIVE)[0] == 200
    (relay.folder / "mark").write_text("nonsense")
    wait_for(lambda: "was refused" in readiness(relay)[1]["configuration"]["detail"], "the file is refused")
    assert readiness(relay)[0] == 503
    mark.write_text("4GiB")
    wait_for(lambda: readiness(relay)[0] == 200, "it is ready again")
    before = generation(relay)
    send(relay)
    assert generation(relay) == before
    account = relay.account()
    assert account.closed, account
    assert account.dropped["error"] == 1


def test_upstream_27_28_project_files_are_picked_up_and_one_bad_file_stays_alone(daemon: Make) -> None:
    one, two = "1" * 32, "2" * 32

    def status(key: str) -> int:
        return post(relay.port, STORE, event(), auth(key)).status

    def folder(name: str, **files: str) -> Path:
        path = relay.folder / name
        path.mkdir()
        for stem, text in files.items():
            (path / f"{stem}.yaml").write_text(text)
        return path

    relay = daemon(options={"cache": {"file_interval": 0.05}, "relay": {"override_project_ids": True}}, projects={})
    projects = relay.folder / "projects"
    projects.rmdir()
    good = "publicKeys: [{publicKey: '%s'}]\n"
    first = folder("first", **{"1": good % one})
    second = folder("second", **{"1": good % one + "config: 5\n", "2": good % two})
    third = folder("third", **{"2": good % two + "disabled: true\n"})
    projects.symlink_to(first)
    relay.start()
    # A broken main file does not keep projects from changing.
    (relay.folder / "scrubjay.yaml").write_text("relay: {")
    assert (status(one), status(two)) == (200, 403)

    def swap(target: Path) -> None:
        draft = relay.folder / "draft"
        draft.symlink_to(target)
        draft.replace(projects)

    swap(second)
    wait_for(lambda: status(two) == 200, "the new project")
    assert status(one) == 200
    code, checks = readiness(relay)
    assert (code, checks["configuration"]["ok"]) == (200, True)
    assert "a file cannot be used" in checks["configuration"]["detail"]
    assert "project file not used" in relay.log
    swap(third)
    wait_for(lambda: status(two) == 403, "the project is switched off")
    assert status(one) == 403
    assert "a file cannot be used" not in readiness(relay)[1]["configuration"]["detail"]
    account = relay.account()
    assert account.closed, account
