"""Filter `ignoreTransactions` (`decisions.md` 7.9)."""

import pytest

from scrubjay.core.filters.compile import compile_filters
from support.filtering import compiled, container, record, why, why_event
from support.items import make_item

FALLS = "filtered-transaction"


def by_name(*patterns: str):
    return compiled(ignoreTransactions={"isEnabled": True, "patterns": list(patterns)})


@pytest.mark.parametrize(
    ("item_type", "event", "reason"),
    [
        ("transaction", {"transaction": "/api/health/"}, FALLS),
        ("transaction", {"transaction": "/API/Health"}, FALLS),
        ("transaction", {"transaction": "/api/health/db"}, None),
        ("transaction", {"transaction": "/api/healthy"}, None),
        ("event", {"transaction": "/api/health/"}, None),
        ("event", {"transaction": "/api/health/", "type": "error"}, None),
        ("event", {"transaction": "/api/health/", "type": "transaction"}, FALLS),
        ("feedback", {"transaction": "/api/health/"}, None),
        ("transaction", {"transaction": None}, None),
        ("transaction", {"transaction": 5}, None),
        ("transaction", {}, None),
        ("transaction", b"junk", None),
        ("profile", {"transaction": "/api/health/"}, None),
    ],
)
def test_names_decisions_109(item_type: str, event: object, reason: str | None) -> None:
    assert why_event(by_name("*/health{/,}"), event, item_type) == reason


@pytest.mark.parametrize("item_type", ["log", "span", "trace_metric"])
def test_records_of_a_transaction(item_type: str) -> None:
    filters = by_name("*/health")
    assert why(filters, container(item_type, record(sentry__segment__name="/api/health"))) == FALLS
    assert why(filters, container(item_type, record(sentry__segment__name="/api"))) is None
    assert why(filters, container(item_type, record(transaction="/api/health"))) is None


def test_a_single_span() -> None:
    assert why(by_name("*/health"), make_item("span", {"data": {"sentry.segment.name": "/api/health"}})) == FALLS


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/health", FALLS),
        ("GET /v1/health/", FALLS),
        ("myHealthCheckTask", FALLS),
        ("send-heartbeat", FALLS),
        ("/healthz", FALLS),
        ("/livez", FALLS),
        ("/app/readyz", FALLS),
        ("/ping", FALLS),
        ("/up", FALLS),
        ("/actuator/health", FALLS),
        ("/actuator/health/liveness", FALLS),
        ("/healthz/x", None),
        ("/shipping", None),
        ("/signup", None),
        ("/actuator/healthy", None),
        ("/cart", None),
    ],
)
def test_the_preset_of_health_checks(name: str, reason: str | None) -> None:
    filters = compiled(ignoreTransactions={"isEnabled": True, "preset": "healthchecks"})
    assert why_event(filters, {"transaction": name}, "transaction") == reason


def test_a_preset_beside_patterns() -> None:
    filters = compiled(ignoreTransactions={"isEnabled": True, "preset": "healthchecks", "patterns": ["/cart"]})
    assert why_event(filters, {"transaction": "/cart"}, "transaction") == FALLS
    assert why_event(filters, {"transaction": "/ping"}, "transaction") == FALLS


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"patterns": ["*"]}, None),
        ({"patterns": ["*"], "isEnabled": False}, None),
        ({"patterns": [], "isEnabled": True}, None),
        ({"isEnabled": True}, "`patterns` must be a list of texts"),
        ({"isEnabled": True, "preset": "breaks"}, "`preset` must be one of healthchecks"),
        ({"isEnabled": True, "preset": 5, "patterns": ["*"]}, "`preset` must be one of healthchecks"),
        ({"isEnabled": 1, "patterns": ["*"]}, "`isEnabled` must be true or false"),
    ],
)
def test_nothing_to_run(options: dict[str, object], problem: str | None) -> None:
    problems = [] if problem is None else [f"filterSettings.ignoreTransactions is disabled: {problem}"]
    assert compile_filters({"ignoreTransactions": options}) == (None, problems)
