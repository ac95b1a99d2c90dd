"""Keys and DSNs (ingest.md 3)."""

import base64

import pytest
from multidict import CIMultiDict

from scrubjay import reasons
from scrubjay.core.dsn import (
    Auth,
    Dsn,
    auth_from_envelope,
    auth_of_relay,
    check_envelope,
    client_name,
    normal_origin,
    parse_dsn,
    parse_project_id,
    read_auth,
)
from scrubjay.errors import BadRequest, Denied, Rejected

K = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
K2 = "f" * 32
AUTH = f"Sentry sentry_key={K}, sentry_version=7, sentry_client=demo/1.0"


def auth(query: str = "", path_key: str | None = None, **headers: str) -> Auth | None:
    return read_auth(CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}), query, path_key)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


FOUND = {
    "header": ({"x_sentry_auth": AUTH}, "", Auth(K, 7, "demo/1.0", source="header")),
    "ingest-18 scheme in any case": ({"x_sentry_auth": f"sEnTrY sentry_key={K}"}, "", Auth(K, source="header")),
    "ingest-19 authorization": ({"authorization": AUTH}, "", Auth(K, 7, "demo/1.0", source="authorization")),
    "ingest-20 basic": ({"authorization": basic(f"{K}:")}, "", Auth(K, source="basic")),
    "basic ignores the password": ({"authorization": basic(f"{K}:secret")}, "", Auth(K, source="basic")),
    "ingest-21 bearer beside a header": (
        {"authorization": "Bearer x", "x_sentry_auth": AUTH},
        "",
        Auth(K, 7, "demo/1.0"),
    ),
    "ingest-23 query": (
        {},
        f"sentry_key={K}&sentry_version=7&sentry_client=sentry.javascript.browser%2F9.1.0",
        Auth(K, 7, "sentry.javascript.browser/9.1.0", source="query"),
    ),
    "ingest-24 version with a minor": ({"x_sentry_auth": f"Sentry sentry_key={K},sentry_version=7.1"}, "", Auth(K)),
    "version 0": ({"x_sentry_auth": f"Sentry sentry_key={K},sentry_version=0"}, "", Auth(K, 0)),
    "ingest-25 no hex": ({"x_sentry_auth": f"Sentry sentry_key={'z' * 32}"}, "", Auth("z" * 32)),
    "ingest-25 no-cache": ({"x_sentry_auth": f"Sentry sentry_key={K}.no-cache"}, "", Auth(K, no_cache=True)),
    "other flags": ({"x_sentry_auth": f"Sentry sentry_key={K}.x"}, "", Auth(K)),
    "ingest-22 other parameters": ({"x_sentry_auth": AUTH}, "x=1", Auth(K, 7, "demo/1.0")),
    "last of several wins": ({"x_sentry_auth": f"Sentry sentry_key={K2},sentry_key={K}"}, "", Auth(K)),
    "value ends at the second equals sign": ({"x_sentry_auth": f"Sentry sentry_key={K}=x"}, "", Auth(K)),
    "unknown names and pieces": ({"x_sentry_auth": f"Sentry a, b=c, sentry_key={K}"}, "", Auth(K)),
    "ingest-31 secret and timestamp": (
        {"x_sentry_auth": f"Sentry sentry_key={K}, sentry_secret=abc, sentry_timestamp=1.5"},
        "",
        Auth(K),
    ),
    "M8 no scheme word": ({"x_sentry_auth": f"sentry_key={K}"}, "", None),
    "ingest-26 empty": ({"x_sentry_auth": ""}, "", None),
    "not visible ASCII": ({"x_sentry_auth": f"Sentry sentry_key={K},sentry_client=ü"}, "", None),
    "ingest-20 basic without a colon": ({"authorization": basic(K)}, "", None),
    "basic without a user": ({"authorization": basic(":x")}, "", None),
    "basic that is no base64": ({"authorization": "Basic ??"}, "", None),
    "basic that is no UTF-8": ({"authorization": "Basic " + base64.b64encode(b"\xff:").decode()}, "", None),
    "basic in the wrong header": ({"x_sentry_auth": basic(f"{K}:")}, "", None),
    "encoded name": ({}, f"sentry%5Fkey={K}", None),
    "none": ({}, "", None),
}


@pytest.mark.parametrize(("headers", "query", "expected"), FOUND.values(), ids=FOUND.keys())
def test_key_is_found(headers: dict[str, str], query: str, expected: Auth | None) -> None:
    assert auth(query, **headers) == expected


def test_key_in_the_path() -> None:
    assert auth(path_key=K) == Auth(K, source="path")


REFUSED = {
    "M3 ingest-22 header and query": ({"x_sentry_auth": AUTH}, f"sentry_key={K}", reasons.AUTH_MULTIPLE),
    "ingest-22 any parameter of that name": ({"x_sentry_auth": AUTH}, "sentry_release=1", reasons.AUTH_MULTIPLE),
    "basic of a proxy and query": ({"authorization": basic("a:b")}, f"sentry_key={K}", reasons.AUTH_MULTIPLE),
    "two headers": ({"x_sentry_auth": AUTH, "authorization": AUTH}, "", reasons.AUTH_MULTIPLE),
    "M4 no key": ({"x_sentry_auth": "Sentry sentry_version=7"}, "", reasons.AUTH_HEADER),
    "ingest-17 names are case-sensitive": ({"x_sentry_auth": f"sentry SENTRY_KEY={K}"}, "", reasons.AUTH_HEADER),
    "query without key": ({}, "sentry_release=1", reasons.AUTH_HEADER),
    "M5 ingest-24 version": ({"x_sentry_auth": f"Sentry sentry_key={K},sentry_version=x"}, "", reasons.AUTH_HEADER),
    "empty version": ({"x_sentry_auth": f"Sentry sentry_key={K},sentry_version="}, "", reasons.AUTH_HEADER),
    "M6 version 8": ({"x_sentry_auth": f"Sentry sentry_key={K},sentry_version=8"}, "", reasons.AUTH_VERSION),
    "M7 31": ({"x_sentry_auth": f"Sentry sentry_key={K[1:]}"}, "", reasons.AUTH_KEY),
    "M7 33": ({"x_sentry_auth": f"Sentry sentry_key={K}0"}, "", reasons.AUTH_KEY),
    "ingest-25 short": ({"x_sentry_auth": "Sentry sentry_key=short"}, "", reasons.AUTH_KEY),
    "only a flag": ({"x_sentry_auth": "Sentry sentry_key=.no-cache"}, "", reasons.AUTH_KEY),
    "line break in the query's key": ({}, f"sentry_key={K[2:]}%0d%0a", reasons.AUTH_KEY),
    "comma in the query's key": ({}, f"sentry_key={K[1:]}%2C", reasons.AUTH_KEY),
    "no ASCII": ({}, f"sentry_key={K[1:]}%C3%BC", reasons.AUTH_KEY),
}


@pytest.mark.parametrize(("headers", "query", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_key_is_refused(headers: dict[str, str], query: str, reason: reasons.Reason) -> None:
    with pytest.raises(Rejected) as caught:
        auth(query, **headers)
    assert caught.value.reason is reason


def test_path_key_and_query_are_two() -> None:
    with pytest.raises(Denied):
        auth("sentry_x=1", path_key=K)


def test_client_cannot_smuggle_a_second_key() -> None:
    found = auth(f"sentry_key={K}&sentry_client=a%2C%20sentry_key%3D{K2}")
    assert found is not None
    assert found.client == "a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/1", "a/1"),
        (" a/1 ", "a/1"),
        ("a\r\nX: y", "a"),
        ("", None),
        (",", None),
        (3, None),
        (None, None),
        ("日本/1", "日本/1"),
    ],
)
def test_client_name(text: object, expected: str | None) -> None:
    assert client_name(text) == expected


DSNS = {
    f"http://{K}@relay.local/7": Dsn("http", K, "relay.local", None, "", 7),
    f"HTTPS://{K}:secret@relay.local:3000/a/b/7": Dsn("https", K, "relay.local", 3000, "/a/b", 7),
    f"https://{K}:@[::1]:9/0": Dsn("https", K, "[::1]", 9, "", 0),
    f"https://{K}@h/18446744073709551615": Dsn("https", K, "h", None, "", 2**64 - 1),
}


@pytest.mark.parametrize(("text", "expected"), DSNS.items())
def test_dsn(text: str, expected: Dsn) -> None:
    assert parse_dsn(text) == expected
    assert parse_dsn(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        f"ftp://{K}@h/7",
        f"http://{K}@h",
        f"http://{K}@h/",
        f"http://{K}@h/7/",
        f"http://{K}@h/x",
        f"http://{K}@h/18446744073709551616",
        f"http://{K}@/7",
        f"http://{K}@h:x/7",
        f"http://{K}@h/7?x",
        "http://short@h/7",
        "http://h/7",
        f"http://{K}@h/{'a/' * 5000}7",
    ],
)
def test_dsn_that_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        parse_dsn(text)


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("007", 7), ("0", 0), ("18446744073709551615", 2**64 - 1)])
def test_project_id(text: str, number: int) -> None:
    assert parse_project_id(text) == number


@pytest.mark.parametrize("text", ["", "abc", "-1", "+7", "7.0", "18446744073709551616", "٧", "9" * 5000])
def test_project_id_that_is_none(text: str) -> None:
    """M9, ingest-32"""
    with pytest.raises(BadRequest) as caught:
        parse_project_id(text)
    assert caught.value.reason is reasons.BAD_PROJECT
    assert caught.value.causes


def test_auth_from_the_envelope() -> None:
    """ingest-27"""
    assert auth_from_envelope({"dsn": f"http://{K}@relay.local/7"}) == (Auth(K, source="envelope"), 7)


@pytest.mark.parametrize("headers", [{}, {"dsn": None}, {"dsn": 7}, {"dsn": "nonsense"}])
def test_auth_from_an_envelope_without(headers: dict[str, object]) -> None:
    """M1, ingest-29"""
    with pytest.raises(Denied) as caught:
        auth_from_envelope(headers)
    assert caught.value.reason is reasons.AUTH_ENVELOPE
    assert caught.value.causes


ORIGIN = "https://shop.example/"
CONTRADICTIONS = {
    "M21 ingest-30 project": ({"dsn": f"http://{K}@h/8"}, None, "header"),
    "M22 ingest-30 key": ({"dsn": f"http://{K2}@h/7"}, None, "header"),
    "unparsable": ({"dsn": "nonsense"}, None, "header"),
    "no text": ({"dsn": 7}, None, "query"),
    "M23 origin": ({"origin": "https://other.example/"}, ORIGIN, "header"),
    "origin, and the request has none": ({"origin": ORIGIN}, None, "header"),
    "origin, authenticated by the envelope": ({"origin": "https://other.example/"}, ORIGIN, "envelope"),
    "origin of a wrong type": ({"origin": 7}, ORIGIN, "header"),
}
AGREEMENTS = {
    "ingest-30 host": ({"dsn": f"http://{K}:secret@other/7"}, None, "header"),
    "envelope's own dsn": ({"dsn": f"http://{K2}@h/8"}, None, "envelope"),
    "origin in another spelling": ({"origin": "https://SHOP.example:443"}, ORIGIN, "header"),
    "origin, request without, authenticated by the envelope": ({"origin": ORIGIN}, None, "envelope"),
    "nothing": ({"dsn": None, "origin": None}, ORIGIN, "header"),
}


@pytest.mark.parametrize(("headers", "origin", "source"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_envelope_contradicts_the_request(headers: dict[str, object], origin: str | None, source: str) -> None:
    with pytest.raises(BadRequest) as caught:
        check_envelope(Auth(K, source=source), 7, headers, origin)
    assert caught.value.reason is reasons.INVALID_ENVELOPE
    assert caught.value.causes


@pytest.mark.parametrize(("headers", "origin", "source"), AGREEMENTS.values(), ids=AGREEMENTS.keys())
def test_envelope_agrees_with_the_request(headers: dict[str, object], origin: str | None, source: str) -> None:
    check_envelope(Auth(K, source=source), 7, headers, origin)


def test_project_is_not_compared_where_the_path_has_none() -> None:
    check_envelope(Auth(K), None, {"dsn": f"http://{K}@h/8"}, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://shop.example/cart", "https://shop.example/cart"),
        ("https://Shop.example", ORIGIN),
        ("http://shop.example:80/?a=1#b", "http://shop.example/?a=1#b"),
        ("http://shop.example:8080", "http://shop.example:8080/"),
        ("http://[::1]:80", "http://[::1]/"),
        ("http://user:pw@shop.example", "http://shop.example/"),
        (None, None),
        ("", None),
        ("null", None),
        ("ftp://x/", None),
        ("https://", None),
        ("https://x:99999", None),
        ("https://[", None),
        ("https://ü/", None),
        ("https://x/\x7f", None),
        ("https://x/" + "a" * 9000, None),
    ],
)
def test_origin(text: str | None, expected: str | None) -> None:
    assert normal_origin(text) == expected


def test_the_key_that_a_relay_before_us_was_asked_with() -> None:
    assert auth_of_relay(K, None, None) == Auth(K)
    assert auth_of_relay(K, 5, "sdk/1,x") == Auth(K, 5, "sdk/1")
    for version in ("7", 8, -1):
        with pytest.raises(BadRequest) as caught:
            auth_of_relay(K, version, None)
        assert caught.value.reason is reasons.AUTH_VERSION
    for key in ("", "a,b", "x" * 31, "ü" * 32):
        with pytest.raises(BadRequest) as caught:
            auth_of_relay(key, 7, None)
        assert caught.value.reason is reasons.AUTH_KEY


@pytest.mark.parametrize("padding", [0, 2_000], ids=["usual", "longer than any SDK's"])
def test_the_same_header_is_read_alike_each_time(padding):
    value = f"{AUTH}, padding={'x' * padding}"
    assert auth(x_sentry_auth=value) == auth(x_sentry_auth=value) == Auth(K, 7, "demo/1.0")
    assert auth(authorization=value) == Auth(K, 7, "demo/1.0", source="authorization")
    for _ in range(2):
        with pytest.raises(BadRequest):
            auth(x_sentry_auth=value.replace("version=7", "version=8"))
