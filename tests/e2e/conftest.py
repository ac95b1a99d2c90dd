"""Servers shared by the end-to-end tests: one Bugsink a session, and the relays before it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.bugsink import Bugsink
from support.daemon import Daemon

E2E = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and give them time for what is installed on first use."""
    for item in items:
        if item.path.is_relative_to(E2E):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def bugsink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugsink]:
    """A running server; a test that stops it starts it again."""
    server = Bugsink(tmp_path_factory.mktemp("bugsink"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def scrubbing_relay(bugsink: Bugsink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A relay as the sample configuration makes it: static, the default plan, a spool; Bugsink behind it."""
    yield from _running(Daemon(tmp_path_factory.mktemp("scrubbing") / "relay", upstream=bugsink.url))


@pytest.fixture(scope="session")
def passing_relay(bugsink: Bugsink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A relay in mode `proxy`: the control of every scrubbing test, since what was planted must arrive through it."""
    yield from _running(Daemon(tmp_path_factory.mktemp("passing") / "relay", mode="proxy", upstream=bugsink.url))


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Makes daemons of a test's own, not started; whatever still runs at the end is killed."""
    made: list[Daemon] = []

    def make(**options: object) -> Daemon:
        made.append(Daemon(tmp_path / f"relay-{len(made)}", **options))
        return made[-1]

    yield make
    for daemon in made:
        daemon.close()


def _running(daemon: Daemon) -> Iterator[Daemon]:
    daemon.start()
    try:
        yield daemon
        assert daemon.stop() == 0, daemon.log
    finally:
        daemon.close()
