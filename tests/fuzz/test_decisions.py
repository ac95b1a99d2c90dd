"""Whatever the rules and whatever the envelope: the path raises nothing but refusals, loses nothing unseen, lets nothing out unscrubbed,
and a rehearsal says what the real run does (decisions.md 0, 1, 3.5, 8.4, 9.5).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.explanation import Explanation, explain
from scrubjay.core.items import classify
from scrubjay.core.ledger import Parcel, total
from scrubjay.core.limits import Scoping, format_rate_limits, parse_rate_limits
from scrubjay.core.pipeline import process
from scrubjay.core.ports import Ingress, Verdict
from scrubjay.core.sampling.first_n import Occasions
from scrubjay.errors import Rejected
from scrubjay.settings.schema import Settings
from scrubjay.settings.scrub import Scrub
from support.path import KEY, Path, run_now
from support.random_envelopes import ADDRESS, random_envelope
from support.random_projects import random_path

ROUNDS = 250
SETTINGS = Settings(scrub=Scrub(profile="strict"))
NOW_MONO = 1000.0
BYTES = {DataCategory.ATTACHMENT, DataCategory.LOG_BYTE, DataCategory.TRACE_METRIC_BYTE}
LEARNT = "60:error:key:up, 300:session;replay:project, 1:transaction:organization:up, 20:metric_bucket:key::spans"


@pytest.mark.parametrize("part", range(4))
def test_any_envelope_under_any_rules(part: int) -> None:
    for number in range(part * ROUNDS, (part + 1) * ROUNDS):
        _check(Random(number), f"round {number}")


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_any_envelope_under_any_rules_long() -> None:
    for number in range(4 * ROUNDS, 30_000):
        _check(Random(number), f"round {number}")


def _check(random: Random, name: str) -> None:
    reports = ClientReports() if random.random() < 0.3 else None
    path = random_path(random, SETTINGS, reports=reports, new_id=lambda: "c0ffee00" * 4)
    if random.random() < 0.3:
        learnt = parse_rate_limits(random.sample(LEARNT.split(", "), 2), NOW_MONO)
        path.ports.limits.learn(Scoping(KEY, 7), learnt, NOW_MONO)
    for body in [random_envelope(random) for _ in range(3)]:
        # What is counted in windows begins anew in a rehearsal.
        path.ports = replace(path.ports, occasions=Occasions())
        before = repr(path.account), repr(path.ports.limits), repr(reports)
        told = run_now(explain(_ingress(body), path.ports))
        assert (repr(path.account), repr(path.ports.limits), repr(reports)) == before, name
        path.account.came.clear()
        path.account.bookings.clear()
        path.shelf.parcels.clear()
        _check_answer(_answer(path, body), told, name)
        assert path.closes(), name
        _check_ends(path, told, name)
        for parcel in path.shelf.parcels:
            assert told.kept == parcel.quantities, name
            _check_parcel(parcel, name)


def _answer(path: Path, body: bytes) -> Verdict | Rejected:
    try:
        return run_now(process(_ingress(body), path.ports))
    except Rejected as error:
        return error


def _ingress(body: bytes) -> Ingress:
    return Ingress(
        body=body,
        read=lambda body, auth: parse_envelope(body),
        auth=Auth(KEY, 7, "demo/1.0", False, "header"),
        path_project=7,
        received_unix=1_767_607_200.0,
        now_mono=NOW_MONO,
        forwarded_for="10.1.2.3, 192.0.2.9",
    )


def _check_answer(verdict: Verdict | Rejected, told: Explanation, name: str) -> None:
    assert told.status == verdict.status, name
    if isinstance(verdict, Rejected):
        assert told.reason == verdict.reason.code, name
        assert ADDRESS not in str(verdict), name
        return
    assert (told.retry_after_s, told.rate_limits) == (verdict.retry_after_s, verdict.rate_limits), name
    if verdict.status == 429:
        assert type(verdict.retry_after_s) is int, name
        assert verdict.retry_after_s > 0, name
    if verdict.rate_limits is not None:
        assert verdict.rate_limits.isascii(), name
        assert verdict.rate_limits.isprintable(), name
        again = format_rate_limits(parse_rate_limits(verdict.rate_limits, NOW_MONO), NOW_MONO)
        assert again is not None, name
        assert sorted(again[1].split(", ")) == sorted(verdict.rate_limits.split(", ")), name


def _check_ends(path: Path, told: Explanation, name: str) -> None:
    bookings = path.account.bookings
    assert all(amount >= 0 for booking in bookings for _, amount in booking.quantities), name
    assert ADDRESS not in repr(bookings), name
    assert ADDRESS not in json.dumps(told.document()), name
    ends = [(step.stage, step.item_type, step.reason, step.quantities) for step in told.steps if step.outcome]
    assert ends == [
        (booking.stage, booking.item_type, booking.reason.code, booking.quantities) for booking in bookings
    ], name


def _check_parcel(parcel: Parcel, name: str) -> None:
    """What leaves can be read again, and counts as what the account says is kept."""
    assert all(amount >= 0 for _, amount in parcel.quantities), name
    items = parse_envelope(parcel.body).items
    for item in items:
        classify(item)
        assert item.headers.get("length") == len(item.payload), name
        # Files of crashes, and what nobody can read, leave as they are unless a policy says otherwise.
        if item.kind.type not in ("unreal_report", "") and not (item.kind.type == "attachment" and item.creates_event):
            assert ADDRESS.encode() not in bytes(item.payload), name
        assert ADDRESS not in str(item.headers), name
    assert ADDRESS.encode() not in parcel.body.partition(b"\n")[0], name
    assert _counted([parcel.quantities]) == _counted(item.kind.quantities(item) for item in items), name


def _counted(parts: Iterable[Quantities]) -> dict[DataCategory, int]:
    """Without bytes, which scrubbing changes, and items that have no category."""
    sums = total(parts)
    return {category: amount for category, amount in sums if amount and category not in BYTES and category > 0}


if __name__ == "__main__":
    _check(Random(int(sys.argv[1])), sys.argv[1])
