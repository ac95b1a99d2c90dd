"""Nothing that was planted comes out of a capture, wherever in a request it stood and whatever became of it.

Searched: every answer of the API in every form, both streams, what `tail` prints, the recording, logs, metrics and all files of the relay.
In mode `full` the routes that show originals are left out, and those alone (`capture.md` 8.2, 15.9).
"""

from __future__ import annotations

import http.client
import struct
from collections import Counter
from pathlib import Path

import pytest
import zstandard

from scrubjay.core.capture.recording import MAGIC
from support.capture_harvest import harvest
from support.daemon import KEY, Daemon
from support.leaky_requests import Requests, Sent
from support.searching import Needles

STRICT = {"profile": "strict", "bundles": ["@gdpr", "@secrets", "@pci", "@hipaa"]}
PROJECT = {
    "config": {
        "piiConfig": {"applications": {"!'no such name'": ["@common", *STRICT["bundles"]]}},
        "filterSettings": {"errorMessages": {"patterns": ["*dropme*"]}},
        "quotas": [{"scope": "project", "categories": ["session"], "limit": 0, "reasonCode": "off"}],
        "scrubjay": {"scrub": STRICT, "sampling": [{"id": 3100, "applies": ["transaction"], "rate": 0}]},
    }
}
OFF = {"publicKeys": [{"publicKey": "d" * 32, "isEnabled": False}], "projectId": 7, "config": {}}
FORMATS = (("human", "--diff"), ("json",), ("logfmt", "--diff"), ("md",))


def open_relay(folder: Path, mode: str, originals: str) -> Daemon:
    capture = {"spotlight_port": None, "enabled": True, "originals": originals, "max_envelopes": 2000}
    relay = Daemon(
        folder / "relay",
        mode=mode,
        upstream=None if mode == "capture" else "http://127.0.0.1:9/",
        projects={"default.yaml": PROJECT, "off.yaml": OFF},
        options={
            "scrub": STRICT,
            "logging": {"level": "debug"},
            "limits": {"max_attachment_size": "1MB"},
            "capture": {**capture, "record": str(folder / "a.recording")},
        },
    )
    relay.start()
    return relay


def send(port: int, sent: Sent) -> int:
    authenticates = sent.target not in ("/tunnel", "/stream")
    auth = {"X-Sentry-Auth": f"Sentry sentry_key={KEY}, sentry_version=7"} if authenticates else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(sent.method, sent.target, sent.body or None, {"User-Agent": "x/1", **auth, **sent.headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def frames(recording: bytes) -> dict[str, bytes]:
    found, at = {}, len(MAGIC)
    while at < len(recording):
        (size,) = struct.unpack_from("<I", recording, at)
        found[f"recording at {at}"] = zstandard.ZstdDecompressor().decompress(recording[at + 8 : at + 8 + size])
        at += 8 + size
    return found


@pytest.mark.parametrize(("mode", "originals"), [("capture", "none"), ("capture", "full"), ("static", "shape")])
def test_capture_9_nothing_planted_comes_out(mode: str, originals: str, tmp_path: Path) -> None:
    relay = open_relay(tmp_path, mode, originals)
    try:
        requests = Requests(seed=20261123)
        statuses = Counter(send(relay.port, sent) for sent in requests.all())
        assert {200, 400, 401, 403, 413, 415, 429} <= statuses.keys() <= {200, 400, 401, 403, 404, 405, 413, 415, 429}
        found = harvest(relay.port, originals=originals == "full", briefly=originals != "none")
        if originals == "none":
            for form, *flags in FORMATS:
                tail = relay.run("tail", "all", "--url", relay.url, "--no-start", "-f", form, "--count", "120", *flags)
                assert tail.returncode == 0, tail.stderr
                found[f"tail {form}"] = (tail.stdout + tail.stderr).encode()
        account = relay.account()
        assert account.closed, account
        assert relay.stop() == 0
    finally:
        relay.close()
    assert b'"ERROR"' not in (tmp_path / "relay" / "log").read_bytes()
    found |= {f"file {path.name}": path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    found |= frames(found["file a.recording"])
    for outcome in ("accepted", "filtered", "sampled", "rate_limited", "invalid", "too_large"):
        assert f'"outcome":"{outcome}"'.encode() in found["GET /api/capture/export "], outcome
    assert leaks(requests, found) == []


def leaks(requests: Requests, found: dict[str, bytes]) -> list[str]:
    needles = Needles()
    for needle, place in requests.owners:
        needles.add(needle, place)
    hits: dict[str, str] = {}
    for place, data in found.items():
        for hit in needles.hits(data):
            hits.setdefault(hit.owner, f"{hit.owner} is in {place}: …{hit.context}…")
    return list(hits.values())
