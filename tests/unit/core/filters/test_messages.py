"""Filter `errorMessages` (`decisions.md` 7.3)."""

import pytest

from support.filtering import compiled, why, why_event
from support.items import make_item

FALLS = "error-message"


def by_message(*patterns: str):
    return compiled(errorMessages={"patterns": list(patterns)})


EXCEPTION = {"type": "IOError", "value": "Read TIMEOUT", "stacktrace": {"frames": [{"filename": "timeout.py"}]}}

MESSAGES = [
    ("decisions-100 exception", {"exception": {"values": [EXCEPTION]}}, FALLS),
    ("decisions-100 formatted wins", {"logentry": {"formatted": "fine", "message": "timeout"}}, None),
    ("template without formatted", {"logentry": {"message": "a timeout of %s"}}, FALLS),
    ("formatted null", {"logentry": {"formatted": None, "message": "timeout"}}, FALLS),
    ("formatted", {"logentry": {"formatted": "Timeout!", "message": "x"}}, FALLS),
    ("log entry as text", {"logentry": "timeout"}, FALLS),
    ("message as text", {"message": "timeout"}, FALLS),
    ("message as object", {"message": {"formatted": "timeout"}}, FALLS),
    ("log entry outranks message", {"logentry": {"message": "fine"}, "message": "timeout"}, None),
    ("old name", {"sentry.interfaces.Message": {"message": "timeout"}}, FALLS),
    ("message of another type", {"message": 5}, None),
    ("exceptions as a list", {"exception": [{"value": "x"}, EXCEPTION]}, FALLS),
    ("a single exception", {"exception": EXCEPTION}, FALLS),
    ("exceptions by their old name", {"sentry.interfaces.Exception": {"values": [EXCEPTION]}}, FALLS),
    ("any exception", {"message": "fine", "exception": {"values": [{"type": "A"}, None, EXCEPTION]}}, FALLS),
    ("type alone", {"exception": {"values": [{"type": "TimeoutError", "value": ""}]}}, FALLS),
    ("value alone", {"exception": {"values": [{"value": "a timeout"}]}}, FALLS),
    ("value that is no text", {"exception": {"values": [{"type": "A", "value": {"why": "timeout"}}]}}, FALLS),
    ("file names are no message", {"exception": {"values": [EXCEPTION | {"value": "x", "type": "y"}]}}, None),
    ("neither type nor value", {"exception": {"values": [{"value": None}]}}, None),
    ("a list with something else in it", {"exception": {"values": [5, EXCEPTION]}}, FALLS),
    ("no exceptions", {"exception": {"values": []}}, None),
    ("broken list", {"exception": {"values": "timeout"}}, None),
    ("exception of another type", {"exception": "timeout"}, None),
    ("silent", {"level": "error", "tags": {"a": "timeout"}}, None),
    ("no object", [], None),
]


@pytest.mark.parametrize(("event", "reason"), [case[1:] for case in MESSAGES], ids=[case[0] for case in MESSAGES])
def test_messages(event: object, reason: str | None) -> None:
    assert why_event(by_message("*timeout*"), event) == reason


def test_type_and_value_are_one_text() -> None:
    assert why_event(by_message("ioerror: read timeout"), {"exception": [EXCEPTION]}) == FALLS


@pytest.mark.parametrize("item_type", ["session", "log", "check_in", "profile", "replay_event"])
def test_only_events_have_messages(item_type: str) -> None:
    assert why(by_message("*"), make_item(item_type, {"message": "x"}, item_count=1)) is None
