"""The settings of our listeners, together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.load import Loaded

LoadText = Callable[..., Loaded]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("relay: {}", (None, None)),
        ("relay: {internal_port: 3001}", ("127.0.0.1", 3001)),
        ("relay: {internal_port: 0}", ("127.0.0.1", 0)),
        ("relay: {mode: proxy, internal_host: 10.0.0.7}", ("10.0.0.7", 3000)),
        ("relay: {host: 10.0.0.7, mode: proxy, internal_port: 3001}", ("10.0.0.7", 3001)),
        ("relay: {mode: proxy, internal_host: 0.0.0.0, internal_port: 3001}", ("0.0.0.0", 3001)),
    ],
)
def test_a_missing_half_is_the_main_listeners(
    load_text: LoadText, text: str, address: tuple[str | None, int | None]
) -> None:
    relay = load_text(text).settings.relay
    assert (relay.internal_host, relay.internal_port) == address


def test_where_the_other_half_comes_from_is_told(load_text: LoadText) -> None:
    assert load_text("relay: {internal_port: 3001}").origins["relay.internal_host"] == "`relay.host`"
    assert load_text("relay: {mode: proxy, internal_host: 10.0.0.7}").origins["relay.internal_port"] == "`relay.port`"


@pytest.mark.parametrize(
    "text",
    [
        "{internal_port: 3000}",
        "{internal_host: 127.0.0.1}",
        "{mode: proxy, internal_host: 0.0.0.0, internal_port: 3000}",
        "{host: '::', internal_host: '::1', mode: proxy}",
        "{host: 0.0.0.0, mode: proxy, internal_host: 10.0.0.7, internal_port: 3000}",
    ],
)
def test_operations_20_two_listeners_on_one_address_are_refused(load_text: LoadText, text: str) -> None:
    with pytest.raises(ConfigError, match=r"the internal listener has the address of the main one, .*:3000") as caught:
        load_text(f"relay: {text}")
    assert caught.value.path == "relay.internal_port"


@pytest.mark.parametrize(
    "text",
    [
        "{mode: proxy, internal_host: 10.0.0.7, internal_port: 3000}",
        "{internal_host: '::1', internal_port: 3000}",
        "{mode: proxy, internal_host: '::', internal_port: 3000}",
        "{port: 0, internal_port: 0}",
    ],
)
def test_addresses_that_differ_may_share_a_port(load_text: LoadText, text: str) -> None:
    assert load_text(f"relay: {text}").settings.relay.internal_port is not None


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("tls: {cert: a.pem}", "tls.key", "TLS needs both"),
        ("tls: {key: a.pem}", "tls.cert", "TLS needs both"),
        ("tls: {client_ca: a.pem}", "tls.client_ca", "there is no `tls.cert`"),
        ("tls: {internal: true}", "tls.internal", "there is no `tls.cert`"),
        ("tls: {cert: a.pem, key: b.pem, min_version: '1.1'}", "tls.min_version", r"1\.2, 1\.3"),
        (f"relay: {{unix_socket: /{'x' * 107}}}", "relay.unix_socket", "longer than a socket's may be, 107 bytes"),
    ],
)
def test_what_does_not_go_together_is_refused(load_text: LoadText, text: str, key: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        load_text(text)
    assert caught.value.path == key


def test_what_goes_together(load_text: LoadText) -> None:
    text = "tls: {cert: a.pem, key: b.pem, client_ca: c.pem, min_version: 1.3, internal: true}"
    tls = load_text(text).settings.tls
    assert (tls.cert, tls.key, tls.client_ca, tls.min_version, tls.internal) == ("a.pem", "b.pem", "c.pem", "1.3", True)
    assert load_text(f"relay: {{unix_socket: /{'x' * 106}}}").settings.relay.unix_socket is not None


def test_who_captures_needs_a_token_where_the_page_answers(load_text: LoadText) -> None:
    text = "relay: {internal_host: 0.0.0.0, internal_port: 3001}"
    with pytest.raises(ConfigError, match=r"it needs `capture\.token`") as caught:
        load_text(text)
    assert caught.value.path == "relay.internal_host"
    assert load_text(f"{text}\ncapture: {{token: t}}").settings.relay.admin_host == "0.0.0.0"
    inside = "relay: {host: 0.0.0.0, internal_host: 127.0.0.1, internal_port: 3001}"
    assert load_text(inside).settings.relay.admin_host == "127.0.0.1"
