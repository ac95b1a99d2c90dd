"""What another relay may see of a configuration."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from scrubjay.core.relays.limited import LIMITED, of_file, revised, served, trusts

KEY, OTHER = "a" * 32, "b" * 32
DOCUMENT: dict[str, Any] = {
    "disabled": False,
    "projectId": 7,
    "rev": "r1",
    "slug": "checkout",
    "organizationId": 1,
    "lastChange": "2026-01-01T00:00:00Z",
    "upstream": "https://elsewhere.example/",
    "overlay": False,
    "novelty": 1,
    "publicKeys": [{"publicKey": OTHER, "numericId": 8}, {"publicKey": KEY, "numericId": 7}],
    "config": {**dict.fromkeys(LIMITED, "x"), "trustedRelays": ["key"], "quotas": [], "sampling": None, "novelty": 2},
}


def test_a_limited_one_has_the_members_of_column_l() -> None:
    before = copy.deepcopy(DOCUMENT)
    shown = served(DOCUMENT, KEY, full=False)
    assert set(shown["config"]) == LIMITED
    assert set(shown) == {
        "disabled", "projectId", "rev", "slug", "organizationId", "lastChange", "publicKeys", "config",
    }  # fmt: skip
    assert shown["publicKeys"] == [{"publicKey": KEY, "numericId": 7}]
    assert before == DOCUMENT


def test_operations_51_a_full_one_has_everything_but_where_our_items_go() -> None:
    shown = served(DOCUMENT, KEY, full=True)
    assert shown["config"] == DOCUMENT["config"]
    assert shown["novelty"] == 1
    assert not {"upstream", "overlay"} & shown.keys()
    for full in (True, False):
        assert served(DOCUMENT, KEY, full=full, upstream="https://us.example/")["upstream"] == "https://us.example/"


@pytest.mark.parametrize("keys", [None, 5, [], [3], [{"publicKey": OTHER}]])
def test_a_key_that_the_document_does_not_name(keys: object) -> None:
    assert served({"publicKeys": keys}, KEY, full=False)["publicKeys"] == [{"publicKey": KEY}]


def test_whom_a_project_trusts() -> None:
    assert trusts(DOCUMENT, "key")
    assert not trusts(DOCUMENT, "ke")
    for config in (None, [], {}, {"trustedRelays": "key"}, {"trustedRelays": {"key": 1}}):
        assert not trusts({"config": config}, "key")


def test_a_file_says_what_it_leaves_to_our_defaults() -> None:
    made = of_file({"publicKeys": [], "config": {"quotas": []}}, 7)
    assert made["config"]["datascrubbingSettings"] == {
        "scrubData": True, "scrubDefaults": True, "scrubIpAddresses": True,
    }  # fmt: skip
    assert (made["projectId"], made["disabled"]) == (7, False)
    own = {"scrubData": False}
    assert of_file({"config": {"datascrubbingSettings": own}}, 7)["config"]["datascrubbingSettings"] == own


def test_the_revision_of_a_file_changes_with_its_content() -> None:
    files: list[dict[str, Any]] = [{"config": {}}, {"config": {"quotas": [1]}}, {"rev": "2"}, {"rev": "2", "slug": "x"}]
    revisions = [of_file(file, 7)["rev"] for file in files]
    assert len(set(revisions)) == 4
    assert revisions == [of_file(file, 7)["rev"] for file in files]
    assert [revision.startswith("2.") for revision in revisions] == [False, False, True, True]


def test_what_lies_over_a_document_is_another_revision() -> None:
    one, other = revised({"rev": "r1", "slug": "x"}), revised({"rev": "r1", "slug": "y"})
    assert one["rev"] != other["rev"]
    assert one["rev"].startswith("r1.")
