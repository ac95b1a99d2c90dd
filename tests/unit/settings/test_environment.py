"""Which settings the environment gives."""

from __future__ import annotations

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.environment import overrides


def pairs(**env: str) -> list[tuple[str, str]]:
    return [(key, text) for key, text, _ in overrides(env)]


@pytest.mark.parametrize(
    ("variable", "key"),
    [
        ("RELAY_MODE", "relay.mode"),
        ("RELAY_UPSTREAM_URL", "relay.upstream"),
        ("RELAY_HOST", "relay.host"),
        ("RELAY_PORT", "relay.port"),
        ("RELAY_LOG_LEVEL", "logging.level"),
        ("RELAY_LOG_FORMAT", "logging.format"),
        ("RELAY_INSTANCE", "relay.instance"),
        ("RELAY_SOURCE_ID", "outcomes.source"),
        ("RELAY_REDIS_URL", "quotas.redis"),
        ("RELAY_SERVER_NAME", "sentry.server_name"),
        ("SCRUBJAY__SPOOL__ENVELOPES__MAX_DISK_SIZE", "spool.envelopes.max_disk_size"),
    ],
)
def test_variables_name_keys(variable: str, key: str) -> None:
    assert list(overrides({variable: "x"})) == [(key, "x", variable)]


def test_operations_11_the_url_wins_over_the_dsn() -> None:
    dsn = "https://k@h:8443/7"
    assert pairs(RELAY_UPSTREAM_DSN=dsn) == [("relay.upstream", "https://h:8443/")]
    assert pairs(RELAY_UPSTREAM_DSN=dsn, RELAY_UPSTREAM_URL="https://u/") == [("relay.upstream", "https://u/")]


@pytest.mark.parametrize("dsn", ["nonsense", "https://h/1", "https://k@h:port/1", "ftp://k@h/1", "https://k@[h/1"])
def test_a_bad_dsn_is_an_error_without_its_key(dsn: str) -> None:
    with pytest.raises(ConfigError) as caught:
        pairs(RELAY_UPSTREAM_DSN=dsn)
    assert caught.value.where == "environment variable RELAY_UPSTREAM_DSN"
    assert "k@" not in str(caught.value)


@pytest.mark.parametrize(("text", "given"), [("15", True), ("2s", True), ("abc", False), ("", False), ("-1", False)])
def test_operations_12_an_unparsable_shutdown_timeout_is_ignored(text: str, given: bool) -> None:
    assert pairs(SHUTDOWN_TIMEOUT=text) == ([("limits.shutdown_timeout", text)] if given else [])


@pytest.mark.parametrize("text", ["true", "1", "TRUE"])
def test_processing_is_fatal(text: str) -> None:
    with pytest.raises(ConfigError, match="no processing here"):
        pairs(RELAY_PROCESSING_ENABLED=text)


@pytest.mark.parametrize("text", ["false", "0", ""])
def test_no_processing_is_fine(text: str) -> None:
    assert pairs(RELAY_PROCESSING_ENABLED=text) == []


def test_ours_come_last() -> None:
    given = pairs(SCRUBJAY__RELAY__PORT="2", RELAY_PORT="1", PATH="/bin", SCRUBJAY_CONFIG_DIR="x")
    assert given == [("relay.port", "1"), ("relay.port", "2")]
