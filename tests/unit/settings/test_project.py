"""What may be written for one project."""

from __future__ import annotations

import msgspec
import pytest

from scrubjay.settings.project import DEFAULT_SCRUBBING, DataScrubbing, ProjectConfig, ProjectOptions

EXAMPLE = {
    "slug": "checkout",
    "disabled": False,
    "overlay": False,
    "rev": "2026-01-02-a",
    "lastChange": "2026-01-02T03:04:05Z",
    "organizationId": 1,
    "upstream": "https://h/",
    "publicKeys": [{"publicKey": "a94ae32be2584e0bbd7a4cbb95971fee", "isEnabled": True, "numericId": 17}],
    "config": {
        "allowedDomains": ["shop.example", "*.shop.example"],
        "datascrubbingSettings": {"scrubData": True, "sensitiveFields": ["iban"], "excludeFields": ["order_id"]},
        "piiConfig": {"rules": {"card": {"type": "creditcard"}}, "applications": {"$string": ["card"]}},
        "filterSettings": {"localhost": {"isEnabled": True}},
        "quotas": [{"id": "burst", "limit": 600}, "broken"],
        "sampling": {"version": 2, "rules": []},
        "features": ["organizations:session-replay"],
        "scrubjay": {"scrub": {"profile": "parity"}, "sampling": [{"id": 1}], "quotas": [{"id": "q"}]},
    },
}


def test_the_reference_s_form_is_read() -> None:
    project = msgspec.convert(EXAMPLE, ProjectConfig)
    assert (project.slug, project.organization_id, project.project_id) == ("checkout", 1, None)
    assert project.public_keys[0].numeric_id == 17
    options = project.config
    assert options.allowed_domains == ("shop.example", "*.shop.example")
    assert options.scrubbing == DataScrubbing(scrub_data=True, sensitive_fields=("iban",), exclude_fields=("order_id",))
    assert options.pii_config == EXAMPLE["config"]["piiConfig"]  # type: ignore[index]
    assert options.quotas[1] == "broken"  # the module that counts decides what a bad quota costs
    assert options.trace_sampling == {"version": 2, "rules": []}
    assert options.scrubjay.scrub == {"profile": "parity"}
    assert options.scrubjay.sampling == ({"id": 1},)
    assert options.scrubjay.quotas == ({"id": "q"},)


def test_a_project_that_says_nothing_is_scrubbed() -> None:
    options = ProjectOptions()
    assert options.scrubbing is DEFAULT_SCRUBBING
    assert (DEFAULT_SCRUBBING.scrub_data, DEFAULT_SCRUBBING.scrub_defaults, DEFAULT_SCRUBBING.scrub_ip_addresses) == (
        True,
        True,
        True,
    )
    assert options.allowed_domains == ("*",)


def test_switches_that_are_left_out_are_off() -> None:
    options = msgspec.convert({"datascrubbingSettings": {}}, ProjectOptions)
    assert options.scrubbing == DataScrubbing()
    assert not options.scrubbing.scrub_data


def test_sampling_has_an_older_name() -> None:
    assert msgspec.convert({"dynamicSampling": {"rules": []}}, ProjectOptions).trace_sampling == {"rules": []}
    assert ProjectOptions().trace_sampling is None


@pytest.mark.parametrize(
    "broken",
    [
        {"slug": 99},
        {"publicKeys": [{"publicKey": "short"}]},
        {"publicKeys": [{"publicKey": "ä" * 32}]},
        {"publicKeys": [{"isEnabled": True}]},
        {"projectId": -1},
        {"config": {"allowedDomains": "x"}},
        {"config": {"datascrubbingSettings": {"scrubData": None}}},
    ],
)
def test_wrong_types_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(broken, ProjectConfig)
