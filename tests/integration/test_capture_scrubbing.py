"""What becomes of each item, what scrubbing did to it, and what of it is shown where: through a real worker (`capture.md` 3, 7, 8)."""

import asyncio
import json

import pytest
import pytest_asyncio
import yaml
from click.testing import CliRunner

from scrubjay.cli.program import program
from scrubjay.runtime.capturing.subscriptions import Arrived, Changed, Cleared
from support.capturing import Capture, capturing
from support.relay import E, K, relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAIL = "jane.doe@example.org"
CARD = "4111 1111 1111 1111"
EVENT = {"event_id": E, "message": f"write to {MAIL}", "extra": {"card": CARD, "password": "hunter2"}}
PROJECT = {
    "publicKeys": [{"publicKey": K}],
    "config": {
        "filterSettings": {"localhost": {"isEnabled": True}},
        "quotas": [{"id": "no-logs", "categories": ["log_item"], "limit": 0, "reasonCode": "logs_off"}],
    },
}


async def send(capture, *lines):
    return await capture.relay.env(
        b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def capture(tmp_path_factory):
    async with capturing(tmp_path_factory.mktemp("capture")) as one:
        yield one


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_kept(capture):
    capture.sink.clear()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def choosy(tmp_path_factory):
    """A project that wants neither localhost nor logs."""
    folder = tmp_path_factory.mktemp("choosy")
    options = {"capture": {"spotlight_port": None, "originals": "full"}}
    async with relay(folder, mode="capture", options=options, projects={"7.yaml": PROJECT}) as one:
        yield Capture(one)


# Fates


async def test_what_a_filter_takes_is_shown_scrubbed_with_the_filter(choosy):
    choosy.sink.clear()
    await choosy.event(**EVENT, request={"url": "http://localhost/a"})
    (shown,) = (await choosy.got("/events"))["events"]
    assert (shown["outcome"], shown["outcome_reason"], shown["outcome_stage"]) == ("filtered", "localhost", "filter")
    assert shown["title"] == "write to [email]"
    detail = await choosy.got(f"/events/{shown['id']}")
    assert MAIL not in json.dumps(detail)
    assert CARD not in json.dumps(detail)
    report = await choosy.got(f"/events/{shown['id']}/report")
    assert {change["path"] for change in report["changes"]} >= {"/extra/card", "/extra/password"}


async def test_what_a_quota_takes_is_shown_as_rate_limited(choosy):
    choosy.sink.clear()
    answer = await send(
        choosy,
        {},
        {"type": "log", "item_count": 1, "content_type": "application/vnd.sentry.items.log+json"},
        {"items": [{"body": MAIL, "timestamp": 1, "level": "info"}]},
    )
    assert answer.status == 429
    (shown,) = (await choosy.got("/events"))["events"]
    assert shown["outcome"] == "rate_limited"
    assert "logs_off" in shown["outcome_reason"]
    assert shown["title"] == "[email]"
    (row,) = (await choosy.got("/envelopes"))["envelopes"]
    assert row["status"] == 429


async def test_a_body_that_is_no_envelope_is_a_record_with_its_error(capture):
    answer = await send(
        capture,
        b'{"event_id',
        b'{"mail": "' + MAIL.encode() + b'"}',
        b"plain words",
        b'torn {"password": "hunter2", "n": 1, "card": "' + CARD.encode(),
    )
    assert answer.status == 400
    (shown,) = (await capture.got("/events", type="unparsable"))["events"]
    assert (shown["outcome"], shown["outcome_reason"]) == ("invalid", "invalid_envelope")
    detail = json.dumps(await capture.got(f"/events/{shown['id']}"))
    for value in (MAIL, "hunter2", CARD):
        assert value not in detail
    assert "plain words" in capture.sink.store.find(shown["id"]).item.payload().decode()


async def test_an_envelope_of_somebody_else_is_shown_with_the_reason(capture):
    answer = await send(capture, {"dsn": f"http://{'a' * 32}@h/1"}, {"type": "event"}, EVENT, {"type": "event"}, b"{")
    assert answer.status == 400
    one, two = (await capture.got("/events"))["events"]
    assert {one["outcome"], two["outcome"]} == {"invalid"}
    assert one["title"] == "write to [email]"
    assert (await capture.got(f"/events/{two['id']}"))["payload_omitted"] is True


async def test_an_item_that_cannot_be_scrubbed_is_shown_without_its_payload(capture):
    await capture.send(("event", b'{"message":"' + MAIL.encode() + b'",'), ("attachment", b"text"), event_id=E)
    records = (await capture.got("/events"))["events"]
    assert [record["outcome"] for record in records] == ["invalid", "invalid"]
    assert MAIL not in json.dumps(await capture.got(f"/events/{records[0]['id']}"))
    report = await capture.got(f"/events/{records[0]['id']}/report")
    assert report["changes"][0]["action"] == "item_dropped"


# Reports and originals


async def test_capture_11_a_report_of_a_record(capture):
    await capture.send(("event", EVENT | {"transaction": CARD}), event_id=E)
    report = await capture.got(f"/events/{E}/report")
    assert report["mode"] == "full"
    changes = {change["path"]: change for change in report["changes"]}
    assert changes["/extra/card"]["before"] == CARD
    assert changes["/extra/password"]["after"] == "[Filtered]"
    assert report["totals"]["@email:replace"]["hits"] == 1
    assert report["time_ms"] > 0
    (suspect,) = report["suspects"]
    assert (suspect["path"], suspect["detector"]) == ("/transaction", "card")
    (shown,) = (await capture.got("/events", has="suspects"))["events"]
    assert shown["scrub"]["suspects"] == 1


async def test_a_log_line_has_its_own_part_of_the_report(capture):
    await capture.send(("log", {"items": [{"body": "clean"}, {"body": MAIL}]}))
    one, two = sorted((await capture.got("/events"))["events"], key=lambda record: record["id"])
    assert (await capture.got(f"/events/{one['id']}/report"))["changes"] == []
    assert len((await capture.got(f"/events/{two['id']}/report"))["changes"]) == 1


async def test_originals_are_there_in_mode_full(capture):
    await capture.send(("event", EVENT), ("attachment", b"\xff\xfe binary"), event_id=E)
    assert await capture.got(f"/events/{E}/original") == EVENT
    record = (await capture.got("/events", type="attachment"))["events"][0]
    answer = await capture.ask(f"/events/{record['id']}/original")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert (await capture.ask("/events/unknown/original")).status == 404
    assert (await capture.ask("/events/unknown/report")).status == 404
    assert (await capture.ask(f"/events/{E}/report", x=1)).status == 400


@pytest.mark.parametrize("mode", ["shape", "none"])
async def test_capture_9_originals_are_nowhere_in_other_modes(tmp_path, mode):
    async with capturing(tmp_path, originals=mode, record=str(tmp_path / "capture.rec")) as capture:
        await capture.send(("event", EVENT), event_id=E)
        assert (await capture.ask(f"/events/{E}/original")).status == 409
        report = await capture.got(f"/events/{E}/report")
        assert {change["path"] for change in report["changes"]} >= {"/extra/card", "/logentry/formatted"}
        told = [report]
        told += [await capture.got(path) for path in ("/events", f"/events/{E}", "/envelopes", "/rules")]
        told.append(await capture.got("/dry-run", "POST", {"rules": {}, "ids": [E]}))
        assert all(value not in json.dumps(told) for value in (MAIL, CARD, "hunter2"))
        assert all(("shape_before" in change) is (mode == "shape") for change in report["changes"])


async def test_attachments_are_sent_so_that_no_browser_runs_them(capture):
    await capture.send(("event", {}), event_id=E)
    body = b"<svg onload='x'/>"
    head = {"type": "attachment", "filename": 'a"b\n<.svg', "content_type": "image/svg+xml", "length": len(body)}
    await send(capture, {"event_id": "b" * 32}, head, body, head | {"content_type": "text/plain"}, body)
    answer = await capture.ask(f"/events/{'b' * 32}/attachments/0")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, body, "application/octet-stream")
    assert answer.headers["content-disposition"] == 'attachment; filename="a_b__.svg"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await capture.ask(f"/events/{'b' * 32}/attachments/1")).headers["content-type"].startswith("text/plain")
    for wrong in ("2", "x", "-1"):
        assert (await capture.ask(f"/events/{'b' * 32}/attachments/{wrong}")).status == 404


# Rules


async def test_rules_say_what_they_did(capture):
    await capture.send(("event", EVENT), event_id=E)
    await capture.sink.examined()
    told = await capture.got("/rules")
    rules = {rule["id"]: rule for rule in told["rules"]}
    assert rules["@email:replace"]["hits"] >= 1
    assert rules["@email:replace"]["selector"]
    assert "@iban:replace" in rules or told["unused"]
    assert {"path": "/extra/card", "rule": "@creditcard:filter"}.items() <= next(
        path for path in told["paths"] if path["path"] == "/extra/card"
    ).items()
    assert told["pending"] == 0
    assert (await capture.ask("/rules", kye="x")).status == 400


RULES = "rules: {tail: {type: pattern, pattern: 'w[a-z]+', redaction: {method: replace, text: '[w]'}}}\napplications: {'$message': [tail]}\n"


async def test_rules_can_be_tried_without_changing_anything(capture):
    await capture.send(("event", EVENT), event_id=E)
    before = await capture.got(f"/events/{E}")
    tried = await capture.got("/dry-run", "POST", {"rules": RULES, "ids": [E]})
    (report,) = tried["reports"]
    assert "tail" in {change["by"] for change in report["report"]["changes"]}
    assert "tail" not in {change["by"] for change in report["before_report"]["changes"]}
    assert await capture.got(f"/events/{E}") == before
    assert yaml.safe_load(tried["fragment"])["config"]["piiConfig"] == yaml.safe_load(RULES)
    test = yaml.safe_load(tried["test"])
    assert test["tests"][0]["input"] == EVENT
    assert test["tests"][0]["expect"]["extra"]["card"] == "[Filtered]"
    assert "test" not in await capture.got("/dry-run", "POST", {"rules": "current", "ids": [E]})
    whole = {"piiConfig": yaml.safe_load(RULES), "datascrubbingSettings": {"scrubData": False}}
    off = await capture.got("/dry-run", "POST", {"rules": whole, "ids": [E]})
    assert {change["by"] for change in off["reports"][0]["report"]["changes"]} == {"tail"}


async def test_what_was_tried_is_a_rule_test_that_passes(capture, tmp_path):
    await capture.send(("event", EVENT), event_id=E)
    tried = await capture.got("/dry-run", "POST", {"rules": RULES, "ids": [E]})
    file = tmp_path / "test_rules.yml"
    file.write_text(tried["test"])
    result = await asyncio.to_thread(CliRunner().invoke, program, ["test", str(file)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "dry run"),
        ({"rules": 5, "ids": []}, "object"),
        ({"rules": "a: [", "ids": []}, "YAML"),
        ({"rules": {"applications": {"$$": ["@x"]}}, "ids": []}, "$$"),
        ({"rules": {"piiConfig": 5}, "ids": []}, "piiConfig"),
        ({"rules": "current", "ids": ["unknown"]}, "unknown"),
        ({"rules": "current", "ids": 5}, "ids"),
    ],
)
async def test_what_cannot_be_tried_is_said(capture, body, says):
    answer = await capture.ask("/dry-run", "POST", body)
    assert answer.status == 400
    assert says in answer.json["error"]["message"]


# Envelopes


async def test_offsets_lead_to_the_payloads(capture):
    await capture.send(("event", EVENT), ("attachment", b"\xff\x00" * 40_000), event_id=E)
    (row,) = (await capture.got("/envelopes"))["envelopes"]
    told = await capture.got(f"/envelopes/{row['id']}")
    wire = capture.sink.store.envelope(row["id"]).wire()
    event, attachment = told["items"]
    assert wire[event["offset"] : event["end"]].decode() == event["payload_text"]
    assert json.loads(wire[attachment["header_offset"] :].split(b"\n")[0]) == json.loads(attachment["header"])
    assert attachment["payload_cut"] is True
    assert told["header"] == wire.split(b"\n")[0].decode()
    assert told["records"] == [f"{row['id']}-0", f"{row['id']}-1"]
    assert (await capture.ask("/envelopes/unknown")).status == 404


async def test_envelopes_come_page_by_page(capture):
    for _ in range(3):
        await capture.event()
    first = await capture.got("/envelopes", limit=2)
    assert first["more"] is True
    second = await capture.got("/envelopes", limit=2, cursor=first["cursor"])
    ids = [row["id"] for row in (*first["envelopes"], *second["envelopes"])]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 3
    assert second["more"] is False


async def test_text_that_is_long_is_cut_and_what_is_withheld_is_said(capture):
    await capture.send(
        ("attachment", "é\n".encode() * 400_000), ("attachment", b"a" + "é\n".encode() * 400_000), event_id=E
    )
    (row,) = (await capture.got("/envelopes"))["envelopes"]
    told = await capture.got(f"/envelopes/{row['id']}")
    assert all(item["payload_cut"] and item["payload_text"].startswith(("é", "a")) for item in told["items"])
    await capture.send(("event", b"{"))
    row = (await capture.got("/envelopes"))["envelopes"][0]
    assert (await capture.got(f"/envelopes/{row['id']}"))["items"][0]["payload_omitted"] is True


# Who follows


async def test_whoever_follows_is_told_in_order(capture):
    await capture.event(message="kept")
    subscription = capture.sink.subscribe()
    await capture.event(message="new")
    await capture.sink.examined()
    founds = list(capture.sink.store.found())
    capture.sink.remove(founds[:1])
    capture.sink.clear()
    told = [await anext(subscription) for _ in range(6)]
    titles = [one.captured.records[0].title for one in told if isinstance(one, Arrived) and one.captured.records]
    assert "kept" in titles
    assert sum(isinstance(one, Changed) for one in told) >= 1
    assert told[-1] == Cleared(None)
    subscription.close()
    with pytest.raises(StopAsyncIteration):
        await anext(subscription)


# The file


async def test_a_recording_outlives_the_process(tmp_path):
    file = tmp_path / "capture.rec"
    async with capturing(tmp_path / "one", record=str(file)) as capture:
        await capture.send(("event", EVENT), event_id=E)
        await capture.event(message="two")
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open("ab") as torn:
        torn.write(b"\x99\x00\x00\x00torn")
    async with capturing(tmp_path / "two", record=str(file)) as capture:
        two, one = (await capture.got("/events"))["events"]
        assert (one["title"], two["title"], one["via"]) == ("write to [email]", "two", "recording")
        await capture.event(message="three")
        data = file.read_bytes()
        assert (await capture.got("/import", "POST", data))["envelopes"] >= 2
        capture.sink.remove([next(capture.sink.store.found())])
        capture.sink.clear()
    async with capturing(tmp_path / "three", record=str(file)) as capture:
        assert (await capture.got("/events"))["total"] == 0


async def test_the_forwarding_goes_its_way_beside(tmp_path):
    options = {"capture": {"enabled": True}}
    async with relay(tmp_path, mode="static", options=options, projects={"7.yaml": PROJECT}) as one:
        capture = Capture(one)
        await capture.event(**EVENT)
        await one.forwarded()
        await capture.sink.examined()
        assert capture.sink.originals == "shape"
        (shown,) = (await capture.got("/events"))["events"]
        assert shown["outcome"] == "accepted"
        assert (await capture.ask(f"/events/{shown['id']}/original")).status == 409
