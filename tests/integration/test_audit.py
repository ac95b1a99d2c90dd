"""The audit log of a running relay: what it tells, what it never tells, and what a kill leaves of it (scrubbing.md 15.8)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from hashlib import md5, sha1, sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from support.daemon import READY, Daemon
from support.http_client import Answer, post
from support.labels import Source
from support.processes import get
from support.recorder import Recorder, recording

TARGET = "/api/7/envelope/"
PLANTED = 1_000
_KINDS = ("email", "card", "github", "jwt", "ipv4")

Make = Callable[..., Daemon]


@pytest.fixture
def upstream() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


@pytest.fixture
def daemon(tmp_path: Path, upstream: Recorder) -> Iterator[Make]:
    made: list[Daemon] = []

    def make(scrub: dict[str, Any], level: str = "info") -> Daemon:
        options = {"scrub": {"audit_interval": 0.1, **scrub}, "logging": {"level": level}}
        made.append(Daemon(tmp_path / "relay", upstream=upstream.url, options=options))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.close()


def envelope(event_id: str, *items: tuple[dict[str, Any], bytes]) -> bytes:
    out = [json.dumps({"event_id": event_id}).encode()]
    for header, payload in items:
        out += [json.dumps({**header, "length": len(payload)}).encode(), payload]
    return b"\n".join(out) + b"\n"


def event(number: int, message: str = "of ana@lab.example") -> bytes:
    return envelope(f"{number:032x}", ({"type": "event"}, json.dumps({"message": message}).encode()))


def send(relay: Daemon, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        assert post(relay.port, TARGET, event(number)).status == 200


def audit_files(relay: Daemon) -> list[Path]:
    return sorted((relay.folder / "run" / "audit").iterdir())


def shown(relay: Daemon) -> dict[str, dict[str, Any]]:
    """The rows of the one project and day, by rule."""
    done = relay.run("audit", "show", "--json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({row["day"] for row in rows}) <= 1
    return {row["rule"]: row for row in rows}


# What it tells


def test_figures_of_a_day_are_exact_over_a_restart(daemon: Make) -> None:
    relay = daemon({})
    send(relay, 5)
    assert relay.stop() == 0
    relay.start()
    send(relay, 3, first=5)
    assert post(relay.port, TARGET, event(9, "all is well")).status == 200
    metrics = {name: value for (name, labels), value in relay.metrics().items() if ("detector", "email") in labels}
    assert relay.stop() == 0
    rows = shown(relay)
    assert (rows[""]["scrubbed"], rows[""]["clean"], rows[""]["dropped"]) == (8, 1, 0)
    assert (rows["@email:replace"]["hits"], rows["@email:replace"]["items"]) == (8, 8)
    assert rows["@email:replace"]["bytes"] == 8 * len("ana@lab.example")
    assert metrics["scrubjay_scrub_hits_total"] == 8
    verified = relay.run("audit", "verify")
    assert verified.returncode == 0, verified.stdout
    (file,) = audit_files(relay)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_kill_loses_what_was_not_written_yet_and_no_more(daemon: Make) -> None:
    relay = daemon({"audit_interval": 3600})
    send(relay, 3)
    assert relay.stop() == 0  # writes them
    relay.start()
    send(relay, 2, first=3)
    relay.kill()
    # What a kill in the middle of a write would leave.
    (file,) = audit_files(relay)
    with file.open("ab") as log:
        log.write(b'{"kind":"item","n":')
    relay.start()
    send(relay, 4, first=5)
    assert relay.stop() == 0
    verified = relay.run("audit", "verify")
    assert verified.returncode == 0, verified.stdout
    assert "cut off by a kill or a full disk, and said so" in verified.stdout
    assert shown(relay)[""]["scrubbed"] == 7


def test_a_removed_end_shows_by_the_state_file(daemon: Make) -> None:
    relay = daemon({"audit": "items"})
    send(relay, 3)
    assert relay.stop() == 0
    (file,) = audit_files(relay)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-2]))
    verified = relay.run("audit", "verify")
    assert verified.returncode == 1
    assert "the end is missing" in verified.stdout


def test_a_folder_that_cannot_be_written_stops_nothing(daemon: Make, upstream: Recorder, tmp_path: Path) -> None:
    (tmp_path / "blocked").touch()
    relay = daemon({"audit_dir": str(tmp_path / "blocked" / "audit")})
    send(relay, 2)
    relay.wait_until_empty()
    assert len(upstream.deliveries) == 2
    status, body = get(relay.port, READY)
    assert status == 200
    assert b"the audit log cannot be written" in body
    metrics = {name: value for (name, _), value in relay.metrics().items()}
    assert metrics["scrubjay_audit_errors_total"] >= 1
    assert relay.log.count("the audit log cannot be written") == 1


# What it never tells


def spellings(value: str) -> Iterator[bytes]:
    """Plain, percent-encoded, base64 at each alignment, hex, and what an unkeyed hash would be."""
    raw = value.encode()
    yield raw
    yield quote(value, safe="").encode()
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        yield coded[(0, 2, 3)[shift] : -4]
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for algorithm in (md5, sha1, sha256):
        yield algorithm(raw).hexdigest().encode()


def plant(relay: Daemon, values: list[str]) -> list[Answer]:
    """Sends each value somewhere: where it is scrubbed, where it cannot be read, and where the request is refused for it."""
    answers = []
    for number, value in enumerate(values):
        event_id = f"{number:032x}"
        extra = {"note": f"of {value}!", value: "as a key", "nested": {value: [f"of {value}!"]}}
        document = {
            "message": f"of {value}!",
            "user": {"id": value, "email": value, value: value},
            "tags": {"who": value, value: "x"},
            "contexts": {value: {"who": value}},
            "extra": extra,
            "request": {"url": f"https://h/?q={value}", "headers": {"X-Who": value, value: "x"}, "data": value},
            "breadcrumbs": [{"message": f"of {value}!", "data": {value: value}}],
        }
        payload = json.dumps(document).encode()
        ways: list[tuple[str, bytes]] = [
            (TARGET, envelope(event_id, ({"type": "event"}, payload))),
            (TARGET, envelope(event_id, ({"type": "event"}, payload[:-20]))),
            (TARGET, envelope(event_id, ({"type": "event"}, b"{}"), ({"type": "attachment", "filename": value}, value.encode()))),
            (TARGET, envelope(event_id, ({"type": value}, json.dumps({value: value}).encode()))),
            (TARGET, envelope(event_id, ({"type": value}, b"\0\xff" + value.encode()))),
            (TARGET, json.dumps({"event_id": value}).encode() + b"\n{}\n{}"),
            (TARGET, f"{value}\n{value}".encode()),
            (f"{TARGET}?sentry_key={quote(value, safe='')}", b"{}\n"),
            (f"/api/{quote(value, safe='')}/envelope/", b"{}\n"),
            ("/api/7/store/", payload),
            ("/api/7/store/", value.encode()),
            (TARGET, envelope(event_id, ({"type": "session"}, json.dumps({"sid": event_id, "did": value, "attrs": {"ip_address": value}}).encode()))),
        ]  # fmt: skip
        # Each value takes three of the ways, so that all ways carry values of each kind.
        for way in range(3):
            target, body = ways[(number // len(_KINDS) + way * 4) % len(ways)]
            answers.append(post(relay.port, target, body))
    return answers


def test_no_planted_value_is_anywhere_but_in_its_payload(daemon: Make) -> None:
    """scrubbing-74"""
    source = Source(74)
    values = [source.label(_KINDS[number % len(_KINDS)]).text for number in range(PLANTED)]
    assert len(set(values)) == PLANTED
    relay = daemon({"audit": "items"}, level="trace")
    answers = plant(relay, values)
    _, metrics = get(relay.port, "/metrics")
    assert relay.stop() == 0
    outputs = {
        "error texts": b"\n".join(answer.body + repr(answer.headers).encode() for answer in answers),
        "metrics": metrics,
        **{str(path): path.read_bytes() for path in sorted((relay.folder / "run").rglob("*")) if path.is_file()},
        "log": (relay.folder / "log").read_bytes(),
    }
    (audit,) = audit_files(relay)
    assert len(audit.read_bytes().splitlines()) > PLANTED
    assert len(json.loads((relay.folder / "run" / "worker-0.drops.json").read_bytes())) > 100
    assert {answer.status for answer in answers} >= {200, 400, 401}
    everything = b"\n".join(outputs.values())
    leaks = [
        (name, value, form)
        for value in values
        for form in spellings(value)
        if form in everything
        for name, text in outputs.items()
        if form in text
    ]
    assert not leaks, leaks[:5]


def test_the_search_would_find_them() -> None:
    value = "ana@lab.example"
    for text in (
        value.encode(), b"ana%40lab.example", base64.b64encode(b"xy" + value.encode() + b"z"), value.encode().hex().encode(),
        sha1(value.encode()).hexdigest().encode(),
    ):  # fmt: skip
        assert any(form in b"..." + text + b"..." for form in spellings(value))
