"""Which events are of one kind (`decisions.md` 5.9)."""

import json
from collections.abc import Mapping

import pytest
from msgspec import Raw

from scrubjay.core.sampling.documents import exceptions_of, open_document
from scrubjay.core.sampling.fingerprint import digest, fingerprint_of_event, fingerprint_of_log


def opened(document: Mapping[str, object]) -> dict[str, Raw]:
    members = open_document(json.dumps(document).encode())
    assert members is not None
    return members


def of_event(document: Mapping[str, object]) -> str:
    members = opened(document)
    return fingerprint_of_event(members, exceptions_of(members) or ())


def of_log(document: Mapping[str, object]) -> str:
    return fingerprint_of_log(opened(document))


def parts(*words: str) -> str:
    return digest(word.encode() for word in words)


def error(*frames: object, exception_type: object = "ValueError") -> dict[str, object]:
    return {"exception": {"values": [{"type": exception_type, "stacktrace": {"frames": list(frames)}}]}}


ADD_ITEM = {"module": "shop.cart", "function": "add_item", "lineno": 7}


@pytest.mark.parametrize(
    ("document", "fingerprint"),
    [
        ({"fingerprint": ["checkout-timeout"], "message": "x"}, "b0acdb57ac34e387"),
        (error(ADD_ITEM), "300c733fffdebe5b"),
        ({"logger": "shop.pay", "message": "card 4711 declined after 30 ms"}, "5ecc50ca50128509"),
    ],
)
def test_vectors(document: Mapping[str, object], fingerprint: str) -> None:
    assert of_event(document) == fingerprint


def test_lines_do_not_count_functions_do_decisions_86() -> None:
    assert of_event(error(ADD_ITEM)) == of_event(error(ADD_ITEM | {"lineno": 99, "context_line": "x", "colno": 4}))
    assert of_event(error(ADD_ITEM)) != of_event(error(ADD_ITEM | {"function": "drop_item"}))


def test_the_default_can_be_part_of_a_fingerprint() -> None:
    default = of_event({"message": "full"})
    assert default == parts("m", "", "full")
    for spelling in ("{{ default }}", "{{default}}"):
        assert of_event({"message": "full", "fingerprint": [spelling]}) == default
        assert of_event({"message": "full", "fingerprint": [spelling, "eu"]}) == parts("f", default, "eu")


@pytest.mark.parametrize("fingerprint", [[], None, "x", {"a": 1}])
def test_no_fingerprint_was_set(fingerprint: object) -> None:
    assert of_event({"message": "full", "fingerprint": fingerprint}) == parts("m", "", "full")


def test_parts_that_are_no_text_count_as_they_are_written() -> None:
    assert of_event({"fingerprint": [1.5, None, "", ["a"]]}) == parts("f", "1.5", "null", "", '["a"]')


def test_the_last_exception_counts() -> None:
    values = [{"type": "KeyError"}, None, {"type": "OSError", "stacktrace": {"frames": [ADD_ITEM]}}, None]
    expected = parts("e", "OSError", "shop.cart", "add_item")
    for exception in ({"values": values}, values, values[2]):
        assert of_event({"exception": exception, "message": "x"}) == expected


@pytest.mark.parametrize("exception", [None, {"values": []}, {"values": [None]}, [], "x", {"values": ["x"]}])
def test_without_an_exception_the_message_counts(exception: object) -> None:
    assert of_event({"exception": exception, "message": "x"}) == parts("m", "", "x")


@pytest.mark.parametrize(
    "stack", [None, 5, {}, {"frames": None}, {"frames": 5}, {"frames": [5, None]}, {"frames": [None]}]
)
def test_an_exception_without_frames(stack: object) -> None:
    assert of_event({"exception": [{"type": "E", "stacktrace": stack}]}) == parts("e", "E")


def test_three_frames_from_the_end() -> None:
    frames = [{"module": f"m{number}", "function": f"f{number}"} for number in range(9)]
    assert of_event(error(*frames)) == parts("e", "ValueError", "m8", "f8", "m7", "f7", "m6", "f6")


def test_frames_of_the_application_alone_if_there_are_any() -> None:
    frames = [{"module": f"m{number}", "in_app": number in (1, 3)} for number in range(9)]
    assert of_event(error(*frames)) == parts("e", "ValueError", "m3", "", "m1", "")
    frames = [{"module": f"m{number}", "in_app": number < 5} for number in range(9)]
    assert of_event(error(*frames)) == parts("e", "ValueError", "m4", "", "m3", "", "m2", "")


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        ({"module": "a.b", "filename": "c.py", "abs_path": "/d/e.py"}, "a.b"),
        ({"module": None, "filename": "x/c.py", "abs_path": "/d/e.py"}, "x/c.py"),
        ({"module": 5, "filename": "", "abs_path": "/d/e.py"}, "e.py"),
        ({"abs_path": "C:\\d\\e.dll"}, "e.dll"),
        ({"abs_path": "e.py"}, "e.py"),
        ({}, ""),
    ],
)
def test_where_a_frame_is(frame: Mapping[str, object], place: str) -> None:
    assert of_event(error(frame)) == parts("e", "ValueError", place, "")


def test_what_is_no_text_is_empty() -> None:
    assert of_event(error({"function": ["x"], "module": {"a": 1}}, exception_type=5)) == parts("e", "", "", "")
    assert of_event({"logger": 5, "message": ["x"]}) == parts("m", "", "")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"logentry": {"message": "a %s", "formatted": "a 1"}, "message": "b"}, "a %s"),
        ({"logentry": {"message": "", "formatted": "a 1"}, "message": "b"}, "a #"),
        ({"logentry": {"formatted": 5}, "message": "b"}, "b"),
        ({"logentry": "x", "message": "b"}, "b"),
        ({"message": "id 0xdeadBEEF1 of 12345678-1234 in abc1 at feedfaceX"}, "id #x# of #-# in abc# at #X"),
        ({"message": "abcdefa 1234567"}, "abcdefa #"),
        ({"message": "٣ pièces"}, "٣ pièces"),
    ],
)
def test_the_template_of_a_message(document: Mapping[str, object], message: str) -> None:
    assert of_event(document) == parts("m", "", message)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"body": "took 5 ms"}, "took # ms"),
        ({"body": "hello bo", "attributes": {"sentry.message.template": {"value": "hello %s"}}}, "hello %s"),
        ({"body": "hello bo", "attributes": {"sentry.message.template": "x", "a": 1}}, "hello bo"),
        ({"body": "hello bo", "attributes": {}}, "hello bo"),
        ({"body": "hello bo", "attributes": [1]}, "hello bo"),
        ({"body": 5}, ""),
    ],
)
def test_logs_of_a_kind(document: Mapping[str, object], message: str) -> None:
    assert of_log(document) == parts("m", "", message)


def test_lone_surrogates() -> None:
    members = open_document(b'{"message": "cut \\ud83d"}')
    assert members is not None
    assert fingerprint_of_event(members, ()) == parts("m", "", "cut \ufffd")
