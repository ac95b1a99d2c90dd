import zlib

import pytest

from scrubjay.core.capture.texts import forbidden, occurrences, texts
from scrubjay.core.capture.values import BadQuery
from scrubjay.core.envelope import encode_json
from support.founds import event, record

MAIL = {"regex": r"[\w.]+@[\w.]+"}
EVENTS = [{"data": {"text": "mail a@b.c"}}]


def hits(found, document=MAIL, most=10):
    return occurrences(found, forbidden(document), most)


def test_names_and_values_are_looked_at_decoded():
    found = event(message="x", user={"a@b.c": [True, None, 5, {"e/~": "to \u0061@b.c\x1b"}]}, extra={"n": 12.5})
    assert hits(found) == [("/user/a@b.c", '"a@b.c"'), ("/user/a@b.c/3/e~1~0", '"a@b.c"')]
    assert hits(found, {"text": "12.5"}) == [("/extra/n", '"12.5"')]
    assert ("/user/a@b.c/2", "5") in list(texts(found))


def test_remarks_of_scrubbing_are_not_what_somebody_said():
    found = event(
        message="[email]", _meta={"message": {"": {"rem": [["@email:replace", "s"]]}}}, extra={"_meta": "kept"}
    )
    assert hits(found, {"text": "replace"}) == []
    assert hits(found, {"text": "KEPT"}) == [("/extra/_meta", '"KEPT"')]


def test_headers_and_other_payloads_count():
    found = record("attachment", b"\xff a@b.c", headers={"filename": "d@e.f.txt"})
    assert hits(found) == [("/@header/filename", '"d@e.f.txt"'), ("the payload", '"a@b.c"')]


@pytest.mark.parametrize("body", [encode_json(EVENTS), zlib.compress(encode_json(EVENTS))], ids=["plain", "packed"])
def test_recordings_are_unpacked(body):
    found = record("replay_recording", b'{"segment_id":0}\n' + body)
    assert hits(found) == [("/0/data/text", '"a@b.c"')]


def test_what_is_no_recording_is_read_as_it_stands():
    assert hits(record("replay_recording", b"{}\nsee a@b.c")) == [("the payload", '"a@b.c"')]


def test_what_was_not_kept_holds_nothing():
    found = record("attachment", b"a@b.c")
    found.item.forget()
    assert hits(found) == []


def test_long_texts_are_searched_to_their_end_and_excerpts_are_short():
    found = event(message="x " * (1 << 20) + "a@" + "b" * 200)
    ((place, excerpt),) = hits(found)
    assert place == "/message"
    assert len(excerpt) == 82


def test_only_so_many_are_told():
    assert len(hits(event(extra={str(number): "a@b.c" for number in range(20)}), most=3)) == 3


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("x", "absent: {"),
        ({}, "absent: {"),
        ({"regexp": "x"}, "did you mean 'regex'"),
        ({"text": ""}, "not a text, or an empty one"),
        ({"regex": 5}, "not a text"),
        ({"regex": "("}, "no regular expression"),
    ],
)
def test_typing_errors_are_errors(document, problem):
    with pytest.raises(BadQuery, match=problem):
        forbidden(document)
