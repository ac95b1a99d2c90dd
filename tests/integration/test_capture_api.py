"""The capture routes behind the real front door on a loopback port; what is captured is offered as the path does it."""

import re
import time
from types import SimpleNamespace

import pytest
from aiohttp import ClientSession, web

from scrubjay.core.capture.store import CaptureStore
from scrubjay.core.envelope import Envelope, Item, encode_json
from scrubjay.core.ledger import Account
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.runtime.endpoints import capture, guard
from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.endpoints.front import Front
from scrubjay.settings.capture import Capture
from scrubjay.settings.relay import Relay
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import Secret

KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
EVENT_ID = "5d2c7a5e1b8f4c0e9a3d6f7081920abc"
SCRUBBED = {
    "event_id": EVENT_ID,
    "message": "mail to [email]",
    "_meta": {"message": {"": {"rem": [["@email:replace", "s", 8, 15]], "len": 30}}},
}
READING = (
    "/",
    "/static/app.js",
    "/api/capture/status",
    "/api/capture/events",
    "/api/capture/envelopes",
    "/api/capture/wait",
)


class Counted:
    """An observer that wants no errors."""

    def request(self, route, status, seconds):
        pass

    def rejected(self, reason, detail="", **_):
        raise AssertionError(reason)

    def internal_error(self, place, error):
        raise AssertionError(place) from error


class Site:
    """A sink and its routes on a port."""

    def __init__(self, settings, session):
        self.sink = CaptureSink(CaptureStore(max_bytes=1_000_000))
        routes = capture.routes(settings, SimpleNamespace(capture=self.sink, bounds=settings.limits))
        self.runner = web.ServerRunner(Front(routes, Counted(), Bodies(1 << 20)).server(keepalive_timeout_s=5))
        self.session = session
        self.url = ""

    async def start(self):
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    def offer(self, *items, **headers):
        envelope = Envelope(headers, [Item({"type": kind, **more}, payload) for kind, payload, more in items])
        self.sink.store.offer(envelope, Account(KEY, 1, "r", envelope.event_id, time.time()), now_unix=time.time())

    def offer_event(self, event_id=EVENT_ID, **payload):
        self.offer(("event", encode_json(SCRUBBED | {"event_id": event_id} | payload), {}), event_id=event_id)

    async def ask(self, path, method="GET", **headers):
        async with self.session.request(method, self.url + path, headers=headers) as response:
            body = await response.read()
            is_json = response.content_type == "application/json"
            return response.status, (await response.json()) if is_json else body, response.headers


@pytest.fixture
async def make_site():
    sites = []
    async with ClientSession() as session:

        async def make(settings=None):
            site = Site(settings or Settings(), session)
            sites.append(site)
            await site.start()
            return site

        yield make
        for site in sites:
            site.sink.close()
            await site.runner.cleanup()


@pytest.fixture
async def site(make_site):
    return await make_site()


async def test_without_capture_there_are_no_routes():
    assert capture.routes(Settings(), SimpleNamespace(capture=None)) == []


# Who may


@pytest.mark.parametrize("path", READING)
async def test_capture_9_a_foreign_host_name_is_refused_everywhere(site, path):
    assert (await site.ask(path, Host="rebound.example"))[0] == 403
    assert (await site.ask(path, Host="localhost.example:80"))[0] == 403
    assert (await site.ask(path, Host="["))[0] == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3000", "app.localhost:1", "127.0.0.1", "[::1]:8969"])
async def test_capture_9_names_of_this_machine_are_taken(site, host):
    assert (await site.ask("/api/capture/status", Host=host))[0] == 200


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:3000", True),
        ("https://app.localhost", True),
        ("http://127.0.0.1:8000", True),
        ("http://127.3.2.1", True),
        ("http://[::1]:5173", True),
        ("https://evil.example", False),
        ("https://localhost.evil.example", False),
        ("https://notlocalhost", False),
        ("http://203.0.113.7", False),
        ("http://0.0.0.0:3000", False),
        ("http://224.0.0.1", False),
        ("http://[2001:db8::1]", False),
        ("null", False),
        ("http://[", False),
        ("", False),
    ],
)
async def test_capture_9_origins(site, origin, allowed):
    site.offer_event()
    for path, method in (("/api/capture/events", "GET"), ("/static/app.js", "GET"), ("/api/capture/events", "DELETE")):
        status, _, headers = await site.ask(path, method, Origin=origin)
        assert status == (200 if allowed else 403)
        assert headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
        assert headers["Vary"] == "Origin"
    assert len(site.sink.store) == (0 if allowed else 1)


def test_capture_9_an_address_of_this_machine_is_an_allowed_origin(monkeypatch):
    class OwnAddress:
        def __init__(self, *_):
            self.bound = None

        def __enter__(self):
            return self

        def __exit__(self, *_):
            assert self.bound == ("192.168.1.5", 0)

        def bind(self, address):
            self.bound = address

    monkeypatch.setattr(guard.socket, "socket", OwnAddress)
    assert guard.is_allowed_origin("http://192.168.1.5:3000")


async def test_capture_9_preflights(site):
    asked = {"Access-Control-Request-Headers": "x-a, x-b", "Access-Control-Request-Private-Network": "true"}
    status, _, headers = await site.ask("/api/capture/events", "OPTIONS", Origin="http://localhost:3000", **asked)
    assert status == 204
    assert headers["Access-Control-Allow-Methods"] == "GET, HEAD, PUT, POST, DELETE, PATCH"
    assert headers["Access-Control-Allow-Headers"] == "x-a, x-b"
    assert headers["Access-Control-Max-Age"] == "600"
    assert headers["Access-Control-Allow-Private-Network"] == "true"
    status, _, headers = await site.ask("/api/capture/events", "OPTIONS", Origin="https://evil.example", **asked)
    assert status == 403
    assert "Access-Control-Allow-Private-Network" not in headers
    status, _, headers = await site.ask("/api/capture/events", "OPTIONS", Origin="http://localhost")
    assert "Access-Control-Allow-Private-Network" not in headers


async def test_another_site_cannot_use_an_answer_as_a_picture(site):
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert (await site.ask("/api/capture/events", **foreign))[0] == 403
    assert (await site.ask("/static/style.css", **foreign | {"Sec-Fetch-Site": "same-origin"}))[0] == 200


async def test_on_other_addresses_reading_needs_the_token_and_the_page_does_not(make_site):
    site = await make_site(Settings(relay=Relay(host="0.0.0.0"), capture=Capture(token=Secret("open sesame"))))
    site.offer_event()
    assert (await site.ask("/", Host="dev.box"))[0] == 200
    for given, expected in ((None, 401), ("Bearer wrong", 401), ("open sesame", 401), ("Bearer open sesame", 200)):
        headers = {"Authorization": given} if given else {}
        status, answer, _ = await site.ask("/api/capture/events", Host="dev.box", **headers)
        assert status == expected
        assert ("events" in answer) == (expected == 200)


async def test_on_other_addresses_without_a_token_nobody_reads(make_site):
    site = await make_site(Settings(relay=Relay(host="10.0.0.5")))
    assert (await site.ask("/api/capture/events", Authorization="Bearer "))[0] == 401


async def test_localhost_by_name_is_loopback(make_site):
    site = await make_site(Settings(relay=Relay(host="localhost")))
    assert (await site.ask("/api/capture/events"))[0] == 200


# The page


async def test_the_page_and_its_files_come_with_a_strict_policy(site):
    status, page, headers = await site.ask("/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script-src" not in headers["Content-Security-Policy"]
    assert headers["Content-Security-Policy"].startswith(
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert b"<html>" in page
    for name in capture.page.static_files():
        status, body, _ = await site.ask(f"/static/{name}")
        assert status == 200
        assert body.count(b"\n") < 400


async def test_the_page_names_no_other_server_and_holds_no_inline_script(site):
    for name in capture.page.static_files():
        body = (await site.ask(f"/static/{name}"))[1].decode()
        assert re.findall(r"https?://\w[^\s'\"`]*", body.replace("http://www.w3.org/2000/svg", "")) == []
        assert "<script>" not in body
        assert "<style" not in body
        assert " style=" not in body
        assert "innerHTML" not in body


async def test_nothing_but_its_own_files_is_served(site):
    for path in (
        "/static/",
        "/static/../sink.py",
        "/static/%2e%2e/__init__.py",
        "/static/app.js/x",
        "/static/__init__.py",
    ):
        assert (await site.ask(path))[0] == 404
