"""What items count as: the specification's numbered cases (`decisions.md` 1.2); each type's own tests are beside it."""

import pytest

from support.items import make_item

CASES = [
    ("decisions-3", "attachment", b"", {}, {"attachment": 1, "attachment_item": 1}),
    ("decisions-4", "log", b"x" * 900, {"item_count": 5}, {"log_item": 5, "log_byte": 900}),
    ("decisions-6 no platform", "profile_chunk", b"{}", {}, {}),
    ("decisions-6 android", "profile_chunk", b"{}", {"platform": "android"}, {"profile_chunk_ui": 1}),
    ("decisions-6 python", "profile_chunk", b"{}", {"platform": "python"}, {"profile_chunk": 1}),
    (
        "decisions-7",
        "profile",
        b"{}",
        {"platform": "cocoa"},
        {"profile": 1, "profile_indexed": 1, "profile_ui": 1},
    ),
    ("decisions-8", "event", b'{"type":"default"}', {}, {"error": 1}),
    ("decisions-9", "client_report", b"{}", {}, {}),
]


@pytest.mark.parametrize(
    ("item_type", "payload", "headers", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_quantities(item_type: str, payload: bytes, headers: dict[str, object], expected: dict[str, int]) -> None:
    item = make_item(item_type, payload, **headers)
    assert {category.wire: amount for category, amount in item.kind.quantities(item)} == expected


def test_parts_of_a_replay_count_each_decisions_5() -> None:
    items = [make_item("replay_event"), make_item("replay_recording")]
    assert [[(category.wire, amount) for category, amount in item.kind.quantities(item)] for item in items] == [
        [("replay", 1)],
        [("replay", 1)],
    ]
