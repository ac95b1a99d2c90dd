"""Which proxy leads to the upstream (upstream-and-operations 6.9)."""

import pytest

from scrubjay.runtime.forwarding.http_client import Origin
from scrubjay.runtime.forwarding.proxies import proxy_for

PROXY = "http://proxy.example:3128"
CENTRAL = Origin("https", "sentry.example", 443)


def test_a_configured_proxy_wins_even_on_loopback():
    proxy = proxy_for(Origin("http", "127.0.0.1", 80), PROXY, {"NO_PROXY": "*"})
    assert proxy is not None
    assert str(proxy.origin) == PROXY


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_upstream_73_the_environment_names_it(name):
    proxy = proxy_for(CENTRAL, None, {name: PROXY})
    assert proxy is not None
    assert proxy.origin == Origin("http", "proxy.example", 3128)


def test_the_variable_of_the_other_scheme_does_not_count():
    assert proxy_for(CENTRAL, None, {"http_proxy": PROXY}) is None
    assert proxy_for(Origin("http", "sentry.example", 80), None, {"http_proxy": PROXY}) is not None


@pytest.mark.parametrize("no_proxy", ["sentry.example", "x, .example", "*", "SENTRY.EXAMPLE:443", "example"])
def test_upstream_73_exceptions_are_respected(no_proxy):
    assert proxy_for(CENTRAL, None, {"https_proxy": PROXY, "no_proxy": no_proxy}) is None


@pytest.mark.parametrize("no_proxy", ["", "other.example", "sentry.example:8443", "try.example", ","])
def test_other_exceptions_do_not_matter(no_proxy):
    assert proxy_for(CENTRAL, None, {"https_proxy": PROXY, "NO_PROXY": no_proxy}) is not None


@pytest.mark.parametrize(
    ("host", "no_proxy", "excepted"),
    [
        ("192.0.2.7", "192.0.2.0/24", True),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.7:443", True),
        ("192.0.2.7", "192.0.2.7:80", False),
        ("192.0.2.7", "198.51.100.0/24, x", False),
        ("192.0.2.7", "2", False),
        ("192.0.2.7", "*", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db8::1", "2001:db8::1", True),
        ("2001:db8::1", "[2001:db8::1]:443", True),
        ("2001:db8::1", "[2001:db8::1]:80", False),
        ("2001:db8::1", "192.0.2.0/24", False),
    ],
)
def test_operations_73_addresses_may_be_excepted_by_network(host: str, no_proxy: str, excepted: bool) -> None:
    proxy = proxy_for(Origin("https", host, 443), None, {"https_proxy": PROXY, "no_proxy": no_proxy})
    assert (proxy is None) is excepted


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "web.svc", "sentry.default.svc.cluster.local"])
def test_what_is_near_is_asked_directly(host):
    assert proxy_for(Origin("https", host, 443), None, {"https_proxy": PROXY}) is None


def test_credentials_become_a_header():
    proxy = proxy_for(CENTRAL, "http://jo%40x:p%3Aw@proxy.example:3128", {})
    assert proxy is not None
    assert proxy.header() == "Proxy-Authorization: Basic am9AeDpwOnc=\r\n"
    assert proxy.origin.host == "proxy.example"


def test_a_proxy_needs_no_scheme():
    proxy = proxy_for(CENTRAL, "proxy.example:3128", {})
    assert proxy is not None
    assert (str(proxy.origin), proxy.header()) == (PROXY, "")
