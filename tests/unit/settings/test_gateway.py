"""Settings of a relay that other relays send to."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.gateway import StaticRelay, relays_of
from scrubjay.settings.keys import read_public_key
from scrubjay.settings.load import Loaded, load
from scrubjay.settings.show import as_yaml

ID = "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001"
OTHER_ID = "0192f3a4-b5c6-4d8e-9fa0-b1c2d3e4f506"
KEY = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
PEM = """\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=
-----END PUBLIC KEY-----
"""
MAPPING = f"""\
auth:
  signature_max_age: 1m
  static_relays:
    {ID.replace("-", "").upper()}:
      public_key: {KEY}
      internal: true
    {OTHER_ID}:
      public_key: ${{file:other.pem}}
"""


def loaded(folder: Path, text: str, env: dict[str, str] | None = None) -> Loaded:
    (folder / "scrubjay.yaml").write_text(text)
    (folder / "other.pem").write_text(PEM)
    return load(folder, env or {})


def test_relays_are_written_as_the_reference_does(tmp_path: Path) -> None:
    found = loaded(tmp_path, MAPPING)
    key = read_public_key(KEY)
    assert relays_of(found.settings.auth.static_relays) == {
        ID: StaticRelay(ID, key, is_internal=True),
        OTHER_ID: StaticRelay(OTHER_ID, key, is_internal=False),
    }
    assert found.settings.auth.signature_max_age == 60
    assert not [warning for warning in found.warnings if "auth" in warning]
    assert found.origins["auth.static_relays"].endswith("scrubjay.yaml:5")


def test_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    found = loaded(tmp_path, MAPPING)
    again = loaded(tmp_path, as_yaml(found))
    assert again.settings.auth == found.settings.auth


def test_relays_from_the_environment(tmp_path: Path) -> None:
    env = {"SCRUBJAY__AUTH__STATIC_RELAYS": f"{ID}={KEY} internal, {OTHER_ID}={KEY}"}
    assert loaded(tmp_path, "", env).settings.auth == loaded(tmp_path, MAPPING.replace("1m", "300")).settings.auth


def test_none_at_all(tmp_path: Path) -> None:
    assert loaded(tmp_path, "auth: {static_relays: {}}").settings.auth.static_relays == ()
    assert loaded(tmp_path, "auth: {static_relays: null}").settings.auth.static_relays == ()


@pytest.mark.parametrize(
    ("relay", "problem"),
    [
        (f"x: {{public_key: {KEY}}}", "no UUID"),
        (f"{ID}: {{public_key: {KEY}=}}", "bad encoding"),
        (f"{ID}: {{public_key: abcd}}", "bad key"),
        (f"{ID}: {{internal: true}}", "bad key"),
    ],
)
def test_relays_that_cannot_be_used(tmp_path: Path, relay: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        loaded(tmp_path, f"auth:\n  static_relays:\n    {relay}\n")
    assert (caught.value.path, caught.value.line) == ("auth.static_relays", 3)


def test_a_text_without_a_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no relay"):
        loaded(tmp_path, f"auth: {{static_relays: ['{ID}']}}")


def test_members_that_a_relay_has_not(tmp_path: Path) -> None:
    found = loaded(tmp_path, f"auth: {{static_relays: {{{ID}: {{public_key: {KEY}, internl: true}}}}}}")
    assert any(
        f"auth.static_relays.{ID}.internl: unknown key, ignored; did you mean `auth.static_relays.{ID}.internal`?"
        in warning
        for warning in found.warnings
    )
    assert not relays_of(found.settings.auth.static_relays)[ID].is_internal
