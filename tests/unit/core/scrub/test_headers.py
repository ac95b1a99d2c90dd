"""Headers that name people."""

import pytest

from scrubjay.core.envelope import parse_envelope
from scrubjay.core.scrub.headers import scrub_headers
from scrubjay.core.scrub.program import compile_program
from scrubjay.settings.scrub import Scrub

SETTINGS = {"scrubData": True, "scrubDefaults": True, "scrubIpAddresses": True}


def scrubbed(envelope: bytes, profile: str = "strict") -> bytes:
    program = compile_program(pii_config=None, settings=SETTINGS, options=Scrub(profile=profile))
    parsed = parse_envelope(envelope)
    scrub_headers(program, parsed)
    return parsed.serialize()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b'"transaction":"GET ana@lab.example"', b'"transaction":"GET [email]"'),
        (b'"user_id":"4242424242424242"', b'"user_id":"[creditcard]"'),
        (b'"user":{"id":"ana@lab.example","segment":"vip"}', b'"user":{"id":"[email]","segment":"vip"}'),
        (b'"user":{"id":{"mail":"ana@lab.example"}}', b'"user":{"id":{"mail":"[email]"}}'),
        (b'"transaction":7,"release":"ana@lab.example"', b'"transaction":7,"release":"ana@lab.example"'),
    ],
)
def test_the_trace_does_not_name_people(given: bytes, expected: bytes) -> None:
    """scrubbing.md 15.6"""
    assert expected in scrubbed(b'{"trace":{%b}}\n' % given)
    assert given in scrubbed(b'{"trace":{%b}}\n' % given, "parity")


def test_in_allow_list_mode_the_trace_names_nobody_at_all() -> None:
    """scrubbing.md 15.5"""
    program = compile_program(pii_config=None, settings=None, options=Scrub(mode="allow"))
    parsed = parse_envelope(
        b'{"trace":{"trace_id":"ab","release":"1","transaction":"/u/rosa","user":{"id":7},"user_id":null}}\n'
    )
    scrub_headers(program, parsed)
    assert parsed.serialize() == b'{"trace":{"trace_id":"ab","release":"1"}}\n'
    parsed = parse_envelope(b'{"trace":  {"trace_id":"ab"}}\n')
    scrub_headers(program, parsed)
    assert not parsed.dirty


def test_a_file_name_does_not_name_people() -> None:
    out = scrubbed(b'{}\n{"type":"attachment","length":1,"filename":"ana@lab.example.txt"}\nx\n')
    assert b'"filename":"[email]' in out
    same = b'{}\n{"type":"attachment","length":1,"filename":"a.txt"}\nx\n'
    assert scrubbed(same) == same


def test_what_cannot_be_scrubbed_is_left_out() -> None:
    out = scrubbed(b'{"trace":{"transaction":"%b"}}\n' % (b"a@b.co " * 20_001))
    assert b'"transaction":null' in out


def test_a_trace_of_another_kind_is_left_as_it_is() -> None:
    assert b'"trace":"ana@lab.example"' in scrubbed(b'{"trace":"ana@lab.example"}\n')
