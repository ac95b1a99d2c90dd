"""What an operator probably meant."""

from __future__ import annotations

import pytest

from scrubjay.settings.fields import FIELDS
from scrubjay.settings.suggestions import nearest_key, nearest_value, nearest_word, shown


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a", "`a`"),
        ("a\nb\t\x1b[31m", "`a\\nb\\t\\x1b[31m`"),
        ("https://user:pw@h/?q", "`https://***@h/?q`"),
        ("x" * 100, f"`{'x' * 80}…`"),
        ("é", "`é`"),
        ("", "``"),
    ],
)
def test_a_value_is_shown_on_one_line(text: str, line: str) -> None:
    assert shown(text) == line


def test_a_long_password_is_not_cut_out_of_its_mask() -> None:
    assert shown(f"https://u:{'p' * 500}@h/") == "`https://***@h/`"


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("relay.portt", "relay.port"),
        ("rely.port", "relay.port"),
        ("upstream", "relay.upstream"),
        ("spool.max_disk_size", "spool.envelopes.max_disk_size"),
        ("limits.max_evnt_size", "limits.max_event_size"),
        ("health.max_memory_byte", "health.max_memory_bytes"),
        ("zzz.qqq", ""),
    ],
)
def test_keys(key: str, near: str) -> None:
    assert nearest_key(key, FIELDS) == near


def test_words() -> None:
    assert nearest_word("WARNING", ("info", "warn", "error")) == "warn"
    assert nearest_word("xyz", ("info", "warn")) == ""


def test_a_guess_is_taken_only_if_it_would_do() -> None:
    assert nearest_value("yes", (), lambda guess: guess == "true") == "true"
    assert nearest_value("yes", (), lambda guess: False) == ""
    assert nearest_value("static", ("static",), lambda guess: True) != "static"
