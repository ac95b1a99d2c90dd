"""The states of being known to the upstream, in simulated time (`upstream-and-operations.md` 4.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from scrubjay.core.relays.registration import CHALLENGE_PATH, RESPONSE_PATH
from scrubjay.runtime.managed.queries import QueryFailed
from scrubjay.runtime.managed.registration import (
    RECHECK_S,
    Registration,
    RegistrationOptions,
    registration_options,
)
from scrubjay.settings.credentials import generate
from scrubjay.settings.schema import Settings
from support.simulated_time import now_s, simulated

OURS = generate()
STOP = QueryFailed("403 go away", status=403, is_stop=True)
BAD = QueryFailed("400 what?", status=400)
DOWN = QueryFailed("connect: refused", network=True)
UNKNOWN = QueryFailed("401 who?", status=401)


class Upstream:
    """The upstream, and what it let ask: `answers` are taken in turn by challenges; without any it registers us."""

    def __init__(self) -> None:
        self.answers: list[Exception] = []
        self.asked: list[tuple[float, str, Any]] = []
        self.words: list[str] = []
        self.on_refused: Callable[[QueryFailed], None]
        self.before_answer: Callable[[], None] = lambda: None
        self.token = "a token"

    async def register(self, path: str, body: object) -> object:
        self.asked.append((now_s(), path, body))
        await asyncio.sleep(0)
        self.before_answer()
        if path == CHALLENGE_PATH and self.answers:
            raise self.answers.pop(0)
        assert isinstance(body, dict)
        return {"relay_id": body["relay_id"], "token": self.token}

    def admit(self) -> None:
        self.words.append("admit")

    def withhold(self) -> None:
        self.words.append("withhold")

    def deny(self, detail: str) -> None:
        self.words.append(f"deny: {detail}")

    @property
    def times(self) -> list[float]:
        return [at_s for at_s, path, _ in self.asked if path == CHALLENGE_PATH]


class Case:
    def __init__(self, *answers: Exception, interval_s: float | None = 600.0) -> None:
        self.upstream = Upstream()
        self.upstream.answers += answers
        self.states: list[tuple[float, str]] = []
        self.errors: list[BaseException] = []
        self.mistakes = [answer for answer in answers if not isinstance(answer, QueryFailed)]
        self.changes: list[bool] = []
        self.one = Registration(
            self.upstream,
            OURS,
            RegistrationOptions("26.10.0", interval_s),
            self,
            on_change=lambda: self.changes.append(self.one.is_authenticated),
            chance=lambda: 1.0,
        )

    def registration(self, state: str) -> None:
        self.states.append((now_s(), state))

    def internal_error(self, place: str, error: BaseException) -> None:
        self.errors.append(error)

    def run(self, story: Callable[[], Awaitable[None]]) -> None:
        async def told() -> None:
            self.one.start()
            try:
                await story()
            finally:
                await self.one.stop()
            assert self.errors == self.mistakes

        simulated(told())


async def passes(seconds: float) -> None:
    await asyncio.sleep(seconds)


def test_operations_37_both_steps_and_the_token_to_the_letter() -> None:
    case = Case()
    case.upstream.token = "a:token+/=="

    async def story() -> None:
        assert not case.one.is_authenticated
        await passes(1)
        assert case.one.is_authenticated
        assert repr(case.one) == "<Registration registered>"

    case.run(story)
    assert [(path, body) for _, path, body in case.upstream.asked] == [
        (CHALLENGE_PATH, {"relay_id": OURS.id, "public_key": OURS.public_key, "version": "26.10.0"}),
        (RESPONSE_PATH, {"relay_id": OURS.id, "token": "a:token+/==", "version": "26.10.0"}),
    ]
    assert case.upstream.words == ["admit"]
    assert [state for _, state in case.states] == ["registering", "registered"]
    assert case.changes == [True]


def test_operations_38_refused_it_tries_again_after_0_1_and_1_and_a_half_seconds() -> None:
    case = Case(BAD, BAD, BAD, BAD)

    async def story() -> None:
        await passes(2)
        assert (case.one.is_authenticated, case.one.detail) == (False, "400 what?")
        assert "400 what?" in repr(case.one)
        await passes(5)
        assert (case.one.is_authenticated, case.one.detail) == (True, "")

    case.run(story)
    assert case.upstream.times == pytest.approx([0, 0, 1, 2.5, 4.75])


def test_a_mistake_of_ours_neither_ends_the_asking_nor_says_anything_of_us() -> None:
    case = Case(RuntimeError("bug"), interval_s=60.0)

    async def story() -> None:
        await passes(1)
        assert case.one.is_authenticated
        case.upstream.answers.append(ValueError("another"))
        case.mistakes += case.upstream.answers
        await passes(60)
        assert case.one.is_authenticated

    case.run(story)
    assert case.upstream.times == pytest.approx([0, 0, 60, 60])
    assert set(case.changes) == {True}


def test_the_pause_has_a_cap() -> None:
    case = Case(*[BAD] * 30)
    case.run(lambda: passes(1000))
    gaps = [later - sooner for sooner, later in zip(case.upstream.times, case.upstream.times[1:], strict=False)]
    assert gaps[-1] == pytest.approx(60)


def test_operations_39_who_is_told_to_stop_asks_again_after_15_minutes() -> None:
    case = Case(STOP, STOP)

    async def story() -> None:
        await passes(RECHECK_S - 1)
        assert (case.one.state, case.one.is_authenticated, case.one.detail) == ("denied", False, "403 go away")
        assert case.upstream.times == [0]
        await passes(2)
        assert (case.one.state, len(case.upstream.times)) == ("denied", 2)
        await passes(RECHECK_S)
        assert case.one.state == "registered"

    case.run(story)
    assert case.upstream.words == ["deny: 403 go away", "admit"]


def test_who_was_denied_and_is_merely_refused_is_registering_again() -> None:
    case = Case(STOP, BAD)

    async def story() -> None:
        await passes(RECHECK_S + 0.5)
        assert case.one.state == "registering"

    case.run(story)
    assert case.upstream.words == ["deny: 403 go away", "withhold"]


def test_operations_40_a_renewal_that_nobody_answers_changes_nothing() -> None:
    case = Case()

    async def story() -> None:
        await passes(599)
        case.upstream.answers += [DOWN, DOWN]
        await passes(1.5)
        assert (case.one.state, case.one.is_authenticated, case.one.detail) == ("renewing", True, "connect: refused")
        await passes(1)
        assert case.one.state == "registered"

    case.run(story)
    assert case.upstream.times == pytest.approx([0, 600, 600, 601])
    assert set(case.changes) == {True}


def test_operations_40_a_renewal_that_is_refused_ends_sending() -> None:
    case = Case()

    async def story() -> None:
        await passes(599)
        case.upstream.answers += [BAD, BAD]
        await passes(1.5)
        assert (case.one.state, case.one.is_authenticated) == ("registering", False)
        await passes(1)
        assert case.one.is_authenticated

    case.run(story)
    assert case.upstream.words == ["admit", "admit", "withhold", "admit"]


def test_started_in_an_outage_it_is_registering() -> None:
    case = Case(DOWN, DOWN)

    async def story() -> None:
        await passes(0.5)
        assert (case.one.state, case.one.is_authenticated) == ("registering", False)

    case.run(story)
    assert case.upstream.words == []


@pytest.mark.parametrize("reply", [{}, {"relay_id": "x"}, []])
def test_an_answer_that_is_none_is_a_refusal(reply: object) -> None:
    case = Case()

    async def nonsense(path: str, body: object) -> object:
        await asyncio.sleep(0)
        return reply

    case.upstream.register = nonsense  # type: ignore[method-assign]
    case.run(lambda: passes(3))
    assert case.one.state == "registering"
    assert "registration" in case.one.detail


def test_once_is_enough_where_no_interval_is_set_until_one_is() -> None:
    case = Case(interval_s=None)

    async def story() -> None:
        await passes(10_000)
        assert len(case.upstream.times) == 1
        case.one.reconfigure(RegistrationOptions("26.11.0", 20_000))
        await passes(10_001)
        assert case.upstream.times == [0, 20_000]
        assert case.upstream.asked[-1][2]["version"] == "26.11.0"

    case.run(story)


def test_other_credentials_are_registered_anew() -> None:
    case, other = Case(), generate()

    async def story() -> None:
        await passes(5)
        case.one.identify(OURS)
        await passes(5)
        assert len(case.upstream.times) == 1
        case.one.identify(other)
        assert not case.one.is_authenticated
        await passes(1)
        assert case.one.is_authenticated

    case.run(story)
    assert case.upstream.asked[-1][2]["relay_id"] == other.id
    assert case.upstream.words == ["admit", "withhold", "admit"]


@pytest.mark.parametrize("answers", [[], [BAD], [STOP]])
def test_what_was_said_of_other_credentials_counts_for_nothing(answers: list[Exception]) -> None:
    case, other = Case(*answers), generate()

    def replaced() -> None:
        case.upstream.before_answer = lambda: None
        case.one.identify(other)

    case.upstream.before_answer = replaced

    async def story() -> None:
        await passes(0.1)
        assert case.one.is_authenticated
        assert case.upstream.words == ["admit"]

    case.run(story)
    assert case.upstream.asked[-1][2]["relay_id"] == other.id


def test_another_upstream_has_to_know_us_first() -> None:
    case = Case()

    async def story() -> None:
        await passes(5)
        case.one.start_anew("another upstream is used")
        assert not case.one.is_authenticated
        await passes(1)
        assert case.one.is_authenticated

    case.run(story)
    assert case.upstream.times == [0, 5]


def test_an_upstream_that_has_forgotten_us_is_told_again_but_not_for_ever() -> None:
    case = Case()

    async def story() -> None:
        await passes(5)
        case.upstream.on_refused(UNKNOWN)  # said before it knew us
        await passes(15)
        case.upstream.on_refused(UNKNOWN)
        assert (case.one.is_authenticated, case.one.detail) == (True, "401 who?")
        case.upstream.answers.append(BAD)
        await passes(0.1)
        case.upstream.answers.append(BAD)
        await passes(0.1)
        assert case.one.is_authenticated
        case.upstream.on_refused(UNKNOWN)
        await passes(1)

    case.run(story)
    assert case.upstream.times == [0, 20, 20]


def test_to_stop_may_be_said_to_any_question() -> None:
    case = Case()

    async def story() -> None:
        await passes(5)
        case.upstream.on_refused(STOP)
        assert (case.one.state, case.one.detail) == ("denied", "403 go away")
        await passes(RECHECK_S + 1)
        assert case.one.state == "registered"

    case.run(story)
    assert case.upstream.times == [0, 5 + RECHECK_S]


@pytest.mark.parametrize(("interval_s", "expected"), [(None, None), (0, None), (30, 30)])
def test_options_of_settings(interval_s: float | None, expected: float | None) -> None:
    settings = Settings()
    settings = replace(settings, http=replace(settings.http, auth_interval=interval_s, max_retry_interval=7))
    assert registration_options(settings) == RegistrationOptions("26.10.0", expected, 7)
