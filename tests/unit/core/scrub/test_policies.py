"""Words of the settings that say what may leave (scrubbing.md 15.6, 15.7)."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.policies import read_policies
from scrubjay.errors import ConfigError
from scrubjay.settings.scrub import Scrub


def test_profiles_differ_where_nothing_is_said() -> None:
    strict, parity = read_policies(Scrub()), read_policies(Scrub(profile="parity"))
    assert (strict.attachments, strict.compressed, strict.replay, strict.identities) == (
        "text",
        frozenset(),
        "all",
        "hash",
    )
    assert (parity.attachments, parity.compressed, parity.replay, parity.identities) == ("keep", None, "type5", "keep")
    assert (strict.structured, parity.structured) == (True, True)


def test_what_is_said_holds_in_both() -> None:
    for profile in ("strict", "parity"):
        policies = read_policies(
            Scrub(
                profile=profile,
                attachments="keep",
                replay="drop",
                identities="remove",
                binary_attachments="scrub_bytes",
            ),
            7,
        )
        assert (policies.attachments, policies.structured, policies.binary) == ("keep", False, "scrub_bytes")
        assert (policies.replay, policies.identities, policies.max_replay_bytes) == ("drop", "remove", 7)
    assert read_policies(Scrub(compressed_attachments=("zip",))).compressed == {"zip"}


def test_errors_have_a_word_for_each_type() -> None:
    policies = read_policies(Scrub(on_error="strip", on_error_by_type=("profile=forward", " event = drop ")))
    assert [policies.on_error(name) for name in ("profile", "event", "span")] == ["forward", "drop", "strip"]
    assert policies.forwards_on_error == ("profile",)
    assert read_policies(Scrub(on_error="forward")).forwards_on_error == ("*",)
    assert read_policies(Scrub()).forwards_on_error == ()


@pytest.mark.parametrize("text", ["event", "event=maybe", "=drop", ""])
def test_what_is_no_exception_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="TYPE=drop"):
        read_policies(Scrub(on_error_by_type=(text,)))


@pytest.mark.parametrize(
    "options",
    [
        Scrub(on_error="forward"),
        Scrub(on_error_by_type=("event=forward",)),
        Scrub(opaque="forward"),
        Scrub(dry_run=True),
    ],
)
def test_compliance_refuses_what_leaves_unscrubbed(options: Scrub) -> None:
    from msgspec.structs import replace

    read_policies(options)
    with pytest.raises(ConfigError, match="contradict"):
        read_policies(replace(options, compliance=True))
    read_policies(Scrub(compliance=True, on_error="strip"))


def test_a_dry_run_leaves_identities_alone() -> None:
    assert read_policies(Scrub(identities="remove", dry_run=True)).identities == "keep"
