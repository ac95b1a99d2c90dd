"""The capture routes behind the real front door on a loopback port; what is captured is offered as the path does it."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from aiohttp import ClientSession, web

from scrubjay.core.capture.query import Query
from scrubjay.core.capture.store import CaptureStore
from scrubjay.core.envelope import Envelope, Item, encode_json
from scrubjay.core.ledger import Account
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.runtime.endpoints import capture, guard
from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.endpoints.front import Front
from scrubjay.settings.schema import Capture, Relay, Settings
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


def run(coroutine):
    """Of a coroutine that does not wait."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")


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
        routes = capture.routes(settings, SimpleNamespace(capture=self.sink))
        self.runner = web.ServerRunner(Front(routes, Counted(), Bodies(1 << 20)).server(keepalive_timeout_s=5))
        self.session = session
        self.url = ""

    async def start(self):
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    def offer(self, *items, tunnel=False, user_agent="curl/8", **headers):
        envelope = Envelope(headers, [Item({"type": kind, **more}, payload) for kind, payload, more in items])
        account = Account(KEY, 1, "r", envelope.event_id, time.time())
        seen = self.sink.watch(SimpleNamespace(auth=None if tunnel else object(), user_agent=user_agent))
        seen.opened(SimpleNamespace(items=envelope.items, envelope=envelope, account=account))
        run(self.sink.keep(seen))

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


# Reading


async def test_a_list_is_newest_first_and_filtered(site):
    site.offer_event("a" * 32)
    site.offer_event("b" * 32, level="info")
    status, answer, headers = await site.ask("/api/capture/events")
    assert status == 200
    assert [event["event_id"][0] for event in answer["events"]] == ["b", "a"]
    assert headers["X-Scrubjay-Cursor"] == answer["events"][0]["capture_id"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    _, answer, _ = await site.ask("/api/capture/events?level=info&type=error&message=MAIL&limit=1")
    assert [event["event_id"][0] for event in answer["events"]] == ["b"]


async def test_an_unknown_parameter_is_an_error_with_the_nearest_name(site):
    for path in ("events?levle=error", "wait?cuont=1", "envelopes?limt=1", "status?q=1"):
        status, answer, _ = await site.ask(f"/api/capture/{path}")
        assert status == 400
        assert answer["error"]["code"] == "bad_parameter"
        assert "unknown parameter" in answer["error"]["message"]
    assert "did you mean 'level'" in (await site.ask("/api/capture/events?levle=x"))[1]["error"]["message"]


async def test_a_record_in_full_says_what_was_scrubbed(site):
    site.offer_event()
    site.offer(("transaction", b'{"contexts":{"trace":{"trace_id":"t"}}}', {}), event_id="c" * 32)
    site.offer(("attachment", "grüße".encode(), {"filename": "a.txt", "content_type": "text/plain"}), event_id=EVENT_ID)
    status, record, _ = await site.ask(f"/api/capture/events/{EVENT_ID}")
    assert status == 200
    assert record["payload"] == SCRUBBED
    assert record["remarks"] == [
        {"path": "/message", "rule": "@email:replace", "action": "replaced", "range": [8, 15], "len_before": 30}
    ]
    assert record["message"] == "mail to [email]"
    assert record["request"] == {"user_agent": "curl/8"}
    assert record["envelope_header"] == {"event_id": EVENT_ID}
    assert [(link["type"], link["by"]) for link in record["links"]] == [("attachment", "event_id")]
    attachment = (await site.ask(f"/api/capture/events/{record['links'][0]['id']}"))[1]
    assert attachment["payload_text"] == "grüße"
    assert attachment["item_header"]["filename"] == "a.txt"


async def test_binary_payloads_are_shown_in_part(site):
    site.offer(("attachment", b"\x00" * 100_000, {}), tunnel=True)
    site.offer(("replay_video", b"\x01\x02", {}))
    events = (await site.ask("/api/capture/events"))[1]["events"]
    small, large = [(await site.ask(f"/api/capture/events/{event['id']}"))[1] for event in events]
    assert small["payload_base64"] == "AQI="
    assert "payload_cut" not in small
    assert large["payload_cut"] is True
    assert len(large["payload_base64"]) == 87384
    assert (large["via"], small["via"]) == ("tunnel", "dsn")


async def test_an_envelope_too_large_to_keep_is_shown_without_payload(site):
    site.offer(("attachment", b"x" * 2_000_000, {}), user_agent=None)
    event = (await site.ask("/api/capture/events"))[1]["events"][0]
    detail = (await site.ask(f"/api/capture/events/{event['id']}"))[1]
    assert detail["payload_omitted"] is True
    assert "request" not in detail


async def test_what_is_not_there_is_404(site):
    status, answer, _ = await site.ask("/api/capture/events/nothing")
    assert (status, answer["error"]["code"]) == (404, "not_found")


async def test_envelopes_and_status(site):
    for number in range(3):
        site.offer_event(f"{number:032x}")
    rows = (await site.ask("/api/capture/envelopes?limit=2"))[1]
    assert (len(rows["envelopes"]), rows["total"]) == (2, 3)
    assert rows["envelopes"][0]["items"][0]["type"] == "event"
    status = (await site.ask("/api/capture/status"))[1]
    assert status["kept"]["records"] == {"error": 3}
    assert status["totals"]["envelopes"] == 3
    assert status["dsn"] == f"http://decafbaddecafbaddecafbaddecafbad@{site.url[7:]}/1"


async def test_an_empty_store_has_no_cursor(site):
    assert "X-Scrubjay-Cursor" not in (await site.ask("/api/capture/events"))[2]


async def test_envelopes_of_which_nothing_is_left_are_not_shown(site):
    site.offer()
    assert (await site.ask("/api/capture/status"))[1]["totals"]["envelopes"] == 0


# Changing


async def test_clearing_and_marks(site):
    site.offer_event("a" * 32)
    mark = (await site.ask("/api/capture/marks", "POST"))[1]["mark"]
    site.offer_event("b" * 32)
    assert len((await site.ask(f"/api/capture/events?since={mark}"))[1]["events"]) == 1
    assert (await site.ask("/api/capture/events?type=error", "DELETE"))[0] == 400
    assert (await site.ask("/api/capture/events", "DELETE"))[1] == {"removed": 2}
    assert (await site.ask("/api/capture/events"))[1]["total"] == 0


# Waiting


async def test_waiting_ends_when_enough_has_arrived(site):
    site.offer_event("a" * 32)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(site.ask("/api/capture/wait?count=3&timeout=30&message=mail"), name="waiting")
        await until(lambda: site.sink._waiting)
        site.offer_event("b" * 32)
        site.offer_event("c" * 32, message="other")
        await asyncio.sleep(0)
        assert not waiting.done()
        arrived = time.monotonic()
        site.offer_event("d" * 32)
        _, answer, _ = await waiting
    assert time.monotonic() - arrived < 1
    assert answer["satisfied"] is True
    assert [event["event_id"][0] for event in answer["events"]] == ["d", "b", "a"]


async def test_waiting_ends_when_the_time_is_over(site):
    site.offer_event()
    _, answer, _ = await site.ask("/api/capture/wait?count=2&timeout=0.05")
    assert answer["satisfied"] is False
    assert answer["waited_ms"] >= 50
    assert len(answer["events"]) == 1
    assert not site.sink._waiting


async def test_two_hundred_can_wait_and_all_are_let_go_at_the_end(site):
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(site.sink.wait(Query(count=2, timeout_s=60)), name="waiting") for _ in range(200)]
        await until(lambda: len(site.sink._waiting) == 200)
        site.offer_event()
        site.sink.close()
    assert {task.result()["satisfied"] for task in waiting} == {False}
    assert "0 waiting" in repr(site.sink)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  what is waited for has no event of its own
            await asyncio.sleep(0.001)


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
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'"
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
        assert "http" not in body.replace("http://www.w3.org/2000/svg", "")
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
