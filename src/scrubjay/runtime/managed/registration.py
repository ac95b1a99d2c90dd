"""Being known to the upstream: registering, renewing it, and what happens when it does not want us (`upstream-and-operations.md` 4.4).

Owns the state and the rhythm. What is said is `core.relays.registration`'s, saying it `queries`'; whoever sends obeys `is_authenticated`. A
network error says nothing of us and changes no state: who was known goes on sending, which is how an outage is told from a refusal.
Invariants: one attempt at a time; what was decided for other credentials, or by another upstream, counts for nothing.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from scrubjay.core.relays.registration import (
    CHALLENGE_PATH,
    RESPONSE_PATH,
    challenge,
    check_registered,
    response,
    token_of,
)
from scrubjay.errors import UpstreamError
from scrubjay.runtime.forwarding.outage import Chance, back_off_s
from scrubjay.runtime.managed.queries import QueryFailed
from scrubjay.runtime.tasks import Tasks
from scrubjay.settings.credentials import Credentials
from scrubjay.settings.schema import Settings

RECHECK_S: Final = 900.0
"""How often one asks again who was told to stop."""
_LEAST_BETWEEN_S: Final = 10.0
"""An upstream that registers us and then says that it does not know us is not asked again sooner."""
_LOG: Final = logging.getLogger("scrubjay.upstream")


class State(StrEnum):
    REGISTERING = "registering"
    REGISTERED = "registered"
    RENEWING = "renewing"
    DENIED = "denied"


_SAID: Final = {
    State.REGISTERED: "registered with the upstream",
    State.REGISTERING: "no longer registered with the upstream",
    State.DENIED: "the upstream has told this relay to stop",
}


class Queries(Protocol):
    """`runtime.managed.queries` is the real one."""

    on_refused: Callable[[QueryFailed], None]

    async def register(self, path: str, body: object) -> object: ...

    def admit(self) -> None: ...

    def withhold(self) -> None: ...

    def deny(self, detail: str) -> None: ...


class Observer(Protocol):
    """`runtime.telemetry` is the real one."""

    def registration(self, state: str) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class RegistrationOptions:
    """The settings that matter here. `interval_s` None: once is enough."""

    version: str
    interval_s: float | None = 600.0
    longest_pause_s: float = 60.0


def registration_options(settings: Settings) -> RegistrationOptions:
    return RegistrationOptions(
        version=settings.relay.advertised_version,
        interval_s=settings.http.auth_interval or None,
        longest_pause_s=settings.http.max_retry_interval,
    )


class Registration:
    """`on_change` is called whenever `is_authenticated` may say something else."""

    def __init__(
        self,
        queries: Queries,
        credentials: Credentials,
        options: RegistrationOptions,
        observer: Observer,
        *,
        on_change: Callable[[], None],
        chance: Chance = random.random,
    ) -> None:
        self._queries = queries
        self._credentials = credentials
        self._options = options
        self._observer = observer
        self._on_change = on_change
        self._chance = chance
        self._tasks = Tasks(observer.internal_error)
        self._stirred = asyncio.Event()
        self._is_wanted = False
        self._round = 0
        self._failures = 0
        self._again_mono = 0.0
        self._registered_mono = 0.0
        self.state = State.REGISTERING
        self.detail = ""
        """What the upstream, or its absence, said last; empty if all is well."""
        queries.on_refused = self._refused

    @property
    def is_authenticated(self) -> bool:
        return self.state in (State.REGISTERED, State.RENEWING)

    def start(self) -> None:
        self._observer.registration(self.state)
        self._tasks.start("registration", self._keep_registered())

    async def stop(self) -> None:
        await self._tasks.stop()

    def reconfigure(self, options: RegistrationOptions) -> None:
        """For attempts from now on, and for when the next one is due."""
        self._options = options
        self._stirred.set()

    def identify(self, credentials: Credentials) -> None:
        """Other credentials are in force: nobody knows them yet."""
        if credentials != self._credentials:
            self._credentials = credentials
            self.start_anew("other credentials are in force")

    def start_anew(self, why: str) -> None:
        """As at the start: what was said of us no longer holds."""
        self._round += 1
        self._failures = 0
        self.detail = ""
        self._become(State.REGISTERING, why)
        self._want()

    def _refused(self, error: QueryFailed) -> None:
        """The upstream answered somebody else's question in a way that is about us."""
        if error.is_stop:
            self._round += 1
            self._failed(error)
            self._stirred.set()
        elif self.is_authenticated and _now_mono() - self._registered_mono >= _LEAST_BETWEEN_S:
            self.detail = str(error)
            self._want()

    def _want(self) -> None:
        self._is_wanted = True
        self._stirred.set()

    async def _keep_registered(self) -> None:
        while True:
            await self._register()
            while not self._is_wanted and (left_s := self._due_mono() - _now_mono()) > 0:
                self._stirred.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(None if left_s == math.inf else left_s):
                        await self._stirred.wait()

    def _due_mono(self) -> float:
        if self._failures:
            return self._again_mono
        interval_s = self._options.interval_s
        return math.inf if interval_s is None else self._registered_mono + interval_s

    async def _register(self) -> None:
        self._is_wanted = False
        this_round, ours, version = self._round, self._credentials, self._options.version
        if self.state is State.REGISTERED:
            self._become(State.RENEWING)
        try:
            said = await self._queries.register(CHALLENGE_PATH, challenge(ours.id, ours.public_key, version))
            answer = response(ours.id, token_of(said, ours.id), version)
            check_registered(await self._queries.register(RESPONSE_PATH, answer), ours.id)
        except UpstreamError as error:
            if this_round == self._round:
                self._failed(error)
            return
        except Exception as error:  # noqa: BLE001  our own mistake, which says nothing of us and must not end the asking
            self._observer.internal_error("registration", error)
            self._failed(QueryFailed(type(error).__name__, network=True))
            return
        if this_round == self._round:
            self._failures = 0
            self.detail = ""
            self._registered_mono = _now_mono()
            self._become(State.REGISTERED, f"as {ours.id}")

    def _failed(self, error: UpstreamError) -> None:
        self._failures += 1
        self.detail = str(error)
        pause_s = 0.0
        if self._failures > 1:
            pause_s = back_off_s(self._failures - 1, self._options.longest_pause_s, self._chance)
        if isinstance(error, QueryFailed) and error.is_stop:
            pause_s = RECHECK_S
            self._become(State.DENIED, self.detail)
        elif not (isinstance(error, QueryFailed) and error.network):
            self._become(State.REGISTERING, self.detail)
        level = logging.ERROR if self._failures > 1 else logging.WARNING
        _LOG.log(level, "registering with the upstream failed: %s; again in %.1f s", self.detail, pause_s)
        self._again_mono = _now_mono() + pause_s

    def _become(self, state: State, detail: str = "") -> None:
        if state is self.state:
            return
        before, self.state = self.state, state
        if state is State.DENIED:
            self._queries.deny(detail)
        elif self.is_authenticated:
            self._queries.admit()
        else:
            self._queries.withhold()
        if State.RENEWING not in (before, state):
            level = logging.WARNING if state is State.DENIED else logging.INFO
            _LOG.log(level, "%s: %s", _SAID[state], detail)
        self._observer.registration(state)
        self._on_change()

    def __repr__(self) -> str:
        return f"<Registration {self.state}{f': {self.detail}' if self.detail else ''}>"


def _now_mono() -> float:
    return asyncio.get_running_loop().time()
