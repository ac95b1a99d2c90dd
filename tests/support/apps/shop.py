"""The part of the sample shop that both web frameworks share: an SDK, and a checkout that fails in a realistic way.

Owns which SDK is used (`SHOP_SDK`: `sentry` or `raven`) and everything told to it about the user. All personal data comes
from the request; none stands in this file.
"""

import os
from collections.abc import Mapping
from typing import Any

DSN = os.environ["SHOP_DSN"]
WITH_RAVEN = os.environ["SHOP_SDK"] == "raven"

if WITH_RAVEN:
    import raven
    from raven.transport.http import HTTPTransport

    client = raven.Client(DSN, release="shop@1.4.2", environment="e2e", transport=HTTPTransport)
else:
    import sentry_sdk

    sentry_sdk.init(DSN, release="shop@1.4.2", environment="e2e", send_default_pii=True, traces_sample_rate=1.0)


class PaymentError(Exception):
    """The gateway refused."""


def checkout(order: Mapping[str, Any]) -> None:
    """Tell the SDK about the user, then fail."""
    user = {"id": "u-7", "email": order["customer"], "ip_address": order["address"]}
    trail = f"login of {order['customer']} from {order['address']} with Authorization: Bearer {order['token']}"
    details = {
        "authorization": f"Bearer {order['token']}",
        "gateway": f"https://shop:{order['password']}@pay.example/v2",
    }
    extra = {
        "card_number": order["card"],
        "password": order["password"],
        "note": f"{order['customer']} typed {order['card_as_typed']}",
    }
    tags = {"customer": order["customer"], "client": order["address"], "plan": "gold"}
    if WITH_RAVEN:
        client.context.activate()
        client.user_context(user)
        client.tags_context(tags)
        client.extra_context(extra)
        client.captureBreadcrumb(message=trail, category="auth", data=details)
    else:
        sentry_sdk.set_user(user)
        for name, value in tags.items():
            sentry_sdk.set_tag(name, value)
        for name, value in extra.items():
            sentry_sdk.set_extra(name, value)
        sentry_sdk.set_context("payment", extra)
        sentry_sdk.add_breadcrumb(message=trail, category="auth", data=details)
    charge(order)


def charge(order: Mapping[str, Any]) -> None:
    """Refuse the payment; the text of the error holds what such texts hold in practice."""
    gateway = f"https://shop:{order['password']}@pay.example/v2"
    raise PaymentError(
        f"card {order['card']} of {order['customer']} refused for {order['address']}: "
        f"401 from {gateway}, sent Bearer {order['token']}"
    )


def report_to_raven(http: Mapping[str, Any]) -> None:
    """Send the exception in flight with the request it belongs to, as raven's integrations do."""
    client.http_context(dict(http))
    client.captureException()


def flush() -> None:
    """Return when everything captured so far was sent or given up. Raven, with this transport, never has a rest."""
    if not WITH_RAVEN:
        sentry_sdk.flush(timeout=10)
