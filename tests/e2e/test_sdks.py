"""Real SDKs of the server side, through the relay, into a real Bugsink: the error arrives, what was planted does not.

Each client runs twice: through a relay that scrubs, and through one in mode `proxy`, where everything planted has to
arrive. Without the second run a test could pass because the SDK never sent the data.
"""

from pathlib import Path

import pytest

from support.bugsink import Bugsink, Project
from support.daemon import Daemon
from support.planted import PLANTED, found
from support.sample_shop import (
    PYTHON_FRAMEWORKS,
    PYTHON_SDKS,
    PythonSdk,
    fail_to_pay_in_express,
    fail_to_pay_in_python,
)

SERVER_SIDE = [
    pytest.param(framework, sdk, id=f"{sdk.name}-{framework}") for sdk in PYTHON_SDKS for framework in PYTHON_FRAMEWORKS
]


def through(relay: Daemon, project: Project) -> str:
    """The DSN an application is given: the project's own, with the relay's address."""
    return relay.dsn(project.key, project.id)


def assert_clean(project: Project, relay: Daemon, error_type: str = "PaymentError") -> None:
    """One error of this type is stored, and nothing planted is in anything the server holds of the project."""
    events = project.wait_for_events()
    assert [event["calculated_type"] for event in events] == [error_type]
    relay.wait_until_empty()
    assert found(project.everything_stored()) == {}


def assert_everything_planted(project: Project, *, maybe: str = "") -> None:
    """Everything planted is stored, but for what `maybe` names, which the server may have refused."""
    project.wait_for_events()
    assert set(found(project.everything_stored())) | {maybe} == set(PLANTED) | {maybe}


@pytest.mark.parametrize(("framework", "sdk"), SERVER_SIDE)
def test_python_error_arrives_scrubbed(
    framework: str, sdk: PythonSdk, bugsink: Bugsink, scrubbing_relay: Daemon, tmp_path: Path
) -> None:
    project = bugsink.project()
    fail_to_pay_in_python(framework, sdk, through(scrubbing_relay, project), tmp_path)
    assert_clean(project, scrubbing_relay)


@pytest.mark.parametrize(("framework", "sdk"), SERVER_SIDE)
def test_python_error_arrives_whole_in_proxy_mode(
    framework: str, sdk: PythonSdk, bugsink: Bugsink, passing_relay: Daemon, tmp_path: Path
) -> None:
    project = bugsink.project()
    fail_to_pay_in_python(framework, sdk, through(passing_relay, project), tmp_path)
    assert_everything_planted(project)


def test_express_error_arrives_scrubbed(bugsink: Bugsink, scrubbing_relay: Daemon, tmp_path: Path) -> None:
    project = bugsink.project()
    fail_to_pay_in_express(through(scrubbing_relay, project), tmp_path)
    assert_clean(project, scrubbing_relay, "Error")


def test_express_error_arrives_whole_in_proxy_mode(bugsink: Bugsink, passing_relay: Daemon, tmp_path: Path) -> None:
    project = bugsink.project()
    fail_to_pay_in_express(through(passing_relay, project), tmp_path)
    # Only its spans hold the peer's address, and Bugsink refuses those from its first answer on.
    assert_everything_planted(project, maybe="peer address")
