"""Spike protection on the path: after sampling, before quotas; what is urgent still passes (`decisions.md` 9.2)."""

from __future__ import annotations

import json

from scrubjay.core.limits import Scoping
from scrubjay.core.spikes import SpikeGuard
from support.path import KEY, Path

PROJECT = "config: {scrubjay: {spike_protection: {floor: 10}}}"
BEGIN = 1_767_607_200.0
HOUR = 3600.0


def body(number: int, **event: object) -> bytes:
    header = json.dumps({"event_id": f"{number:032x}"}).encode()
    return b"\n".join([header, b'{"type":"event"}', json.dumps({"message": "same", **event}).encode()])


def path_of_an_old_project() -> Path:
    """A relay that has watched a project for more than a day."""
    path = Path(PROJECT, spikes=SpikeGuard(now_unix=BEGIN))
    for hour in range(26):
        path.send(body(hour), received_unix=BEGIN + hour * HOUR)
    path.shelf.parcels.clear()
    path.account.bookings.clear()
    return path


def test_decisions_118_beyond_the_limit_of_the_hour_items_are_refused() -> None:
    path = path_of_an_old_project()
    now = BEGIN + 26 * HOUR + 60
    statuses = [path.send(body(number), received_unix=now).status for number in range(15)]
    assert statuses == [200] * 10 + [429] * 5
    assert set(path.account.lost()) == {("event", "spike_protection", "spike_protection")}
    verdict = path.send(body(99), received_unix=now)
    assert verdict.rate_limits == "300:error:project:spike_protection"
    assert path.send(body(100), received_unix=now + HOUR).status == 200
    assert not path.ports.limits.active(Scoping(KEY, 7), 1000.0)


def test_what_is_new_or_fatal_passes_a_little_longer() -> None:
    path = path_of_an_old_project()
    now = BEGIN + 26 * HOUR + 60
    for number in range(10):
        path.send(body(number), received_unix=now)
    assert path.send(body(20), received_unix=now).status == 429
    assert path.send(body(21, level="fatal"), received_unix=now).status == 200
    assert path.send(body(22, level="fatal"), received_unix=now).status == 429


def test_others_are_not_watched() -> None:
    path = Path("config: {scrubjay: {spike_protection: {enabled: false}}}")
    assert path.send(body(1)).status == 200
    assert not path.ports.spikes
