"""Allow-list mode before a real server: what is left of events is still an event to it (scrubbing.md 15.5)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrubjay.core.envelope import parse_envelope
from support.bugsink import Bugsink
from support.daemon import Daemon
from support.http_client import auth, post

CORPUS = Path(__file__).parents[1] / "support" / "corpus"
LISTED = ["$error.type", "$frame.function", "$frame.lineno", "$frame.filename", "contexts.os.*", "release"]


@pytest.fixture(params=["nothing", "little"])
def listing_relay(request: pytest.FixtureRequest, bugsink: Bugsink, tmp_path: Path) -> Iterator[Daemon]:
    scrub = {"mode": "allow", "allow": LISTED if request.param == "little" else []}
    project = {"config": {"scrubjay": {"scrub": scrub}}}
    relay = Daemon(tmp_path / "relay", upstream=bugsink.url, projects={"default.yaml": project})
    relay.start()
    yield relay
    relay.close()


def test_events_of_the_corpus_are_digested(listing_relay: Daemon, bugsink: Bugsink) -> None:
    """One event of each platform and kind; what Bugsink keeps of them holds none of the texts that are not listed."""
    project = bugsink.project()
    sent = 0
    secret = "Zz-unlisted-zZ"
    for platform in ("cli", "node", "python", "django", "fastapi", "browser", "react"):
        for file in sorted(CORPUS.glob(f"*{platform}*-event.envelope"))[:2]:
            for item in parse_envelope(file.read_bytes()).items:
                if item.type != "event":
                    continue
                event = json.loads(bytes(item.payload))
                event["event_id"] = uuid.uuid4().hex
                event.setdefault("extra", {})["note"] = secret
                event["transaction"] = secret
                payload = json.dumps(event).encode()
                header = json.dumps({"event_id": event["event_id"]}).encode()
                line = json.dumps({"type": "event", "length": len(payload)}).encode()
                body = b"\n".join((header, line, payload, b""))
                answer = post(listing_relay.port, f"/api/{project.id}/envelope/", body, auth(project.key))
                assert answer.status == 200
                sent += 1
    assert sent >= 4
    assert len(project.wait_for_events(sent)) == sent
    assert secret.encode() not in project.everything_stored()
