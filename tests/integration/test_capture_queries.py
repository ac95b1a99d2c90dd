"""What was captured, asked for through a real worker: lists, single records, exports (`capture.md` 9.1, 9.2)."""

import json

import pytest
import pytest_asyncio

from support.capturing import capturing
from support.relay import E, K

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENT = {
    "event_id": E,
    "message": "card 4242 4242 4242 4242",
    "level": "warning",
    "tags": {"area": "cart"},
    "user": {"id": "7"},
}
LOGS = {"items": [{"body": "one", "level": "info"}, {"body": "two", "level": "warn"}]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def capture(tmp_path_factory):
    async with capturing(tmp_path_factory.mktemp("capture"), max_bytes=300_000) as one:
        yield one


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_kept(capture):
    capture.sink.clear()


async def test_a_list_is_newest_first_and_says_where_it_stands(capture):
    for number in range(3):
        await capture.event(message=f"event {number}")
    answer = await capture.ask("/events", limit=2)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["x-scrubjay-cursor"] == answer.json["events"][0]["capture_id"]
    assert [one["title"] for one in answer.json["events"]] == ["event 2", "event 1"]
    rest = await capture.got("/events", limit=2, cursor=answer.json["cursor"])
    assert [one["title"] for one in rest["events"]] == ["event 0"]
    assert (rest["more"], rest["matched"], rest["total"]) == (False, 3, 3)


async def test_filters_search_and_fields(capture):
    await capture.send(("event", EVENT))
    await capture.send(("log", LOGS))
    assert (await capture.got("/events", **{"level>": "warning"}))["matched"] == 2
    assert (await capture.got("/events", **{"level>warning": ""}))["matched"] == 0
    assert (await capture.got("/events", q='"two" OR user.id:7', order="asc", fields="title"))["events"] == [
        {"id": capture.sink.store.find(E).id, "title": "card [creditcard]"},
        {"id": next(iter(capture.sink.store.newest_first())).id + "-0.1", "title": "two"},
    ]
    assert (await capture.got("/events", **{"path:/tags/area": "cart", "has": "changes", "rule": "@creditcard"}))[
        "matched"
    ] == 1
    assert (await capture.got("/events", type=["error", "log"], key=K, project="7"))["matched"] == 3


@pytest.mark.parametrize(
    ("path", "params", "problem"),
    [
        ("/events", {"levle": "error"}, "did you mean 'level'"),
        ("/events", {"count": "1"}, "unknown parameter 'count'"),
        ("/events", {"message": "~("}, "no regular expression"),
        ("/wait", {"cuont": "1"}, "did you mean 'count'"),
        ("/export", {"limit": "1"}, "unknown parameter 'limit'"),
        ("/status", {"q": "1"}, "unknown parameter 'q'"),
        ("/stats", {"x": "1"}, "unknown parameter 'x'"),
        (f"/events/{E}", {"x": "1"}, "unknown parameter 'x'"),
    ],
)
async def test_capture_10_an_unknown_parameter_is_400_with_the_nearest_name(capture, path, params, problem):
    answer = await capture.ask(path, **params)
    assert answer.status == 400
    assert answer.json["error"]["code"] == "bad_parameter"
    assert problem in answer.json["error"]["message"]


async def test_a_record_in_full(capture):
    await capture.send(("event", EVENT), ("attachment", b"x"), event_id=E)
    for wanted in (E, E.upper(), capture.sink.store.newest_id, f"{capture.sink.store.newest_id}-0"):
        record = await capture.got(f"/events/{wanted}")
        assert record["payload"]["logentry"]["formatted"] == "card [creditcard]"
    assert record["remarks"][0]["rule"] == "@creditcard:replace"
    assert record["message"] == "card [creditcard]"
    assert record["envelope_header"] == {"event_id": E}
    assert [(link["type"], link["by"]) for link in record["links"]] == [("attachment", "event_id")]
    assert (await capture.ask("/events/nothing")).status == 404


async def test_payloads_that_are_no_json_are_shown_in_part(capture):
    await capture.send(("attachment", b"\x00" * 100_000), event_id=E)
    body = (
        b'{"event_id":"%b"}\n{"type":"attachment","content_type":"text/plain","length":7}\ngr\xc3\xbc\xc3\x9fe'
        % E.encode()
    )
    assert (await capture.relay.env(body)).status == 200
    text, large = [(await capture.got(f"/events/{one['id']}")) for one in (await capture.got("/events"))["events"]]
    assert text["payload_text"] == "grüße"
    assert large["payload_cut"] is True
    assert len(large["payload_base64"]) == 87384
    await capture.send(("attachment", b"y" * 400_000), event_id=E)
    omitted = await capture.got(f"/events/{capture.sink.store.newest_id}")
    assert omitted["payload_omitted"] is True


async def test_records_are_linked_by_trace(capture):
    trace = {"contexts": {"trace": {"trace_id": "a" * 32, "span_id": "b" * 16}}}
    for number in range(60):
        await capture.event(message=str(number), event_id=f"{number:032x}", **trace)
    linked = await capture.got(f"/events/{0:032x}")
    assert len(linked["links"]) == 50
    assert {link["by"] for link in linked["links"]} == {"trace_id"}


async def test_what_has_neither_event_nor_trace_is_linked_to_nothing(capture):
    await capture.send(("log", LOGS))
    (newest,) = (await capture.got("/events", limit=1))["events"]
    assert (await capture.got(f"/events/{newest['id']}"))["links"] == []


async def test_status_and_stats(capture):
    before = await capture.got("/stats")
    await capture.send(("event", EVENT), ("attachment", b"x"), event_id=E)
    status, stats = await capture.got("/status"), await capture.got("/stats")
    assert status["kept"]["records"] == {"error": 1, "attachment": 1}
    assert status["dsn"] == "http://decafbaddecafbaddecafbaddecafbad@localhost/1"
    assert status["started_at"].endswith("Z")
    assert status["faults"] == 0
    assert status["spotlight_url"] == "http://localhost/stream"
    assert (status["mode"], status["originals"], status["replay_to"]) == ("capture", "full", [])
    assert stats["envelopes"] == before["envelopes"] + 1
    assert stats["by_type"]["event"] == before["by_type"].get("event", 0) + 1
    assert stats["by_outcome"]["accepted"] == before["by_outcome"].get("accepted", 0) + 2
    assert stats["by_project"]["7"] == before["by_project"].get("7", 0) + 1
    assert stats["by_rule"]["@creditcard:replace"] == before["by_rule"].get("@creditcard:replace", 0) + 1


# Exports


@pytest.mark.parametrize(
    ("form", "media_type", "part"),
    [
        ("", "application/json", b'"card [creditcard]"'),
        ("json", "application/json", b'"card [creditcard]"'),
        ("markdown", "text/markdown", rb"## card \[creditcard\]"),
        ("curl", "text/plain", b"curl -sS http://localhost/api/7/envelope/"),
        ("envelope", "application/x-sentry-envelope", b'{"event_id":"%b"}\n' % E.encode()),
        ("python", "text/x-python", b"def test_card_creditcard(sentry_capture)"),
    ],
)
async def test_one_record_to_paste(capture, form, media_type, part):
    await capture.send(("event", EVENT), event_id=E)
    answer = await capture.ask(f"/events/{E}/export", **({"as": form} if form else {}))
    assert answer.status == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert part in answer.body
    assert b"4242" not in answer.body


async def test_forms_and_records_that_are_not_there(capture):
    answer = await capture.ask(f"/events/{E}/export", **{"as": "markdwn"})
    assert (answer.status, "did you mean 'markdown'" in answer.json["error"]["message"]) == (400, True)
    assert (await capture.ask(f"/events/{E}/export")).status == 404


async def test_everything_that_matches_as_lines(capture):
    await capture.send(("event", EVENT | {"extra": {"x": "y" * 70_000}}), event_id=E)
    await capture.send(("event", {"message": "other"}))
    await capture.send(("log", LOGS))
    answer = await capture.ask("/export", type="error", order="asc")
    assert answer.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert [line["title"] for line in lines] == ["card [creditcard]", "other"]
    assert lines[0]["payload"]["extra"] == {"x": "y" * 70_000}
    assert b"4242" not in answer.body
    assert (await capture.ask("/export", method="HEAD")).body == b""
