"""A project's configuration as the upstream gives it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.errors import ConfigError
from scrubjay.settings.fetched import read_fetched
from scrubjay.settings.project import DataScrubbing, Problem, ProjectConfig, PublicKey

KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
OTHER = "b" * 32
DOCUMENT: Mapping[str, Any] = {
    "slug": "checkout",
    "rev": "r2",
    "disabled": False,
    "projectId": 42,
    "organizationId": 1,
    "lastChange": "2026-01-01T00:00:00Z",
    "upstream": "https://Ingest.example:443",
    "publicKeys": [{"publicKey": OTHER, "numericId": 8}, {"publicKey": KEY, "numericId": 7, "isEnabled": True}],
    "config": {
        "allowedDomains": ["*.shop.example"],
        "trustedRelays": ["A6EHv"],
        "trustedRelaySettings": {"verifySignature": "enabled"},
        "piiConfig": {"rules": {"card": {"type": "creditcard"}}, "applications": {"$string": ["card"]}},
        "datascrubbingSettings": {"scrubData": True, "sensitiveFields": ["iban"]},
        "filterSettings": {"localhost": {"isEnabled": True}},
        "quotas": [{"id": "burst", "limit": 600}, "broken"],
        "sampling": {"version": 2, "rules": []},
        "features": ["organizations:session-replay"],
        "scrubjay": {"scrub": {"profile": "parity"}, "quotas": [{"id": "q"}]},
    },
}


def with_options(**options: object) -> dict[str, Any]:
    return {**DOCUMENT, "config": {**DOCUMENT["config"], **options}}


def problems_of(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(problem.kind, problem.text) for problem in read_fetched(document, KEY)[1]]


def test_it_is_what_a_file_of_the_same_content_is() -> None:
    project, problems = read_fetched(DOCUMENT, KEY)
    of_a_file = msgspec.convert(DOCUMENT, ProjectConfig)
    mine = PublicKey(public_key=KEY, numeric_id=7)
    assert project == msgspec.structs.replace(of_a_file, public_keys=(mine,), upstream="https://ingest.example/")
    assert problems == ()


def test_what_it_does_not_say_is_off() -> None:
    project, problems = read_fetched({"config": {}}, KEY)
    assert project.config.scrubbing == DataScrubbing()
    assert (project.project_id, project.config.allowed_domains) == (None, ("*",))
    assert project.public_keys == (PublicKey(public_key=KEY),)
    assert problems == ()
    assert read_fetched({}, KEY)[0] == project


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"slug": 99}, "slug"),
        ({"disabled": "no"}, "disabled"),
        ({"projectId": "42"}, "projectId"),
        ({"projectId": -1}, "projectId"),
        ({"projectId": 2**64}, "projectId"),
        ({"config": None}, "config"),
        ({"config": []}, "config"),
        (with_options(piiConfig=5), "config.piiConfig"),
        (with_options(datascrubbingSettings=None), "config.datascrubbingSettings"),
        (with_options(datascrubbingSettings={"scrubData": None}), "config.datascrubbingSettings.scrubData"),
        (with_options(datascrubbingSettings={"scrubDefaults": 1}), "config.datascrubbingSettings.scrubDefaults"),
        (with_options(datascrubbingSettings={"sensitiveFields": "x"}), "config.datascrubbingSettings.sensitiveFields"),
        (
            with_options(trustedRelaySettings={"verifySignature": "always"}),
            "config.trustedRelaySettings.verifySignature",
        ),
        (with_options(scrubjay=[]), "config.scrubjay"),
        (with_options(scrubjay={"scrub": "parity"}), "config.scrubjay.scrub"),
    ],
)
def test_operations_32_what_guards_must_be_right(document: Mapping[str, Any], path: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_fetched(document, KEY)
    assert refused.value.path == path


@pytest.mark.parametrize(
    ("options", "member", "left", "problem"),
    [
        ({"allowedDomains": "x"}, "allowed_domains", ("*",), ("project", "allowedDomains: expected a list, got a text")),
        ({"allowedDomains": ["a.example", 5]}, "allowed_domains", ("a.example",), None),
        ({"allowedDomains": [5]}, "allowed_domains", ("*",), ("project", "allowedDomains: 1 entries are no texts")),
        ({"allowedDomains": []}, "allowed_domains", (), "none"),
        ({"allowedDomains": None}, "allowed_domains", ("*",), "none"),
        ({"trustedRelays": {"a": 1}}, "trusted_relays", (), ("project", "trustedRelays: expected a list, got an object")),
        ({"trustedRelays": [None, "k"]}, "trusted_relays", ("k",), None),
        ({"filterSettings": 5}, "filter_settings", {}, ("filter", "filterSettings: expected an object, got a whole number")),
        ({"quotas": "x"}, "quotas", (), ("quota", "quotas: expected a list, got a text")),
        ({"quotas": None}, "quotas", (), "none"),
        # Judged by those who compile them
        ({"quotas": [5]}, "quotas", (5,), "none"),
        ({"sampling": 5}, "sampling", 5, "none"),
        ({"sampling": None, "dynamicSampling": 5}, "trace_sampling", 5, "none"),
        ({"features": 5}, "quotas", tuple(DOCUMENT["config"]["quotas"]), "none"),
    ],
)  # fmt: skip
def test_a_bad_part_costs_no_other(options: dict[str, object], member: str, left: object, problem: object) -> None:
    project, problems = read_fetched(with_options(**options), KEY)
    assert getattr(project.config, member) == left
    assert project.config.pii_config == DOCUMENT["config"]["piiConfig"]
    assert project.config.scrubbing.scrub_data
    if problem == "none":
        assert problems == ()
    elif problem is None:
        assert len(problems) == 1
    else:
        (found,) = problems
        assert (found.kind, found.text.removesuffix("; left out")) == problem


@pytest.mark.parametrize(
    ("member", "value", "kind"),
    [
        ("sampling", [5], "sampling"),
        ("filters", {}, "filter"),
        ("quotas", 1, "quota"),
        ("spike_protection", {"factor": 0}, "quota"),
    ],
)
def test_parts_of_ours_are_no_different(member: str, value: object, kind: str) -> None:
    project, (problem,) = read_fetched(with_options(scrubjay={"scrub": {"profile": "parity"}, member: value}), KEY)
    assert not getattr(project.config.scrubjay, member)
    assert project.config.scrubjay.scrub == {"profile": "parity"}
    assert problem.kind == kind


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"rev": 5}, "rev: expected a text, got a whole number; left out"),
        ({"organizationId": "x"}, "organizationId: expected a whole number, got a text; left out"),
        ({"organizationId": 2**64}, "organizationId: an id has at most 64 bits; left out"),
        ({"upstream": "ftp://h"}, "upstream: unknown scheme `ftp`; left out"),
        ({"upstream": 5}, "upstream: expected a text, got a whole number; left out"),
    ],
)
def test_so_is_what_stands_beside_the_options(members: dict[str, object], problem: str) -> None:
    project, found = read_fetched({**DOCUMENT, **members}, KEY)
    assert found == (Problem("project", problem),)
    assert None in (project.rev, project.organization_id, project.upstream)


@pytest.mark.parametrize(
    ("listed", "key", "problems"),
    [
        ([], PublicKey(public_key=KEY), 0),
        (None, PublicKey(public_key=KEY), 0),
        ({KEY: True}, PublicKey(public_key=KEY), 1),
        ([5, {"publicKey": 5}], PublicKey(public_key=KEY), 0),
        ([{"publicKey": KEY, "isEnabled": False}], PublicKey(public_key=KEY, is_enabled=False), 0),
        # The reference knows no `isEnabled`.
        ([{"publicKey": KEY, "isEnabled": "no", "numericId": "x"}], PublicKey(public_key=KEY), 2),
        ([{"publicKey": KEY, "numericId": 2**64}], PublicKey(public_key=KEY), 1),
        # What it lists is not this key: whoever asks for it does not get another's project.
        ([{"publicKey": OTHER}], PublicKey(public_key=KEY, is_enabled=False), 1),
    ],
)
def test_the_key_that_was_asked_for(listed: object, key: PublicKey, problems: int) -> None:
    project, found = read_fetched({**DOCUMENT, "publicKeys": listed}, KEY)
    assert project.public_keys == (key,)
    assert len(found) == problems


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("document", [None, 5, "x", [], [{}], with_options(measurements=deep(5000)), {"x": "\ud800"}])
def test_what_is_no_document_is_refused(document: object) -> None:
    with pytest.raises(ConfigError):
        read_fetched(document, KEY)


def test_a_document_as_deep_as_conditions_are() -> None:
    assert problems_of(with_options(filterSettings={"generic": {"x": deep(90)}})) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"config": {"quotas": [{"limit": NaN}]}}',
        '{"config": {"quotas": [], "quotas": 5}}',
        '{"config": {"sampling": {"version": ' + "9" * 400 + "}}}",
    ],
)
def test_oddities_of_json(text: str) -> None:
    """As Python's reader lets them pass, whichever reads the answer."""
    project, _ = read_fetched(json.loads(text), KEY)
    assert project.config.scrubbing == DataScrubbing()


def test_many_parts_are_named_in_few_words() -> None:
    assert problems_of(with_options(allowedDomains=[5] * 100_000)) == [
        ("project", "allowedDomains: 100000 entries are no texts; left out")
    ]


_NAMES = st.sampled_from(
    ["slug", "rev", "disabled", "projectId", "organizationId", "upstream", "publicKeys", "publicKey", "numericId", "isEnabled",
     "config", "allowedDomains", "trustedRelays", "trustedRelaySettings", "verifySignature", "piiConfig", "rules", "applications",
     "datascrubbingSettings", "scrubData", "filterSettings", "quotas", "id", "sampling", "features", "scrubjay", "scrub", "$string"]
)  # fmt: skip
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([KEY, "enabled", "https://h"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.text(max_size=3), inner, max_size=4),
    max_leaves=25,
)  # fmt: skip
DOCUMENTS = st.dictionaries(_NAMES, _VALUES, max_size=8)
"""Documents of which each part may be anything."""


@given(DOCUMENTS | _VALUES)
def test_nothing_else_is_ever_raised(document: object) -> None:
    before = repr(document)
    try:
        project, problems = read_fetched(document, KEY)
    except ConfigError:
        project = None
    if project is not None:
        assert [key.public_key for key in project.public_keys] == [KEY]
        assert all(problem.text for problem in problems)
    assert repr(document) == before


@given(_VALUES)
def test_bad_scrubbing_is_never_read_as_none(value: object) -> None:
    for member in ("piiConfig", "datascrubbingSettings"):
        try:
            project, _ = read_fetched(with_options(**{member: value}), KEY)
        except ConfigError:
            continue
        if member == "piiConfig":
            assert project.config.pii_config == value or repr(project.config.pii_config) == repr(value)
        else:
            assert isinstance(value, dict)
            assert project.config.scrubbing.scrub_data is value.get("scrubData", False)
