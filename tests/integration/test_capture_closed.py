"""What a capture does not do for others: forms of foreign pages on this machine, readers without a token on a network (`capture.md` 6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrubjay.runtime.endpoints.capture import routes
from support.capturing import Capture, capturing
from support.relay import E, relay

EVENT = b'{"event_id":"%b"}\n{"type":"event"}\n{"message":"x"}\n' % E.encode()
HERE = {"Host": "localhost"}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
async def test_capture_9_a_form_of_a_foreign_page_changes_nothing(tmp_path: Path, kind: str) -> None:
    """Browsers send such requests without asking first."""
    async with capturing(tmp_path / "r") as one:
        await one.event(message="x")
        (kept,) = one.sink.store.newest_first()
        for method, target, body in (
            ("POST", "/api/capture/import", EVENT),
            ("POST", "/api/capture/marks", b""),
            ("POST", "/api/capture/assert", b'{"expect":[]}'),
            ("PUT", "/api/capture/faults", b'[{"match":{},"action":"reset"}]'),
            ("DELETE", "/api/capture/faults", b""),
            ("POST", "/api/capture/dry-run", b'{"rules":"current"}'),
            ("POST", "/api/capture/replay", b'{"ids":["%b"],"to":"http://k@h/1"}' % kept.id.encode()),
            ("DELETE", "/api/capture/events", b""),
            ("DELETE", "/clear", b""),
            ("POST", "/clear", b""),
            ("POST", "/stream", EVENT),
        ):
            for origin in ("https://evil.example", "null"):
                headers = HERE | {"Origin": origin, "Content-Type": kind}
                assert (await one.relay.send(method, target, body, headers)).status == 403, (method, target)
                asked = HERE | {"Origin": origin, "Access-Control-Request-Method": method}
                assert (await one.relay.send("OPTIONS", target, headers=asked)).status == 403
        assert list(one.sink.store.newest_first()) == [kept]
        assert not len(one.sink.faults)


async def test_capture_9_elsewhere_reading_needs_the_token_and_files_are_not_read(tmp_path: Path) -> None:
    options = {
        "relay": {"host": "0.0.0.0"},
        "capture": {
            "spotlight_port": None,
            "token": "open sesame",
            "context_roots": [str(tmp_path)],
            "open_in_editor": "true",
        },
    }
    async with relay(tmp_path / "r", mode="capture", options=options) as one:
        kept = Capture(one).sink
        sesame = {"Authorization": "Bearer open sesame", "Host": "dev.box"}
        assert (await one.send("POST", "/stream", EVENT, {"Host": "dev.box"})).status == 200
        assert (await one.send("GET", "/health", headers={"Host": "dev.box"})).status == 200
        for route in routes(one.worker._loaded.settings, one.worker.ports):
            if route.label in ("capture", "capture_wait", "stream") and route.method != "OPTIONS":
                target = route.path.replace("{id}", "x").replace("{n}", "0")
                answer = await one.send(route.method, target, b"", headers={"Host": "dev.box"})
                assert answer.status == 401, (route.method, target)
        for method, target in (("DELETE", "/clear"), ("GET", "/envelope/x"), ("HEAD", "/stream")):
            assert (await one.send(method, target, headers={"Host": "dev.box"})).status == 401
        for wrong in ("Bearer", "Bearer open", "Bearer open sesame!", "Basic open sesame", "Bearer \xff"):
            headers = {"Host": "dev.box", "Authorization": wrong}
            assert (await one.send("GET", "/api/capture/events", headers=headers)).status == 401
        assert len(kept.store) == 1
        (event,) = kept.store.newest_first()
        assert (await one.send("GET", f"/api/capture/events/{event.id}/original", headers=sesame)).status == 409
        assert (await one.send("HEAD", "/stream", headers=sesame)).status == 200
        for method, target in (("PUT", "/contextlines"), ("POST", "/open")):
            assert (await one.send(method, target, b"{}", sesame)).status == 404
