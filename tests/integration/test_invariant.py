"""What a client sent = what the server took + what it was told was lost, per category and to the unit (`decisions.md` 8.4, D-115).

Ten thousand envelopes of every kind through the real path with filters, sampling and limits, then to a server that takes most, limits
some, refuses some, and that is away for others. Quantities are counted by `support.mixed_load`, from the bytes at both ends.
"""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from scrubjay import reasons
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.ledger import Ledger, Parcel
from scrubjay.core.reporting import pack_reports
from scrubjay.errors import Rejected
from scrubjay.outcomes import Reason
from support.mixed_load import PROJECT, MixedLoad, counted, lost_in
from support.path import KEY, Path
from support.recorder import read_envelope

ENVELOPES = 10_000
START_UNIX = 1_767_607_200.0
ENDS: tuple[tuple[Reason, float], ...] = (
    (reasons.FORWARDED, 0.8),
    (reasons.SERVER_LIMIT, 0.05),
    (reasons.UPSTREAM_REJECTED, 0.05),
    (reasons.SPOOL_EVICTED, 0.05),
    (reasons.SPOOL_EXPIRED, 0.05),
)
NEVER_REPORTED = {"session", "unknown"}


def test_nothing_vanishes_between_client_and_server_decisions_115() -> None:
    chance = random.Random(115)
    reports = ClientReports()
    path = Path(json.dumps({**PROJECT, "projectId": 1}))
    path.ports.ledger = Ledger(path.account, reports, strict=True)
    sent: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    load = MixedLoad(115, KEY)
    for number in range(ENVELOPES):
        one = load.next()
        sent += one.quantities
        now = {"received_unix": START_UNIX + number / 50, "now_mono": 1_000 + number / 50}
        if chance.random() < 0.02:
            # For another project: the client hears of it at once, and counts it itself.
            with pytest.raises(Rejected):
                path.send(one.body, project=8, **now)
            refused += one.quantities
        else:
            path.send(one.body, project=1, **now)
    taken = deliver(path, chance)
    told = told_by(reports, path.ports.ledger)
    assert path.account.closes_with()
    check(sent - refused, taken, told)
    assert {section for section, _, _ in told} == {
        "discarded_events",
        "filtered_events",
        "filtered_sampling_events",
        "rate_limited_events",
    }
    reported = {reason for _, reason, _ in told}
    assert {"errors", "bytes", "", "no_ui", "sample_rate", "error-message", "release-version"} <= reported
    assert {"Sampled:3000", "Sampled:1500", "send_error", "cache_overflow", "network_error"} <= reported


def deliver(path: Path, chance: random.Random) -> Counter[str]:
    """Ends all parcels; returns what the server counts: what it took, and what it refused with 429."""
    taken: Counter[str] = Counter()
    ends, weights = zip(*ENDS, strict=True)
    for parcel in path.shelf.parcels:
        (end,) = chance.choices(ends, weights)
        path.ports.ledger.end(parcel, end, now_unix=parcel.received_unix + 30, stage="forward")
        if end in (reasons.FORWARDED, reasons.SERVER_LIMIT):
            taken += counted_in(parcel)
    return taken


def counted_in(parcel: Parcel) -> Counter[str]:
    return counted(read_envelope(parcel.body)[1])


def told_by(reports: ClientReports, ledger: Ledger) -> Counter[tuple[str, str, str]]:
    """What reaches the server in reports, read from their bytes."""
    told: Counter[tuple[str, str, str]] = Counter()
    for parcel in pack_reports(reports.take(), ledger, now_unix=START_UNIX, new_id=lambda: "0"):
        ledger.end(parcel, reasons.FORWARDED, now_unix=START_UNIX, stage="forward")
        for item in parse_envelope(parcel.body).items:
            for section, lines in json.loads(bytes(item.payload)).items():
                for line in lines if isinstance(lines, list) else ():
                    told[section, line["reason"], line["category"]] += line["quantity"]
    return told


def check(sent: Counter[str], taken: Counter[str], told: Counter[tuple[str, str, str]]) -> None:
    lost = lost_in(told)
    categories = sent.keys() - NEVER_REPORTED
    assert len(categories) >= 18
    wrong = {
        category: (sent[category], taken[category], lost[category])
        for category in categories
        if sent[category] != taken[category] + lost[category]
    }
    assert not wrong, f"sent, taken, told: {wrong}"
    assert not {category for _, _, category in told} & NEVER_REPORTED
