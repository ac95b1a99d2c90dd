"""Who reported, and whose session it was (scrubbing.md 15.6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.identities import treat_identities
from scrubjay.core.scrub.program import compile_program
from scrubjay.core.scrub.pseudonyms import identify
from scrubjay.core.scrub.record import Record
from scrubjay.errors import Unreadable
from scrubjay.settings.scrub import Scrub
from scrubjay.settings.setting import Secret
from support import scrubbing

STRICT = scrubbing.default_program("strict")
KEYED = compile_program(pii_config=None, settings=None, options=Scrub(pseudonym_key=Secret("0123456789abcdef" * 4)))
# HMAC-SHA1 under an empty key, the reference's `hash` (scrubbing.md 8.4).
HASHED = "E329D79F28F1FC22AD01224F373D0BA4617005E8"


def treated(payload: Any, item_type: str, policy: Any = "hash", program: Any = STRICT) -> Any:
    new = treat_identities(program, json.dumps(payload).encode(), item_type, policy)
    return payload if new is None else json.loads(new)


def test_names_are_replaced_by_a_stable_hash() -> None:
    report = {"event_id": "e", "name": "Ana", "email": "192.0.2.44", "comments": "192.0.2.44"}
    got = treated(report, "user_report")
    assert (got["email"], got["comments"], got["event_id"]) == (HASHED, "192.0.2.44", "e")
    assert len(got["name"]) == 40
    assert treated({"sid": "s", "did": "192.0.2.44"}, "session") == {"sid": "s", "did": HASHED}
    assert treated({"aggregates": [{"did": "192.0.2.44"}, {"n": 1}], "did": "192.0.2.44"}, "sessions") == {
        "aggregates": [{"did": HASHED}, {"n": 1}],
        "did": HASHED,
    }


def test_with_a_key_it_is_a_pseudonym() -> None:
    assert KEYED.keys is not None
    name = identify(KEYED.keys, "ana@lab.example")
    assert treated({"did": "ana@lab.example"}, "session", program=KEYED) == {"did": name}
    assert name != treated({"did": "ana@lab.example"}, "session")["did"]


def test_hashing_twice_is_hashing_once() -> None:
    assert treated({"did": HASHED}, "session") == {"did": HASHED}


def test_what_was_done_is_counted() -> None:
    record = Record()
    treat_identities(STRICT, b'{"name":"Ana","email":7}', "user_report", "hash", record)
    treat_identities(STRICT, b'{"aggregates":[{"did":"ana"}]}', "sessions", "remove", record)
    assert sum(count.hits for count in record.rules.values()) == 3


def test_they_may_be_removed_or_kept() -> None:
    assert treated({"name": "Ana", "comments": "x"}, "user_report", "remove") == {"comments": "x"}
    assert treated({"did": "ana"}, "session", "keep") == {"did": "ana"}
    assert treated({"did": "ana"}, "check_in") == {"did": "ana"}


def test_what_names_nobody_stays_and_other_kinds_go() -> None:
    assert treated({"name": "", "email": None}, "user_report") == {"name": "", "email": None}
    assert treated({"did": {"mail": "ana@lab.example"}}, "session") == {}
    assert treated({"aggregates": "x"}, "sessions") == {"aggregates": "x"}


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'{"did":' + b"[" * 5_000, b'{"aggregates":[1]}'])
def test_what_cannot_be_read_is_refused(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        treat_identities(STRICT, payload, "sessions", "hash")
