"""Text to value and back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.settings.fields import FIELDS
from scrubjay.settings.scalars import (
    MAX_INTEGER,
    expand,
    is_list,
    is_text,
    parse,
    parse_duration,
    parse_size,
    show,
    show_size,
)
from scrubjay.settings.setting import Secret
from scrubjay.settings.texts import Unusable


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1kB", 1000),
        ("1KB", 1024),
        ("1KiB", 1024),
        ("4242", 4242),
        ("0", 0),
        ("1 MB", 1_000_000),
        ("1.5MiB", 1_572_864),
        ("50MB", 50_000_000),
        ("1GiB", 1_073_741_824),
        ("7B", 7),
        ("1PB", 10**15),
        ("1EiB", 2**60),
        (str(MAX_INTEGER), MAX_INTEGER),
    ],
)
def test_operations_1_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["10tb", "5mb", "-1", "", "1 kib", "1kiB", "1.5", "1  MB", " 1", "1MB ", "MB", "9EiB", "0x10", "1e3", "١"]
)
def test_operations_2_no_sizes(text: str) -> None:
    with pytest.raises(Unusable):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"), [(1048576, "1MiB"), (1000, "1kB"), (4242, "4242B"), (0, "0B"), (1024, "1KiB"), (10**6, "1MB")]
)
def test_operations_3_shown_sizes(size: int, text: str) -> None:
    assert show_size(size) == text


@given(st.integers(0, MAX_INTEGER))
def test_a_shown_size_means_the_same(size: int) -> None:
    assert parse_size(show_size(size)) == size


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("5", "s", 5),
        ("250ms", "s", 0.25),
        ("250ms", "ms", 250),
        ("2m", "s", 120),
        ("1h", "s", 3600),
        ("1d", "ms", 86_400_000),
        ("1.5", "s", 1.5),
        ("2 s", "ms", 2000),
    ],
)
def test_durations(text: str, unit: str, value: float) -> None:
    assert parse_duration(text, unit) == value  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "-1", "5 minutes", "s", "1S", "nan", "inf"])
def test_no_durations(text: str) -> None:
    with pytest.raises(Unusable, match="no duration"):
        parse_duration(text, "s")


def test_a_fraction_is_no_whole_number() -> None:
    with pytest.raises(Unusable, match="whole"):
        parse("1.5ms", FIELDS["spool.envelopes.fsync_interval_ms"])


def test_variables(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1B\n\n", encoding="utf-8")
    env = {"A": "1", "B": "${A}"}
    assert expand("${A}", env, tmp_path, partial=False) == "1"
    assert expand("${B}", env, tmp_path, partial=False) == "${A}"  # replaced once, never again
    assert expand("${file:x}", env, tmp_path, partial=False) == "1B\n"  # one trailing newline goes
    assert expand("x${A}y", env, tmp_path, partial=False) == "x${A}y"
    assert expand("x${A}y$${A}${A}", env, tmp_path, partial=True) == "x1y${A}1"
    assert expand("plain", env, tmp_path, partial=True) == "plain"


def test_operations_4_unset_variable(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="NO_SUCH_VAR is not set"):
        expand("${NO_SUCH_VAR}", {}, tmp_path, partial=False)
    with pytest.raises(Unusable, match="cannot read"):
        expand("${file:missing}", {}, tmp_path, partial=False)
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(Unusable, match="cannot read"):
        expand("${file:bytes}", {}, tmp_path, partial=False)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("relay.mode", "static", "static"),
        ("relay.workers", "auto", "auto"),
        ("relay.workers", "3", 3),
        ("relay.port", "0", 0),
        ("relay.host", "::1", "::1"),
        ("relay.trusted_proxies", "10.1.2.3/8", "10.1.2.3/8"),
        ("metrics.prometheus", "false", False),
        ("metrics.prometheus", "True", True),
        ("sampling.dynamic", "off", False),
        ("sampling.dynamic", "on", True),
        ("outcomes.emit_outcomes", "as_client_reports", "as_client_reports"),
        ("outcomes.emit_outcomes", "false", False),
        ("spool.envelopes.compression_level", "-5", -5),
        ("health.max_memory_percent", "0.25", 0.25),
        ("http.upstream_path_prefix", "/relay/", "/relay"),
        ("http.upstream_path_prefix", "", ""),
        ("http.host_header", "h", "h"),
        ("capture.token", "t", Secret("t")),
        ("limits.bare_429", "1m", 60),
    ],
)
def test_a_field_decides_how_its_text_is_read(key: str, text: str, value: object) -> None:
    parsed = parse(text, FIELDS[key])
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("key", "text", "accepted"),
    [
        ("relay.mode", "bogus", "managed, proxy, static, capture"),
        ("relay.workers", "many", "auto, a whole number"),
        ("relay.workers", "0", "auto, 1 to 100"),
        ("relay.port", "65536", "0 to 65535"),
        ("relay.host", "localhost", "an IPv4 or IPv6 address"),
        ("relay.trusted_proxies", "10.0.0.0/33", "an address, or a network such as 10.0.0.0/8"),
        ("metrics.prometheus", "yes", "true, false"),
        ("outcomes.emit_outcomes", "asdf", "as_client_reports, true, false"),
        ("logging.level", "loud", "off, error, warn, info, debug, trace"),
        ("spool.envelopes.compression_level", "20", "-5 to 19"),
        ("health.max_memory_percent", "x", "a number"),
        ("spool.envelopes.max_unspool_envelopes_per_second", "-1", "at least 1"),
        ("limits.max_event_size", "0.5", "bytes, or a number"),
        ("http.upstream_path_prefix", "relay", "a path that starts with `/`"),
        ("http.upstream_path_prefix", "/a?b", "a path that starts with `/`"),
        ("http.timeout", "0", "at least 0.1"),
        ("spool.envelopes.path", "a\0b", "a path of this machine"),
        ("spool.envelopes.path", "", "a path of this machine"),
    ],
)
def test_an_error_says_what_is_accepted(key: str, text: str, accepted: str) -> None:
    with pytest.raises(Unusable) as caught:
        parse(text, FIELDS[key])
    assert caught.value.accepted.startswith(accepted)


@pytest.mark.parametrize("key", FIELDS)
def test_defaults_survive_showing_and_reading(key: str) -> None:
    row = FIELDS[key]
    default = row.note.default
    if default is None:
        assert show(default, row) == "null"
    elif isinstance(default, tuple):
        assert is_list(row)
        assert show(default, row) == f"[{', '.join(default)}]"
    else:
        assert parse(show(default, row), row) == default


def test_secrets_are_never_shown() -> None:
    assert show(Secret("hunter2"), FIELDS["capture.token"]) == "***"


def test_kinds_of_fields() -> None:
    assert is_list(FIELDS["routing.tunnel_paths"])
    assert not is_list(FIELDS["relay.mode"])
    assert is_text(FIELDS["capture.token"])
    assert is_text(FIELDS["spool.envelopes.path"])
    assert not is_text(FIELDS["relay.mode"])
    assert not is_text(FIELDS["relay.port"])


def test_large_numbers_are_shown_whole() -> None:
    assert show(1_234_567.0, FIELDS["limits.upstream_max"]) == "1234567"
    assert show(0.1234567, FIELDS["http.timeout"]) == "0.1234567"


@pytest.mark.parametrize(("text", "level"), [("", "error"), ("WARN", "warn"), ("Info", "info")])
def test_levels_are_read_as_the_reference_reads_them(text: str, level: str) -> None:
    assert parse(text, FIELDS["logging.level"]) == level


@pytest.mark.parametrize(
    ("key", "text", "near"),
    [
        ("relay.mode", "statc", "static"),
        ("relay.mode", "STATIC", "static"),
        ("relay.port", "3_000", "3000"),
        ("relay.port", " 3000 ", "3000"),
        ("relay.port", "eighty", ""),
        ("relay.host", "localhost", "127.0.0.1"),
        ("relay.upstream", "sentry.example", "https://sentry.example"),
        ("relay.upstream", "https://k@h.example:8443/7", "https://h.example:8443"),
        ("limits.max_event_size", "5mb", "5MB"),
        ("limits.max_event_size", "1 kib", "1KiB"),
        ("limits.max_event_size", "2g", "2GB"),
        ("http.timeout", "5 seconds", "5s"),
        ("http.timeout", "2min", "2m"),
        ("http.forward", "yes", "true"),
        ("http.forward", "0", "false"),
        ("http.encoding", "gzp", "gzip"),
        ("routing.tunnel_paths", "tunnel", "/tunnel"),
        ("spool.envelopes.shed_order", "replays", "replay"),
        ("relay.workers", "Auto", "auto"),
        ("http.timeout", "0", ""),
    ],
)
def test_what_was_probably_meant(key: str, text: str, near: str) -> None:
    with pytest.raises(Unusable) as caught:
        parse(text, FIELDS[key])
    assert caught.value.near == near


@pytest.mark.parametrize(
    "key", ["relay.port", "limits.max_event_size", "http.timeout", "spool.envelopes.max_project_share"]
)
@pytest.mark.parametrize("digits", [65, 400, 5_000])
def test_no_number_is_too_long_to_be_refused(key: str, digits: int) -> None:
    with pytest.raises(Unusable, match="too long for a number"):
        parse("9" * digits, FIELDS[key])


@pytest.mark.parametrize(
    ("text", "problem", "near"),
    [
        ("${SENTRY_HOSTS}", "the environment variable SENTRY_HOSTS is not set", "${SENTRY_HOST}"),
        ("${}", "no name in `${}`", ""),
        ("${NAME", "`${` without `}`", "${NAME}"),
        ("${file:none}", "cannot read", ""),
        ("${file:/dev/zero}", "cannot read /dev/zero: no regular file", ""),
    ],
)
def test_variables_that_mean_nothing(tmp_path: Path, text: str, problem: str, near: str) -> None:
    with pytest.raises(Unusable, match=re.escape(problem)) as caught:
        expand(text, {"SENTRY_HOST": "h"}, tmp_path, partial=True)
    assert caught.value.near == near
