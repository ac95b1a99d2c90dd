"""What is granted while the authority is away."""

import pytest

from scrubjay.runtime.quota_sharing.ledger import BUCKET, SLIDING, UNLIMITED, Ask, Claim, Meter
from scrubjay.runtime.quota_sharing.outage import Outage

T = 1_700_000_000
START = T - T % 60
MINUTE = Meter("{0}:q::", 101, 60)


def take(outage: Outage, replicas: int, need: int = 1, meter: Meter = MINUTE, now: float = START) -> int:
    return outage.answer(Ask([meter], [Claim([(0, need)])], [0]), replicas, now).grants[0].tokens


def take_all(outage: Outage, replicas: int, meter: Meter = MINUTE, now: float = START) -> int:
    granted = 0
    while take(outage, replicas, 1, meter, now):
        granted += 1
    return granted


@pytest.mark.parametrize(
    ("left", "replicas", "part"), [(None, 2, 51), (101, 1, 101), (41, 2, 21), (0, 2, 0), (None, 0, 101)]
)
def test_a_part_of_what_was_left_rounded_up(left: int | None, replicas: int, part: int) -> None:
    assert take_all(Outage("local", lambda meter, slot: left), replicas) == part


def test_a_new_slot_is_cut_anew() -> None:
    outage = Outage("local", lambda meter, slot: 10 if slot == START // 60 else None)
    assert take_all(outage, 2) == 5
    assert take_all(outage, 2, now=START + 60) == 51


def test_what_only_counts_is_not_cut() -> None:
    assert take(Outage("local", lambda meter, slot: 0), 2, 10**6, MINUTE._replace(limit=UNLIMITED)) == 10**6


@pytest.mark.parametrize("algorithm", [SLIDING, BUCKET])
def test_other_algorithms_get_a_part_of_all_their_numbers(algorithm: str) -> None:
    outage = Outage("local", lambda meter, slot: None)
    assert take_all(outage, 3, Meter("m", 60, 60, algorithm=algorithm, burst=30)) == (
        20 if algorithm == SLIDING else 10
    )


def test_a_part_is_capped_by_what_the_authority_says_is_left() -> None:
    outage = Outage("local", lambda meter, slot: None)
    slot = START // 60
    outage.cap(MINUTE, slot, 0, START)
    assert take(outage, 2, 10) == 10, "nothing was cut yet that could be capped"
    outage.cap(MINUTE, slot - 1, 0, START)
    outage.cap(MINUTE, slot, 7, START)
    assert take_all(outage, 2) == 7
    outage.cap(MINUTE, slot, 90, START)
    assert take_all(outage, 2) == 0, "it is never made larger"


def test_open_grants_what_is_asked_for_and_closed_nothing() -> None:
    claims = [Claim([(0, 3), (1, 4)]), Claim([(1, 5)])]
    ask = Ask([MINUTE, MINUTE._replace(name="r")], claims, [2, 0])
    open_answer = Outage("open", lambda meter, slot: 0).answer(ask, 2, START + 59)
    assert [grant.tokens for grant in open_answer.grants] == [5, 9]
    assert [grant.ends_unix for grant in open_answer.grants] == [START + 60] * 2
    closed = Outage("closed", lambda meter, slot: None).answer(ask, 2, START)
    assert [(grant.tokens, grant.left, grant.refused, grant.retry_s) for grant in closed.grants] == [
        (0, 0, 3, 2),
        (0, 0, 5, 2),
    ]
    assert [grant.ends_unix for grant in closed.grants] == [START + 2] * 2
