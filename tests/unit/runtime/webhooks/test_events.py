"""Bodies and signatures (`decisions.md` 9.5)."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from msgspec import UNSET

from scrubjay.runtime.webhooks.events import Event, names, other_owner, project_of, signature

NUMBER = "0123456789ab4def8123456789abcdef"


def test_a_body_is_as_the_specification_has_it() -> None:
    event = Event(
        type="quota.exhausted",
        at=1767261600,
        project=42,
        category="error",
        quota="k17e",
        limit=2000,
        consumed=2000,
        resets_at=1767262211,
    )
    assert event.body(NUMBER) == (
        b'{"id":"01234567-89ab-4def-8123-456789abcdef","type":"quota.exhausted","at":1767261600,"project":42,'
        b'"category":"error","quota":"k17e","limit":2000,"consumed":2000,"resetsAt":1767262211,"dropped":0}'
    )


@pytest.mark.parametrize(
    ("secret", "key"), [("s3cret", b"s3cret"), ("ключ", "ключ".encode()), ("\udcff\udcfe", b"\xff\xfe")]
)
def test_the_signature(secret: str, key: bytes) -> None:
    expected = hmac.new(key, b"body", hashlib.sha256).hexdigest()
    assert signature(secret, b"body") == f"sha256={expected}"


@pytest.mark.parametrize(
    ("owner", "project", "other"),
    [
        ("project 42", 42, UNSET),
        ("project", None, "project"),
        ("organization", None, "organization"),
        ("key 0a1b2c3d", None, "key 0a1b2c3d"),
        ("key 17", None, "key 17"),
    ],
)
def test_owners(owner: str, project: int | None, other: object) -> None:
    assert (project_of(owner), other_owner(owner)) == (project, other)


def test_categories() -> None:
    assert (names(()), names(("error",)), names(("error", "span"))) == (None, "error", "error;span")
