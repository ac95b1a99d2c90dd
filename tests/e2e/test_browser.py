"""@sentry/react in a real Chromium, through the relay, into a real Bugsink: straight to the DSN, and through the tunnel.

A front gives the browser a peer address of its own, so that the address the relay sees is planted like the rest.
"""

from pathlib import Path

import pytest

from support.browser import Visit, fail_to_pay_in_browser
from support.bugsink import Bugsink, Project
from support.daemon import Daemon
from support.front import front
from support.planted import PEER_ADDRESS, PLANTED, found

WAYS = pytest.mark.parametrize("tunnel", [False, True], ids=["direct", "tunnel"])


def visit(relay: Daemon, project: Project, folder: Path, *, tunnel: bool) -> Visit:
    """One visit of the shop; the page could read each answer, and only what Bugsink limits (spans) was refused."""
    with front(relay.port, source_address=PEER_ADDRESS) as port:
        dsn = f"http://{project.key}@127.0.0.1:{port}/{project.id}"
        target = f"http://127.0.0.1:{port}/tunnel" if tunnel else ""
        seen = fail_to_pay_in_browser(dsn, folder, tunnel=target)
    requests = seen.sent_to(target or f"http://127.0.0.1:{port}/api/{project.id}/envelope/")
    assert requests
    assert {status for _, status in requests} in ({200}, {200, 429})
    assert len(requests) == len(seen.sent_to(f"http://127.0.0.1:{port}/")), "requests to other paths"
    assert not [line for line in seen.console if "CORS" in line]
    assert seen.flushed
    return seen


@WAYS
def test_browser_error_arrives_scrubbed(
    tunnel: bool, bugsink: Bugsink, scrubbing_relay: Daemon, tmp_path: Path
) -> None:
    project = bugsink.project()
    visit(scrubbing_relay, project, tmp_path, tunnel=tunnel)
    events = project.wait_for_events()
    assert "Error" in {event["calculated_type"] for event in events}
    scrubbing_relay.wait_until_empty()
    assert found(project.everything_stored()) == {}


@WAYS
def test_browser_error_arrives_whole_in_proxy_mode(
    tunnel: bool, bugsink: Bugsink, passing_relay: Daemon, tmp_path: Path
) -> None:
    project = bugsink.project()
    visit(passing_relay, project, tmp_path, tunnel=tunnel)
    project.wait_for_events()
    assert set(found(project.everything_stored())) | {"peer address"} == set(PLANTED)
