"""Real SDKs fill the page: Django, FastAPI, Express, and React in a browser with tracing, replay, feedback and logs.

What they plant is nowhere in what the page shows, but as an original where somebody asks for it.
"""

import json

import pytest
from playwright.sync_api import Page

from support.browser import fail_to_pay_in_browser
from support.chromium import shot
from support.daemon import Daemon
from support.planted import found
from support.processes import get, wait_for
from support.sample_shop import PYTHON_SDKS, fail_to_pay_in_express, fail_to_pay_in_python


@pytest.fixture(scope="module")
def filled(sink: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Daemon:
    """The sink after a visit of the shop with each SDK; the project tells them apart."""
    for project, framework in enumerate(("django", "fastapi"), start=1):
        fail_to_pay_in_python(
            framework, PYTHON_SDKS[0], sink.dsn(project_id=project), tmp_path_factory.mktemp(framework)
        )
    fail_to_pay_in_express(sink.dsn(project_id=3), tmp_path_factory.mktemp("express"))
    visit = fail_to_pay_in_browser(sink.dsn(project_id=4), tmp_path_factory.mktemp("browser"), everything=True)
    assert visit.flushed
    return sink


def events(sink: Daemon, query: str) -> list[dict[str, object]]:
    status, body = get(sink.port, f"/api/capture/events?limit=500&{query}")
    assert status == 200, body
    return json.loads(body)["events"]  # type: ignore[no-any-return]


def test_every_sdk_and_every_kind_of_item_is_there(filled: Daemon) -> None:
    for project, sdk in (
        (1, "sentry.python"),
        (2, "sentry.python"),
        (3, "sentry.javascript"),
        (4, "sentry.javascript"),
    ):
        kinds = {record["type"] for record in events(filled, f"project={project}")}
        assert "error" in kinds
        assert kinds & {"transaction", "span"}, (project, kinds)
        errors = events(filled, f"project={project}&type=error")
        assert any("refused for" in str(error["title"]) for error in errors)
        assert all(str(error["sdk"]).startswith(sdk) for error in errors)
    wanted = {"feedback", "replay", "log", "attachment", "release_health"}
    wait_for(lambda: wanted <= {record["type"] for record in events(filled, "project=4")}, "all that a browser sends")


def test_the_page_shows_them_all_and_nothing_that_was_planted(filled: Daemon, page: Page) -> None:
    page.goto(filled.url)
    rows = page.get_by_text("refused for")
    rows.first.wait_for()
    assert rows.count() >= 4
    shot(page, "sdks-errors")
    assert found(page.content().encode()) == {}
    for view in ("traces", "logs", "feedback", "other", "envelopes", "scrubbing"):
        page.goto(f"{filled.url}/#/{view}")
        page.wait_for_function("!document.querySelector('[aria-busy=true]')")
        page.locator("main").wait_for()
        shot(page, f"sdks-{view}")
        assert found(page.content().encode()) == {}, view
