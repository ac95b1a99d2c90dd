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
