"""One upstream or several (upstream-and-operations 6.10)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.fields import FIELDS
from scrubjay.settings.load import Loaded
from scrubjay.settings.scalars import show

LoadText = Callable[..., Loaded]
LIST = ("https://a/", "http://[::1]:9000/")


@pytest.mark.parametrize(
    ("text", "env", "upstreams"),
    [
        ("relay: {upstream: 'https://a'}", {}, ("https://a/",)),
        ("relay: {upstream: ['https://a', 'http://[::1]:9000']}", {}, LIST),
        ("relay: {upstream: ['${ONE}', 'http://[::1]:9000']}", {"ONE": "https://a"}, LIST),
        ("", {"RELAY_UPSTREAM_URL": "https://a, http://[::1]:9000"}, LIST),
        ("", {"SCRUBJAY__RELAY__UPSTREAM": "[https://a, http://[::1]:9000]"}, LIST),
        ("", {"RELAY_UPSTREAM_URL": "http://[::1]"}, ("http://[::1]/",)),
        ("", {}, ()),
    ],
)
def test_one_or_several(load_text: LoadText, text: str, env: dict[str, str], upstreams: tuple[str, ...]) -> None:
    loaded = load_text(text, env)
    assert loaded.settings.relay.upstreams == upstreams
    assert loaded.settings.relay.mode == ("static" if upstreams else "capture")


def test_a_list_is_shown_as_one(load_text: LoadText) -> None:
    settings = load_text("relay: {upstream: ['https://a', 'https://b']}").settings
    assert show(settings.relay.upstream, FIELDS["relay.upstream"]) == "[https://a/, https://b/]"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("relay: {upstream: []}", "the list is empty, or names a server twice"),
        ("relay: {upstream: ['https://a', 'https://a:443/']}", "the list is empty, or names a server twice"),
        ("relay: {upstream: ['https://a', 'ftp://b']}", "unknown scheme"),
        ("relay: {upstream: ['https://a', 'http://localhost:3000']}", "this relay's own address"),
        ("relay: {host: ['127.0.0.1']}", "wrong form"),
        ("relay: {trusted_proxies: 10.0.0.1}", "wrong form"),
    ],
)
def test_what_cannot_be_meant(load_text: LoadText, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(text)
    assert problem in caught.value.problem
