"""The relays that an envelope came through, on its way through the path (upstream-and-operations 6.1)."""

from __future__ import annotations

import pytest

from scrubjay import reasons
from scrubjay.core.plan import pass_plan
from scrubjay.errors import Rejected
from scrubjay.settings.schema import Settings
from support.path import Path, Plans, envelope

BODY = envelope(("event", '{"message":"x"}'))


def relay(name: str) -> Path:
    return Path(None, plans=Plans({"*": pass_plan(Settings())}), instance=name)


@pytest.mark.parametrize(
    ("via", "name", "told"),
    [(None, "us", "us"), ("a, b", "us", "a, b, us"), (None, "", None), ("a", "", "a")],
)
def test_a_parcel_knows_its_way(via: str | None, name: str, told: str | None) -> None:
    path = relay(name)
    assert path.send(BODY, via=via).status == 200
    assert path.shelf.parcels[0].via == told


@pytest.mark.parametrize("via", ["us", "a, us, b", ", ".join("abcdefgh")])
def test_operations_74_what_comes_round_ends_here(via: str) -> None:
    path = relay("us")
    with pytest.raises(Rejected) as caught:
        path.send(BODY, via=via)
    assert (caught.value.reason, caught.value.status) == (reasons.LOOP, 508)
    assert path.shelf.parcels == []
    assert path.closes()
