"""The application: a shop whose checkout fails, and tells its error tracker more than it should."""

import logging

import sentry_sdk

log = logging.getLogger("shop")


class PaymentRefused(Exception):
    pass


def start() -> None:
    """As in production: the DSN comes from the environment variable SENTRY_DSN."""
    sentry_sdk.init(traces_sample_rate=1.0, environment="test", enable_logs=True)


def checkout(order: dict[str, str]) -> None:
    with sentry_sdk.start_transaction(op="task", name="checkout"):
        sentry_sdk.set_tag("area", "cart")
        sentry_sdk.set_user({"id": order["customer"], "email": order["email"]})
        sentry_sdk.set_context("order", {"number": "42", "card": order["card"]})
        with sentry_sdk.start_span(op="db", name="INSERT INTO orders"):
            pass
        try:
            raise PaymentRefused(f"the bank of {order['email']} refused")
        except PaymentRefused as error:
            sentry_sdk.capture_exception(error)
