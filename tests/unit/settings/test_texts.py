"""What a text may look like."""

from __future__ import annotations

import pytest

from scrubjay.settings.fields import FIELDS
from scrubjay.settings.scalars import parse
from scrubjay.settings.setting import Secret
from scrubjay.settings.texts import FORMS, Unusable, parse_upstream, upstream_of_dsn, web_address


def test_every_form_is_that_of_some_setting() -> None:
    assert FORMS.keys() <= {row.note.unit for row in FIELDS.values()}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://h:443", "https://h/"),
        ("http://h:80/", "http://h/"),
        ("HTTPS://H.Example:8443/", "https://h.example:8443/"),
        ("http://[::1]:3000", "http://[::1]:3000/"),
        ("http://h:443", "http://h:443/"),
    ],
)
def test_operations_6_upstreams(text: str, shown: str) -> None:
    assert parse_upstream(text) == shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://h/x", "non-root"),
        ("https://h/?q=1", "non-root"),
        ("https://h/#f", "non-root"),
        ("ftp://h", "unknown scheme"),
        ("h", "bad URL"),
        ("http:h", "bad URL"),
        ("https://", "no host"),
        ("https://a b/", "no host"),
        ("https://h:port/", "bad URL"),
        ("https://u:p@h/", "user"),
    ],
)
def test_operations_6_no_upstreams(text: str, problem: str) -> None:
    with pytest.raises(Unusable, match=problem):
        parse_upstream(text)


def test_operations_11_upstream_of_a_dsn() -> None:
    assert upstream_of_dsn("https://k@h:8443/7") == "https://h:8443/"
    assert upstream_of_dsn("http://k:secret@h/prefix/7") == "http://h/"


@pytest.mark.parametrize("dsn", ["https://h/7", "https://k@h", "nonsense", ""])
def test_no_dsn(dsn: str) -> None:
    with pytest.raises(Unusable, match="no DSN"):
        upstream_of_dsn(dsn)


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        (
            "http.proxy",
            ["http://u:p@proxy:3128", "proxy.internal:3128", "https://proxy/"],
            ["socks5://p:1", "http://", "http://p/x", "p:port"],
        ),
        (
            "quotas.redis",
            ["redis://h", "rediss://u:p@h:1/0", "unix:///run/r.sock", "redis+sentinel://a:1,b:2/name", "redis:///0"],
            ["http://h", "h:6379", "redis+cluster:///0"],
        ),
        ("spool.envelopes.encryption_key", ["A" * 43 + "=", "-_" * 21 + "A"], ["x", "A" * 40, "ü" * 43]),
    ],
)
def test_secrets_whose_form_is_known(key: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert parse(text, FIELDS[key]) == Secret(text)
    for text in bad:
        with pytest.raises(Unusable):
            parse(text, FIELDS[key])


@pytest.mark.parametrize(
    ("text", "netloc"),
    [
        ("https://u:p@h:8443/x?y=1", "u:p@h:8443"),
        ("http://h", "h"),
        ("ftp://h/", None),
        ("https:///x", None),
        ("https://h:0/", None),
        ("https://h:port/", None),
        ("https://h/a b", None),
        ("https://h/\n", None),
        ("https://bücher.example/", None),
    ],
)
def test_addresses_that_a_client_can_send_to(text: str, netloc: str | None) -> None:
    parts = web_address(text)
    assert (None if parts is None else parts.netloc) == netloc


def test_versions_that_relays_tell_each_other() -> None:
    row = FIELDS["relay.advertised_version"]
    for text in ("26.10.0", "0.0.255", "25.1.0-dev.1"):
        assert parse(text, row) == text
    for text in ("26.10", "26.10.256", "v26.10.0", "26.10.0 ", "26.10.0-", ""):
        with pytest.raises(Unusable, match="no version"):
            parse(text, row)
