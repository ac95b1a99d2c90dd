"""Sessions by the names of conditions."""

import json

from scrubjay.core.subjects.sessions import SessionSubject


def test_attributes() -> None:
    attrs = {"release": "app@1.0", "environment": "prod"}
    for session in ({"sid": "x", "attrs": attrs}, {"aggregates": [], "attrs": attrs}):
        subject = SessionSubject(json.dumps(session).encode())
        assert subject.value("event.release") == "app@1.0"
        assert subject.value("event.environment") == "prod"
        assert subject.value("event.level") is None
    assert SessionSubject(b'{"release":"1"}').value("event.release") is None
