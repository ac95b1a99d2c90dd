"""What leaves when a checkout fails: one error, with what helps and without what is nobody's business."""

import pytest
import shop


def test_checkout_reports_the_error(sentry_capture, order):
    shop.checkout(order)
    event = sentry_capture.one(type="error", exception="PaymentRefused", tags={"area": "cart"})
    assert event.title == "PaymentRefused: the bank of [email] refused"
    assert event.environment == "test"
    assert event.user["id"] == "7"


def test_no_personal_data_leaves(sentry_capture, order):
    shop.checkout(order)
    event = sentry_capture.one(type="error")
    assert event.scrubbed("/contexts/order/card").rule.startswith("@creditcard")
    assert event.at("/contexts/order/number") == "42"
    sentry_capture.assert_clean()
    sentry_capture.expect({"type": "*"}, absent="ana@lab.example")


def test_checkout_is_traced(sentry_capture, order):
    shop.checkout(order)
    transaction = sentry_capture.one(type="transaction", transaction="checkout")
    trace = sentry_capture.trace(transaction.trace_id)
    assert trace.span(op="db").description == "INSERT INTO orders"


@pytest.mark.sentry_rules("rules.yml")
def test_rules_before_they_go_into_production(sentry_capture, order):
    shop.checkout(order)
    event = sentry_capture.one(type="error")
    assert event.at("/contexts/order/number") == "[order]"


def test_a_tracker_that_is_down_does_not_stop_the_shop(sentry_capture, order):
    sentry_capture.faults({"action": "status", "code": 503})
    shop.checkout(order)
    sentry_capture.none()


def test_nothing_is_reported_where_nothing_happened(sentry_capture, order):
    sentry_capture.none(type="error")
