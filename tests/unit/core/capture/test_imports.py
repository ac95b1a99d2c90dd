import pytest

from scrubjay.core.capture.exports import line
from scrubjay.core.capture.imports import read_upload
from scrubjay.core.capture.values import BadQuery
from scrubjay.core.envelope import decode_json, encode_json
from support.founds import KEY, Shelf


def lines(founds):
    return b"\n".join(encode_json(line(found)) for found in founds) + b"\n\n"


def test_an_export_gives_the_same_envelopes_again():
    shelf = Shelf()
    shelf.offer(
        ("event", {"message": "x"}), ("attachment", b"\xff\x00"), ("log", {"items": [{"body": "a"}, {"body": "b"}]}), event_id="e" * 32
    )  # fmt: skip
    shelf.offer(("attachment", "grü".encode()), project=None, key="", headers={"content_type": "text/plain"})
    upload = read_upload(lines(shelf.founds))
    assert upload.skipped == 0
    first, second = upload.arrivals
    assert (first.key, first.project_id, first.envelope.headers) == (KEY, 1, {"event_id": "e" * 32})
    event, attachment, log = first.envelope.items
    assert [event.type, attachment.type, log.type] == ["event", "attachment", "log"]
    assert decode_json(event.payload) == {"message": "x"}
    assert attachment.payload == b"\xff\x00"
    assert decode_json(log.payload) == {"items": [{"body": "a"}, {"body": "b"}]}
    assert log.headers["item_count"] == 2
    assert (second.key, second.project_id) == ("", None)
    assert second.envelope.items[0].payload == "grü".encode()


def test_a_part_of_a_container_is_a_container():
    shelf = Shelf()
    shelf.offer(("log", {"items": [{"body": str(number)} for number in range(12)]}))
    (arrival,) = read_upload(lines([shelf.founds[11], shelf.founds[2]])).arrivals
    assert decode_json(arrival.envelope.items[0].payload) == {"items": [{"body": "2"}, {"body": "11"}]}


def test_a_container_without_entries_stays_what_it_is():
    shelf = Shelf()
    shelf.offer(("log", {"items": []}))
    (arrival,) = read_upload(lines(shelf.founds)).arrivals
    assert decode_json(arrival.envelope.items[0].payload) == {"items": []}


def test_what_was_not_kept_is_skipped():
    shelf = Shelf()
    shelf.offer(("attachment", b"x"))
    shelf.founds[0].item.forget()
    upload = read_upload(lines(shelf.founds))
    assert (upload.arrivals, upload.skipped) == ([], 1)


@pytest.mark.parametrize(
    ("headers", "key", "project_id"),
    [('{"dsn":"https://%s@errors.example.com/42"}' % KEY, KEY, 42), ('{"dsn":"nonsense"}', "", None), ("{}", "", None)],
)
def test_an_envelope(headers, key, project_id):
    (arrival,) = read_upload(f'{headers}\n{{"type":"event"}}\n{{"message":"x"}}'.encode()).arrivals
    assert (arrival.key, arrival.project_id) == (key, project_id)
    assert decode_json(arrival.envelope.items[0].payload) == {"message": "x"}
    assert read_upload(headers.encode()).arrivals[0].envelope.items == []


GOOD = '{"id":"01a20300-ae0d-7136-a7a0-000000000001-0","item_header":{"type":"event"},"payload":{}}'


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "neither lines"),
        ("nonsense\n", "neither lines"),
        ("[]", "neither lines"),
        ('{}\n{"type":"event","length":99}\nx', "no envelope"),
        (f"{GOOD}\nnonsense", "line 2: no record"),
        (f"{GOOD}\n{{}}", "line 2: no record"),
        (GOOD.replace("-0", "", 1).replace("-0", ""), "line 1: no record"),
        (GOOD.replace('"event"', "5"), "line 1: no record"),
        (GOOD.replace('"payload":{}', '"payload_base64":"?"'), "no base64"),
    ],
)
def test_what_is_neither(body, problem):
    with pytest.raises(BadQuery, match=problem):
        read_upload(body.encode())


def test_hostile_headers_are_left_away():
    body = GOOD.replace("}}", '},"envelope_header":5,"project":"' + "9" * 40 + '","public_key":"short"}').replace(
        '"payload":{}', '"payload_text":"x"'
    )
    body = body.replace('"payload_text":"x"}', '"payload_text":"x"', 1)
    (arrival,) = read_upload(body.encode()).arrivals
    assert (arrival.key, arrival.project_id, arrival.envelope.headers) == ("", None, {})
    assert arrival.envelope.items[0].payload == b"x"
