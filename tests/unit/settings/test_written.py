"""What was written, where, and by whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.written import Written, collect, sort


def entries(tmp_path: Path, text: str) -> list[tuple[str, Written]]:
    path = tmp_path / "f.yaml"
    path.write_text(text)
    return list(collect(path, {"RELAY_PORT": "2"}, {"relay.port": ("3", "--port")}))


def test_the_later_one_wins(tmp_path: Path) -> None:
    found = entries(tmp_path, "relay: {port: 1}")
    assert [entry.text for _, entry in found] == ["1", "2", "3"]
    assert sort(found, strict=True).written["relay.port"].origin == "flag --port"


def test_the_file_is_a_mapping(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a mapping of sections"):
        entries(tmp_path, "- relay")


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert [key for key, _ in entries(tmp_path, "# nothing\n")] == ["relay.port", "relay.port"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("relay.port: 1\nrelay:\n  port: 2\n", "3: relay.port: occurs twice (accepted: one of them)"),
        ("admin:\n  token: {a: b}\n", "2: admin.token: a mapping, where there is none (accepted: a single value)"),
        (
            "routing:\n  tunnel_paths: {a: b}\n",
            "2: routing.tunnel_paths: a mapping, where there is none (accepted: a list)",
        ),
        ("relay:\n  port:3000\n", "2: relay: `port:3000`: a section is expected, not a value"),
        ("relay: [a, b]\n", "1: relay: `[a, b]`: a section is expected, not a value"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sort(entries(tmp_path, text), strict=False)
    assert f"f.yaml:{problem}" in str(caught.value)


def test_members_of_a_relay_have_near_names_too(tmp_path: Path) -> None:
    text = "auth: {static_relays: {a: {public_kye: x}, b: {zzz: x}}}"
    warnings = sort(entries(tmp_path, text), strict=False).warnings
    assert "did you mean `auth.static_relays.a.public_key`?" in warnings[0]
    assert warnings[1].endswith("unknown key, ignored")
