"""Filter `localhost` (`decisions.md` 7.4)."""

import pytest

from support.filtering import compiled, container, record, why
from support.items import make_item

FALLS = "localhost"
LOCALHOST = compiled(localhost={"isEnabled": True})


def page(url: object) -> dict[str, object]:
    return {"request": {"url": url}}


def sent_to(host: str, name: str = "Host") -> dict[str, object]:
    return {"request": {"url": "https://shop.example/", "headers": {name: host}}}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (page("http://api.localhost:8080/"), FALLS),
        (page("http://localhost"), FALLS),
        (page("HTTP://LocalHost/x?y"), FALLS),
        (page("https://127.0.0.1:3000/"), FALLS),
        (page("https://a.127.0.0.1/"), FALLS),
        (page("file:///x"), FALLS),
        (page("file:///home/me/localhost.html"), FALLS),
        (page("http://user@localhost/"), FALLS),
        (page("http://localhost.com/"), None),
        (page("http://foolocalhost/"), None),
        (page("http://shop.example/localhost"), None),
        (page("http://shop.example/?next=file:///x"), None),
        (page("http://127.0.0.1.nip.io/"), None),
        (page("http://127.0.0.10/"), None),
        (page("localhost:3000/"), None),
        (page("http://[localhost"), None),
        (page(5), None),
        (page(None), None),
        ({"request": "http://localhost"}, None),
        (sent_to("api.localhost"), None),
        (sent_to("localhost:3000"), FALLS),
        (sent_to("localhost"), FALLS),
        (sent_to("127.0.0.1", "x-forwarded-host"), FALLS),
        (sent_to("127.0.0.1:1:2", "X-Forwarded-Host"), FALLS),
        (sent_to("localhost", "Origin"), None),
        (sent_to("[::1]:3000"), None),
        ({"request": {"headers": [["host", "localhost"]]}}, FALLS),
        ({"sentry.interfaces.Http": {"url": "http://localhost"}}, FALLS),
        ({"user": {"ip_address": "127.0.0.1"}}, FALLS),
        ({"user": {"ip_address": "::1"}}, FALLS),
        ({"user": {"ip_address": "127.0.0.2"}}, None),
        ({"user": {"ip_address": "::2"}}, None),
        ({"user": {"ip_address": None}}, None),
        ({"user": "127.0.0.1"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("item_type", ["event", "transaction", "replay_event"])
def test_localhost_decisions_103(item_type: str, event: object, reason: str | None) -> None:
    assert why(LOCALHOST, make_item(item_type, event)) == reason


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"ip_address": "127.0.0.1"}, FALLS),
        ({"ip_address": "::1"}, FALLS),
        ({"ip_address": "10.0.0.1"}, None),
        ({"url": "http://localhost"}, None),
    ],
)
def test_of_sessions_only_the_address_counts(attributes: dict[str, str], reason: str | None) -> None:
    assert why(LOCALHOST, make_item("session", {"attrs": attributes})) == reason


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"sentry__is_localhost": True}, FALLS),
        ({"sentry__is_localhost": "true"}, None),
        ({"sentry__is_localhost": False, "client__address": "127.0.0.1"}, FALLS),
        ({"client__address": "127.0.0.2"}, None),
        ({"url__full": "http://localhost/"}, FALLS),
        ({"url__full": "http://shop.example/"}, None),
    ],
)
@pytest.mark.parametrize("item_type", ["log", "span", "trace_metric"])
def test_records(item_type: str, attributes: dict[str, object], reason: str | None) -> None:
    assert why(LOCALHOST, container(item_type, record(**attributes))) == reason


def test_a_report_is_of_its_page() -> None:
    report = {"csp-report": {"document-uri": "http://localhost:3000/"}}
    assert why(LOCALHOST, make_item("raw_security", report)) == FALLS


def test_the_client_s_address_does_not_count() -> None:
    assert why(LOCALHOST, make_item("event", {}), "127.0.0.1") is None
