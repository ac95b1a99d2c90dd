"""What a project says of scrubbing lies over what the operator says."""

from __future__ import annotations

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.scrub import Scrub, over

DEFAULTS = Scrub(opaque="forward")


def test_a_project_overrides_member_by_member() -> None:
    assert over(DEFAULTS, {}) is DEFAULTS
    assert over(DEFAULTS, {"profile": "parity", "open_gaps": ["keys"]}) == Scrub(
        profile="parity", open_gaps=("keys",), opaque="forward"
    )


@pytest.mark.parametrize(
    ("overrides", "path"),
    [({"profile": "lenient"}, "profile"), ({"open_gaps": ["none"]}, "open_gaps"), ({"profil": "parity"}, "profil")],
)
def test_what_cannot_be_used_is_named(overrides: dict[str, object], path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        over(DEFAULTS, overrides)
    assert caught.value.path == f"config.scrubjay.scrub.{path}"


def test_a_project_cannot_take_compliance_back() -> None:
    assert over(Scrub(), {"compliance": True}).compliance
    assert over(Scrub(compliance=True), {"profile": "parity"}).compliance
    with pytest.raises(ConfigError, match="is on for all projects"):
        over(Scrub(compliance=True), {"compliance": False})


def test_the_words_that_would_do_are_said() -> None:
    with pytest.raises(ConfigError, match="accepted: drop, strip, forward"):
        over(Scrub(), {"on_error": "sometimes"})
    with pytest.raises(ConfigError, match="accepted: gzip, zip"):
        over(Scrub(), {"compressed_attachments": ["sometimes"]})
