import ast
import base64
import json
import re
import shutil
import subprocess

import pytest

from scrubjay.core.capture.exports import as_curl, as_json, as_python, line
from scrubjay.core.envelope import parse_envelope
from support.founds import KEY, Shelf, event, record

SAMPLE = "decafbaddecafbaddecafbaddecafbad"


def curl(found):
    return as_curl(found.captured, "http://127.0.0.1:3000", SAMPLE)


def sent_by(command):
    """What a shell hands to curl."""
    shown = re.sub(r"curl -sS[^<]*?--data-binary @-", "cat", command, flags=re.DOTALL)
    return subprocess.run([shutil.which("sh"), "-c", shown], capture_output=True, check=True, timeout=10).stdout


def test_a_line_has_all_there_is():
    found = event(message="a\nb", tags={"x": "y"})
    told = line(found)
    assert told["payload"] == {"message": "a\nb", "tags": {"x": "y"}}
    assert told["message"] == "a\nb"
    assert told["item_header"] == {"type": "event"}
    assert told["envelope_header"] == {}
    assert told | found.record.summary == told


@pytest.mark.parametrize(
    ("payload", "content_type", "told"),
    [
        (b"gr\xc3\xbc", "text/plain", {"payload_text": "grü"}),
        (b"gr\xff", "text/plain", {"payload_base64": base64.b64encode(b"gr\xff").decode()}),
        (b"x", "image/png", {"payload_base64": "eA=="}),
    ],
)
def test_what_is_no_json(payload, content_type, told):
    found = record("attachment", payload, headers={"content_type": content_type})
    assert line(found) | told == line(found)
    assert json.loads(as_json(found)) == line(found)


def test_what_was_not_kept():
    found = record("attachment", b"x")
    found.item.forget()
    assert line(found)["payload_omitted"] is True


def test_json_is_the_payload_indented():
    assert as_json(event(message="x")) == b'{\n  "message": "x"\n}\n'


def test_a_pasted_command_sends_the_envelope_again():
    found = Shelf().offer(("event", {"message": "it's $HOME `x` ENVELOPE \\n\u001b"}), ("attachment", b"a\nb\n"))[0]
    command = curl(found)
    assert f"sentry_key={KEY}" in command
    assert "http://127.0.0.1:3000/api/1/envelope/" in command
    assert "<<'ENVELOPE_'" in command
    assert sent_by(command).rstrip(b"\n") == found.captured.wire().rstrip(b"\n")


@pytest.mark.parametrize("payload", [b"\x00\x01\xff" * 99, b"\x1b[201~rm", "\u202e".encode(), b"a\rb"])
def test_what_does_something_to_a_terminal_travels_packed(payload):
    found = record("attachment", payload, project=None, key="")
    command = curl(found)
    assert all(character.isprintable() or character == "\n" for character in command)
    assert f"sentry_key={SAMPLE}" in command
    assert sent_by(command) == found.captured.wire()
    assert parse_envelope(sent_by(command)).items[0].payload == payload


def test_an_address_is_one_word_for_a_shell():
    assert "'http://x;rm -rf/api/1/envelope/'" in as_curl(event().captured, "http://x;rm -rf", SAMPLE)


@pytest.mark.parametrize(
    ("payload", "parts"),
    [
        (
            {"exception": [{"type": "ValueError", "value": "bad"}], "tags": {"a": "b'\"", "c": "d"}, "transaction": "/a*"},
            ["def test_value_error(", "type='error', exception='ValueError', level='error', transaction='\\\\/a*', within=3",
             "assert event.title == 'ValueError: bad'", "assert event.tags['c'] == 'd'", "sentry_capture.assert_clean()"],
        ),
        ({"message": "!odd \x1b"}, ["def test_odd(", "message='\\\\!odd \\x1b'"]),
        ({"message": "日本"}, ["def test_captured(", "message='日本'"]),
    ],
)  # fmt: skip
def test_a_test_that_wants_the_same_is_python(payload, parts):
    written = as_python(event(**payload))
    ast.parse(written)
    for part in parts:
        assert part in written


def test_python_of_what_is_no_event():
    assert "type='attachment', message='a.txt'" in as_python(record("attachment", b"x", headers={"filename": "a.txt"}))
