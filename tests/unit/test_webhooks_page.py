"""What docs/webhooks.md shows is what is sent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec

from scrubjay.runtime.webhooks.events import Event, signature
from scrubjay.settings.decisions import WebhookEvent

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()


def test_the_body_is_one_of_ours() -> None:
    (shown,) = re.findall(r"```json\n(.*)\n```", PAGE)
    event = msgspec.json.decode(shown, type=Event)
    assert event.body(event.id.replace("-", "")) == shown.encode()


def test_the_receiver_of_the_page_believes_us_and_nobody_else() -> None:
    scope: dict[str, object] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], scope)
    is_genuine = scope["is_genuine"]
    assert callable(is_genuine)
    body = Event(type="spike.start", at=1, project=7).body("0" * 32)
    header = signature("s3cret", body)
    assert is_genuine(b"s3cret", body, header)
    assert not is_genuine(b"s3cret", body + b" ", header)
    assert not is_genuine(b"other", body, header)


def test_every_event_and_member_is_explained() -> None:
    for name in (*get_args(WebhookEvent), *Event.__struct_encode_fields__):
        assert f"`{name}`" in PAGE
