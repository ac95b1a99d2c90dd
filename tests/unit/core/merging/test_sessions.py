"""Updates stay as they are; aggregates of equal attributes, starts and users are summed."""

import json

import pytest

from scrubjay.core.envelope import Item
from scrubjay.core.merging.sessions import merge_aggregates, share_of_aggregates, share_of_update
from scrubjay.core.merging.share import Share
from support.merging import RECEIVED, sessions

MOST = 2**32 - 1
LATER = "2026-01-05T11:00:00Z"


def item(*entries, headers=None, **attributes):
    given, payload = sessions(*entries, **attributes)
    return Item({**given, **(headers or {})}, json.dumps(payload).encode())


def raw(payload):
    return Item({"type": "sessions"}, payload if isinstance(payload, bytes) else json.dumps(payload).encode())


def merged(*items):
    return [json.loads(bytes(each.payload)) for each in merge_aggregates(items)]


def test_an_update_takes_a_hundredth_whatever_it_says():
    assert share_of_update(Item({"type": "session", "odd": 1}, b"no JSON")) == Share(10)


def test_aggregates_take_a_hundredth_or_what_they_hold():
    assert share_of_aggregates(item()) == Share(10)
    assert share_of_aggregates(item(*[{"exited": 1}] * 40)) == Share(40)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 5000,
        b'{"aggregates":[],"attrs":{"release":"\\ud800"}}',
        {"aggregates": []},
        {"attrs": {"release": "a"}},
        {"aggregates": [], "attrs": {}},
        {"aggregates": [], "attrs": {"release": 1}},
        {"aggregates": [], "attrs": {"release": "a", "unheard": 1}},
        {"aggregates": [], "attrs": {"release": "a"}, "unheard": 1},
        {"aggregates": {}, "attrs": {"release": "a"}},
        *(
            {"aggregates": [{"started": RECEIVED} | entry], "attrs": {"release": "a"}}
            for entry in (
                {"exited": -1},
                {"exited": MOST + 1},
                {"exited": 1.5},
                {"exited": "1"},
                {"exited": True},
                {"did": 7},
                {"unheard": 1},
                {"started": "yesterday"},
                {"started": 1767607200},
                {"started": "2026-01-05T10:00:00"},
            )
        ),
    ],
    ids=str,
)
def test_what_is_not_understood_to_the_last_member_is_left_alone(payload):
    assert share_of_aggregates(raw(payload)) is None


def test_so_is_what_has_headers_of_its_own():
    assert share_of_aggregates(item(headers={"item_count": 1})) is None


def test_counters_of_the_same_start_and_user_are_summed():
    first = item({"exited": 1, "errored": 2, "abnormal": 3, "unhandled": 4, "crashed": 5})
    second = item({"exited": 10, "errored": 20, "abnormal": 30, "unhandled": 40, "crashed": 50})
    assert merged(first, second) == [
        {
            "aggregates": [
                {"started": RECEIVED, "exited": 11, "errored": 22, "abnormal": 33, "unhandled": 44, "crashed": 55}
            ],
            "attrs": {"release": "shop@1"},
        }
    ]


def test_other_starts_and_users_are_appended():
    (found,) = merged(
        item({"exited": 1}, {"exited": 2, "did": "a"}, {"exited": 3, "started": LATER}),
        item({"exited": 10, "did": "a"}, {"exited": 20, "did": "b"}, {"exited": 30}),
    )
    assert found["aggregates"] == [
        {"started": RECEIVED, "exited": 31},
        {"started": RECEIVED, "did": "a", "exited": 12},
        {"started": LATER, "exited": 3},
        {"started": RECEIVED, "did": "b", "exited": 20},
    ]


def test_no_user_is_null_or_absent():
    (found,) = merged(item({"exited": 1, "did": None}), item({"exited": 1}))
    assert found["aggregates"] == [{"started": RECEIVED, "exited": 2}]


def test_a_sum_that_does_not_fit_begins_a_new_entry():
    (found,) = merged(item({"exited": MOST, "crashed": 1}), item({"exited": 1, "crashed": 1}), item({"exited": 5}))
    assert found["aggregates"] == [
        {"started": RECEIVED, "exited": MOST, "crashed": 1},
        {"started": RECEIVED, "exited": 6, "crashed": 1},
    ]


@pytest.mark.parametrize("name", ["release", "environment", "ip_address", "user_agent"])
def test_attributes_keep_items_apart(name):
    found = merged(item({"exited": 1}), item({"exited": 2}, **{name: "other"}), item({"exited": 3}))
    assert [each["aggregates"][0]["exited"] for each in found] == [4, 2]
    assert found[1]["attrs"][name] == "other"


def test_headers_are_those_of_the_first():
    first, second = item({"exited": 1}, headers={"content_type": "application/json", "length": 3}), item({"exited": 1})
    (found,) = merge_aggregates([first, second])
    assert json.loads(found.header_line()) == {
        "type": "sessions",
        "content_type": "application/json",
        "length": len(found.payload),
    }


def test_what_was_read_before_is_not_changed():
    first = item({"exited": 1})
    before = bytes(first.payload)
    merged(first, item({"exited": 1}))
    assert bytes(first.payload) == before
