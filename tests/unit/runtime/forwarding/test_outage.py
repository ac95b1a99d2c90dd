"""The state of the connection, back-off, permits and pace (upstream-and-operations 6.7)."""

import pytest

from scrubjay.runtime.forwarding.outage import Link, Pace, Permits, State, back_off_s


def link(chance=lambda: 1.0, grace_s=10.0):
    return Link(grace_s=grace_s, retry_delay_s=1.0, longest_delay_s=60.0, chance=chance)


class TestLink:
    def test_is_connected_at_first_and_retries_are_due(self):
        assert link().state is State.CONNECTED
        assert link().retries_from_mono() == 0.0

    def test_upstream_66_errors_for_less_than_the_grace_period_are_an_interruption(self):
        subject = link()
        assert not subject.failed(100.0)
        assert not subject.failed(109.9)
        assert subject.state is State.INTERRUPTED

    def test_upstream_66_errors_for_the_grace_period_are_an_outage(self):
        subject = link()
        subject.failed(100.0)
        assert subject.failed(110.0)
        assert subject.is_out
        assert subject.retries_from_mono() == float("inf")

    def test_an_outage_begins_once(self):
        subject = link(grace_s=0)
        assert subject.failed(1.0)
        assert not subject.failed(2.0)

    def test_without_grace_the_first_error_is_an_outage(self):
        assert link(grace_s=0).failed(5.0)

    def test_retries_wait_a_constant_time_from_the_last_failure(self):
        subject = link()
        subject.failed(100.0)
        subject.failed(103.0)
        assert subject.retries_from_mono() == 104.0

    def test_any_answer_ends_an_interruption_and_makes_retries_due(self):
        subject = link()
        subject.failed(100.0)
        assert subject.answered()
        assert subject.retries_from_mono() == 0.0
        assert not subject.answered()

    def test_the_grace_period_starts_anew_after_an_answer(self):
        subject = link()
        subject.failed(100.0)
        subject.answered()
        assert not subject.failed(115.0)
        assert subject.state is State.INTERRUPTED

    def test_upstream_66_probes_at_0_1_1_5_and_so_on(self):
        subject = link(grace_s=0)
        subject.failed(0.0)
        assert [subject.next_probe_delay_s() for _ in range(5)] == [0.0, 1.0, 1.5, 2.25, 3.375]

    def test_probe_delays_are_capped_and_start_anew_with_each_outage(self):
        subject = link(grace_s=0)
        subject.failed(0.0)
        delays = [subject.next_probe_delay_s() for _ in range(200)]
        assert max(delays) == 60.0
        subject.answered()
        subject.failed(1.0)
        assert subject.next_probe_delay_s() == 0.0

    def test_probe_delays_have_jitter(self):
        subject = link(chance=lambda: 0.0, grace_s=0)
        subject.failed(0.0)
        subject.next_probe_delay_s()
        assert subject.next_probe_delay_s() == 0.5

    def test_other_bounds_hold_from_then_on(self):
        subject = link()
        subject.failed(100.0)
        subject.reconfigure(grace_s=2.0, retry_delay_s=5.0, longest_delay_s=1.0)
        assert subject.retries_from_mono() == 105.0
        assert subject.failed(102.0)
        assert max(subject.next_probe_delay_s() for _ in range(9)) == 1.0

    def test_shows_its_state(self):
        assert "connected" in repr(link())


@pytest.mark.parametrize(
    ("tries", "chance", "expected"),
    [(1, 1.0, 1.0), (1, 0.0, 0.5), (3, 1.0, 2.25), (2, 0.5, 1.125), (10_000, 1.0, 60.0)],
)
def test_back_off_grows_by_half_up_to_a_cap_with_jitter(tries, chance, expected):
    assert back_off_s(tries, 60.0, lambda: chance) == expected


class TestPermits:
    def test_all_are_given_at_first(self):
        assert Permits(100).allowed == 100

    def test_trouble_halves_down_to_one(self):
        subject = Permits(8)
        seen = []
        for _ in range(5):
            subject.troubled(subject.round)
            seen.append(subject.allowed)
        assert seen == [4, 2, 1, 1, 1]

    def test_trouble_counts_once_per_round_trip(self):
        subject = Permits(8)
        started = subject.round
        for _ in range(5):
            subject.troubled(started)
        assert subject.allowed == 4

    def test_a_round_trip_of_successes_gives_one_more(self):
        subject = Permits(8)
        subject.troubled(subject.round)
        for _ in range(5):
            subject.succeeded()
        assert subject.allowed == 5

    def test_never_more_than_the_setting(self):
        subject = Permits(2)
        for _ in range(10):
            subject.succeeded()
        assert subject.allowed == 2

    def test_after_an_outage_one_then_twice_as_many_per_round_trip(self):
        subject = Permits(16)
        subject.restart()
        seen = [subject.allowed]
        for _ in range(3):
            for _ in range(subject.allowed):
                subject.succeeded()
            seen.append(subject.allowed)
        assert seen == [1, 2, 4, 8]

    def test_trouble_ends_the_doubling(self):
        subject = Permits(16)
        subject.restart()
        for _ in range(7):
            subject.succeeded()
        subject.troubled(subject.round)
        subject.succeeded()
        assert subject.allowed == 4

    def test_doubling_ends_at_half_of_what_was_too_much_for_a_server_that_did_not_answer(self):
        subject = Permits(16)
        subject.troubled(subject.round, unanswered=True)
        subject.troubled(subject.round)  # it went away altogether, which says nothing of what it can do
        subject.restart()
        seen = [subject.allowed]
        for _ in range(6):
            for _ in range(subject.allowed):
                subject.succeeded()
            seen.append(subject.allowed)
        assert seen == [1, 2, 4, 8, 8, 9, 10]

    def test_more_or_fewer_may_be_allowed_later(self):
        subject = Permits(8)
        subject.reconfigure(4)
        assert subject.allowed == 4
        subject.reconfigure(16)
        for _ in range(1_000):
            subject.succeeded()
        assert subject.allowed == 16

    def test_shows_its_state(self):
        assert repr(Permits(3)) == "<Permits 3 of 3>"


class TestPace:
    def test_without_a_rate_nothing_waits(self):
        subject = Pace(None)
        subject.spend(5.0)
        assert subject.from_mono == 0.0

    def test_operations_94_a_second_at_once_then_the_rate(self):
        subject = Pace(100)
        now, sent = 50.0, 0
        while subject.from_mono <= now:
            subject.spend(now)
            sent += 1
        assert 100 <= sent <= 101
        while now < 59.0:
            now = max(now, subject.from_mono)
            subject.spend(now)
            sent += 1
        assert sent <= 1_002
