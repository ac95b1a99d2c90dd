"""What a supervisor is told, and what a change of it asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scrubjay.runtime.quota_sharing.service import Sharing
from scrubjay.runtime.supervision.orders import Changes, Orders

DIGESTS = {"relay.mode": "1", "relay.port": "1", "relay.workers": "1", "http.proxy": "1", "spool.envelopes.path": "1"}
ORDERS = Orders("static", "::1", 3000, 4, "/run", digests=DIGESTS, sharing=Sharing(redis="redis://h"), problems=("x",))


def test_orders_survive_the_way() -> None:
    assert Orders.load(ORDERS.dump()) == ORDERS


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"problems": [], "sharing": {}, "mode": "static"}', "null"])
def test_what_nobody_wrote_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Orders.load(text)


@pytest.mark.parametrize(
    ("newer", "changes"),
    [
        (ORDERS, Changes()),
        (replace(ORDERS, log_level="debug", shutdown_timeout_s=1), Changes()),
        (replace(ORDERS, digests={**DIGESTS, "http.proxy": "2"}), Changes(replacing=("http.proxy",))),
        (
            replace(ORDERS, port=1, workers=2, digests={**DIGESTS, "relay.port": "2", "relay.workers": "2"}),
            Changes(pinned=("relay.port", "relay.workers")),
        ),
        (replace(ORDERS, mode="proxy", digests={**DIGESTS, "relay.mode": "2"}), Changes(mode=True)),
        (replace(ORDERS, digests={**DIGESTS, "new.key": "1"}), Changes(replacing=("new.key",))),
    ],
)
def test_what_changed(newer: Orders, changes: Changes) -> None:
    assert ORDERS.changes(newer) == changes
