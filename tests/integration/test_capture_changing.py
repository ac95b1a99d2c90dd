"""Removing, importing and replaying through a real worker (`capture.md` 9.1)."""

import pytest
import pytest_asyncio

from support.capturing import capturing
from support.mini_upstream import mini_upstream
from support.relay import E, K

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVER = "http://127.0.0.1:1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream():
    async with mini_upstream() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def capture(tmp_path_factory, upstream):
    async with capturing(tmp_path_factory.mktemp("capture"), replay_to=[upstream.url, SERVER]) as one:
        yield one


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_kept(capture):
    capture.sink.clear()


# Removing


async def test_what_matches_is_removed_and_without_filters_everything(capture):
    await capture.event(message="one")
    await capture.event(message="two", level="info")
    await capture.send(("log", {"items": [{"body": "a"}, {"body": "b"}]}))
    assert await capture.got("/events", "DELETE", level="info") == {"removed": 1}
    assert await capture.got("/events", "DELETE", message="a", type="log") == {"removed": 1}
    assert [one["title"] for one in (await capture.got("/events"))["events"]] == ["b", "one"]
    assert await capture.got("/events", "DELETE", level="info") == {"removed": 0}
    assert await capture.got("/events", "DELETE", has="suspects") == {"removed": 0}
    assert await capture.got("/events", "DELETE") == {"removed": 2}
    assert (await capture.got("/events"))["total"] == 0


@pytest.mark.parametrize("params", [{"levle": "info"}, {"q": ""}, {"limit": "1"}])
async def test_a_typing_error_removes_nothing(capture, params):
    await capture.event(message="one")
    assert (await capture.ask("/events", "DELETE", **params)).status == 400
    assert (await capture.got("/events"))["total"] == 1


# Importing


async def test_an_export_can_be_taken_up_again(capture):
    await capture.send(
        ("event", {"event_id": E, "message": "card 4242 4242 4242 4242"}), ("attachment", b"\xff\x00"), event_id=E
    )
    await capture.send(("log", {"items": [{"body": "a"}, {"body": "b"}]}))
    exported = (await capture.ask("/export")).body
    capture.sink.clear()
    assert await capture.got("/import", "POST", exported) == {"envelopes": 2, "skipped": 0}
    shown = (await capture.got("/events", via="recording", fields="title,type,project,public_key"))["events"]
    assert [(one["title"], one["type"]) for one in shown] == [
        ("a", "log"), ("b", "log"), ("card [creditcard]", "error"), ("attachment", "attachment"),
    ]  # fmt: skip
    assert {(one["project"], one["public_key"]) for one in shown} == {("7", K)}


async def test_whatever_is_imported_is_scrubbed_first(capture):
    line = b'{"id":"01a20300-ae0d-7136-a7a0-000000000001-0","item_header":{"type":"event"},"payload":{"message":"card 4242 4242 4242 4242"}}'
    assert await capture.got("/import", "POST", line) == {"envelopes": 1, "skipped": 0}
    envelope = b'{}\n{"type":"event"}\n{"message":"card 4242 4242 4242 4242"}'
    assert await capture.got("/import", "POST", envelope) == {"envelopes": 1, "skipped": 0}
    everything = (await capture.ask("/export")).body
    assert everything.count(b"[creditcard]") >= 2
    assert b"4242" not in everything


async def test_what_cannot_be_imported(capture):
    answer = await capture.ask("/import", "POST", b"nonsense")
    assert (answer.status, answer.json["error"]["code"]) == (400, "bad_parameter")
    assert (await capture.ask("/import", "POST", b"{}", x="1")).status == 400
    assert (await capture.got("/events"))["total"] == 0


# Replaying


async def test_envelopes_are_sent_once_more_scrubbed(capture, upstream):
    await capture.send(
        ("event", {"event_id": E, "message": "card 4242 4242 4242 4242"}), ("attachment", b"x"), event_id=E
    )
    await capture.event(message="second")
    ids = [capture.sink.store.newest_id, E, f"{capture.sink.store.find(E).captured.id}-1"]
    to = upstream.url.replace("://", f"://{'b' * 32}@") + "/9"
    told = await capture.got("/replay", "POST", {"ids": ids, "to": to})
    assert told["taken"] == 2
    assert [one["status"] for one in told["envelopes"]] == [200, 200]
    first, second = await upstream.take(), await upstream.take()
    assert b"card [creditcard]" in first.body
    assert b"second" in second.body
    assert f"sentry_key={'b' * 32}" in first.sender


async def test_a_server_that_is_not_there_is_told(capture):
    await capture.event(event_id=E)
    told = await capture.got("/replay", "POST", {"ids": [E], "to": SERVER.replace("://", f"://{K}@") + "/1"})
    assert told["taken"] == 0
    assert told["envelopes"][0]["taken"] is False
    assert told["envelopes"][0]["detail"]


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"ids": [E], "to": f"https://{K}@elsewhere.example/1"}, 403, "capture.replay_to does not name this server"),
        ({"ids": [E], "to": f"http://{K}@127.0.0.1:2/1"}, 403, "does not name"),
        ({"ids": [E], "to": SERVER.replace("://", f"://{K}@") + "/1"}, 404, "no such record"),
        ({"ids": [E], "to": "nonsense"}, 400, "to: "),
        ({"ids": [E], "to": 5}, 400, "to: "),
        ({"ids": [], "to": f"http://{K}@x/1"}, 400, "ids: 1 to 500"),
        ({"ids": [5], "to": f"http://{K}@x/1"}, 400, "ids: 1 to 500"),
        ({"ids": [E]}, 400, "a replay is"),
        (b"nonsense", 400, "the body is no JSON"),
    ],
)
async def test_nothing_goes_where_the_configuration_does_not_say(capture, body, status, problem):
    answer = await capture.ask("/replay", "POST", body)
    assert answer.status == status
    assert problem in answer.json["error"]["message"]
