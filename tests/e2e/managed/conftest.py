"""The server of the tests' managed relays, and the relays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from support.authority import Authority, presiding
from support.daemon import Daemon
from support.managed import managed_relay


@pytest.fixture
def sentry() -> Iterator[Authority]:
    with presiding() as authority:
        yield authority


@pytest.fixture
def relays(daemons: Callable[..., Daemon], sentry: Authority) -> Callable[..., Daemon]:
    """Makes managed relays before `sentry`; see `managed_relay`."""
    return partial(managed_relay, daemons, sentry)
