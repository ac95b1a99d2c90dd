import copy
from itertools import pairwise

import pytest

from scrubjay.core.capture import examination
from scrubjay.core.capture.examination import BY_SETTINGS, examine, examine_left, excerpt, shape
from scrubjay.core.capture.report import Report
from scrubjay.core.capture.residue import value_at
from scrubjay.core.envelope import Item, decode_json, encode_json, parse_envelope
from scrubjay.core.items import classify
from scrubjay.core.plan import compile_plan
from scrubjay.core.scrub.payloads import payload_of, scrub_item
from scrubjay.settings.project import DataScrubbing, ProjectConfig, ProjectOptions
from scrubjay.settings.schema import Settings
from support.corpus import recorded

PLAN = compile_plan(ProjectConfig(), Settings())
NOTHING_ON = ProjectConfig(config=ProjectOptions(datascrubbing_settings=DataScrubbing()))
OFF = compile_plan(NOTHING_ON, Settings())
CARD = "4111 1111 1111 1111"
VALUES = {
    "email": "jane.doe@example.org",
    "card": CARD,
    "ip": "203.0.113.77",
    "note": f"call {CARD} or write to jane@example.org now",
    "password": "hunter2",
    "key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "iban": "DE89 3704 0044 0532 0130 00",
    "ssn": "078-05-1120",
    "plain": "nothing",
}  # fmt: skip


def item(payload, type_="event", **headers):
    body = payload if isinstance(payload, bytes) else encode_json(payload)
    made = Item({"type": type_, **headers}, body)
    classify(made)
    return made


def look(came, mode="full", plan=PLAN, heads=None):
    return examine(plan.scrub, plan.policies, came, mode, heads)


def scrubbed(came, plan=PLAN):
    output = payload_of(scrub_item(plan.scrub, plan.policies, came))
    return decode_json(came.payload if output is None else output)


def applied(document, changes):
    """The original with all changes made to it, in order."""
    document = copy.deepcopy(document)
    for change in changes:
        *above, last = (step.replace("~1", "/").replace("~0", "~") for step in change["path"].split("/")[1:])
        parent = value_at(document, tuple(above))
        place = int(last) if isinstance(parent, list) else last
        if "after" in change:
            before = parent[place]
            assert change["before"] == before if isinstance(before, str) else True
            assert change["len_before"] == len(change["before"])
            parent[place] = change["after"]
        elif change.get("left") == "null":
            parent[place] = None
        else:
            del parent[place]
    return document


def test_capture_11_changes_applied_to_the_original_give_the_scrubbed_payload():
    came = item({"extra": VALUES, "user": {"ip_address": "203.0.113.77", "email": "a@example.com"}, "tags": {"a": "b"}})
    report = look(came)
    left = scrubbed(came)
    left.pop("_meta")
    assert applied(decode_json(came.payload), report.changes) == left
    steps = [(change["path"], change["by"]) for change in report.changes]
    assert len(steps) == len(set(steps))
    rules = {(change["path"], change["rule"], change["action"]) for change in report.changes}
    assert {
        ("/extra/email", "@email:replace", "replaced"),
        ("/extra/password", "@password:filter", "replaced"),
        ("/extra/card", "@creditcard:filter", "replaced"),
    } <= rules
    assert report.bytes_removed == sum(total["bytes"] for total in report.totals.values()) > 0


def test_capture_11_ranges_and_middle_values_are_told():
    report = look(item({"extra": {"note": VALUES["note"]}}))
    note = [change for change in report.changes if change["path"] == "/extra/note"]
    assert note[0]["before"] == VALUES["note"]
    taken = {note_change["before"][start:end] for note_change in note for start, end in note_change["ranges"]}
    assert any("jane@example.org" in one or CARD in one for one in taken)
    for earlier, later in pairwise(note):
        assert later["before"] == earlier["after"]


def test_capture_11_suspects_are_found_in_what_is_left_and_none_in_what_is_clean():
    seeded = look(item({"release": "a@example.org", "transaction": CARD}))
    found = {suspect["path"]: suspect for suspect in seeded.suspects}
    assert found["/transaction"]["detector"] == "card"
    assert (found["/transaction"]["confidence"], found["/transaction"]["excerpt"]) == ("high", "41…11")
    assert look(item({"extra": {"plain": "nothing"}, "message": "fine"})).suspects == []


@pytest.mark.parametrize("sent", recorded("envelope")[::12], ids=lambda sent: sent.file)
def test_capture_11_every_difference_in_a_real_event_is_somebody_s_work(sent):
    envelope = parse_envelope(sent.body)
    for came in envelope.items:
        classify(came)
        report = look(came, heads=envelope.headers)
        assert Report.unpacked(report.packed()).document().keys() == report.document().keys()
        assert all(change["rule"] and change["path"] for change in report.changes)


def test_what_only_has_another_name_is_no_change():
    report = look(item({"message": "fine", "extra": {"a": "jane@example.org"}}))
    assert [change["path"] for change in report.changes] == ["/extra/a"]
    assert look(item(b"[1]", "check_in")).changes == []


def test_what_follows_from_settings_is_told_as_such():
    (change,) = look(item({"sdk": {"settings": {"infer_ip": "auto"}}})).changes
    assert (change["rule"], change["path"], change["before"], change["after"]) == (
        BY_SETTINGS,
        "/sdk/settings/infer_ip",
        "auto",
        "never",
    )


@pytest.mark.parametrize("mode", ["shape", "none"])
def test_other_modes_hold_no_value_that_was_taken(mode):
    came = item({"extra": VALUES, "user": {"ip_address": "203.0.113.77"}})
    report = look(came, mode, heads={"trace": {"user_id": "jane.doe@example.org"}})
    told = report.packed()
    for name, value in VALUES.items():
        if name != "plain":
            assert encode_json(value)[1:-1] not in told, name
    assert b"jane@example.org" not in told
    assert all("before" not in change for change in report.changes)
    assert all(("shape_before" in change) is (mode == "shape") for change in report.changes)
    by_path = {change["path"]: change for change in report.changes}
    assert by_path["/extra/email"]["after"] == "[email]"


def test_a_shape_is_all_that_is_told_of_a_value():
    assert shape("Aa1 -ß") == {
        "length": 6,
        "classes": ["digit", "lower", "punctuation", "space", "upper"],
        "first": "A",
        "last": "ß",
    }
    assert shape("中")["classes"] == ["letter"]
    assert shape("") == {"length": 0, "classes": [], "first": "", "last": ""}


def test_an_excerpt_hides_the_middle():
    assert [excerpt(value) for value in ("", "ab", "abcd", "abcdefgh")] == ["…", "…", "a…d", "ab…gh"]


def test_an_attachment_has_places_in_bytes():
    report = look(item(b"hi jane@example.org", "attachment", filename="a/b.txt"))
    (change,) = report.changes
    assert (change["path"], change["after"]) == ("/@attachment/a~1b.txt@3", "hi [email]")
    assert report.suspects == []
    assert look(item(b"\xff\x00", "profile_chunk")).changes[:1] != [{}]


def test_headers_have_places_of_their_own():
    came = item(b"x", "attachment", filename="jane@example.org.txt")
    report = look(came, heads={"trace": {"user": {"email": "joe@example.org"}, "transaction": "/a", "n": 1}})
    assert [change["path"] for change in report.changes] == ["/@header/trace/user", "/@header/filename"]
    assert look(item({}), heads={"trace": 5}).changes == []


def test_an_item_that_cannot_be_scrubbed_is_dropped():
    (change,) = look(item(b"{")).changes
    assert (change["action"], change["rule"], change["path"]) == ("item_dropped", "invalid_json", "")


def test_a_file_behind_a_document_is_looked_into():
    meta = encode_json({"filename": "a.txt"})
    came = item(
        meta + b"to jane@example.org",
        "attachment",
        content_type="application/vnd.sentry.trace-attachment",
        meta_length=len(meta),
    )
    assert any("email" in change["rule"] for change in look(came).changes)


def test_more_than_can_be_listed_is_said(monkeypatch):
    monkeypatch.setattr(examination, "MAX_CHANGES", 2)
    report = look(
        item({"extra": {f"m{n}": f"a{n}@example.org" for n in range(5)}, "sdk": {"settings": {"infer_ip": "auto"}}})
    )
    assert len(report.changes) == 2
    assert "more than" in report.reason


def test_values_that_are_too_long_are_left_out(monkeypatch):
    monkeypatch.setattr(examination, "MAX_VALUES_CHARS", 10)
    told = examination._Told("full", 10)
    assert told.values("x" * 20, "y", is_final=True) == {"cut": True}
    assert told.values("x", None, is_final=False) == {"before": "x"}


def test_of_what_is_gone_only_suspects_are_told():
    report = examine_left(PLAN.scrub, item({"transaction": CARD}))
    assert [suspect["path"] for suspect in report.suspects] == ["/transaction"]
    assert report.reason
    assert examine_left(PLAN.scrub, item(b"text", "attachment")).suspects == ()


def test_a_suspect_key_and_a_number_have_excerpts():
    report = look(item({"contexts": {"order": {"id": 4111111111111111, "jane@example.org": 1}}}), plan=OFF)
    kinds = {(suspect["kind"], suspect["excerpt"]) for suspect in report.suspects}
    assert ("key", "ja…rg") in kinds
    assert ("number", "41…11") in kinds


@pytest.mark.parametrize("payload", [{"extra": VALUES}, b"{", [1]])
def test_the_time_that_scrubbing_takes(payload):
    ticks = iter((5.0, 5.0025))
    timed = examine(PLAN.scrub, PLAN.policies, item(payload), "full", clock=lambda: next(ticks))
    assert timed.time_ms == 2.5
    assert look(item(payload)).time_ms == 0
