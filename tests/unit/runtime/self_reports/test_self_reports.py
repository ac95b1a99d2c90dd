"""How many reports leave, and that reporting never feeds on itself."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scrubjay.runtime import self_reports as module
from scrubjay.runtime.self_reports import SelfReports, open_self_reports
from scrubjay.settings.reporting import Sentry as Options
from scrubjay.settings.setting import Secret
from support.mini_upstream import Answer, MiniUpstream, mini_upstream

KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
LOG = logging.getLogger("scrubjay.some-part")


class Counted:
    def __init__(self) -> None:
        self.results: list[str] = []

        self._changed = asyncio.Event()

    def self_report(self, result: str) -> None:
        self.results.append(result)
        self._changed.set()

    async def until(self, *results: str) -> None:
        async with asyncio.timeout(30):
            while sorted(self.results) != sorted(results):
                self._changed.clear()
                await self._changed.wait()


class Bench:
    def __init__(self, server: MiniUpstream, **options: Any) -> None:
        self.server = server
        self.counted = Counted()
        self.now = 0.0
        self.reports = SelfReports(
            Options(enabled=True, dsn=Secret(f"http://{KEY}@127.0.0.1:{server.port}/7"), server_name="relay-1"),
            self.counted,
            now_mono=lambda: self.now,
            **options,
        )
        self.reports.open()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(arrival.body.split(b"\n")[2]) for arrival in self.server.arrivals]


@asynccontextmanager
async def bench(*, begun: bool = True, **options: Any) -> AsyncIterator[Bench]:
    async with mini_upstream() as server:
        made = Bench(server, **options)
        if begun:
            await made.reports.begin("127.0.0.1", 1)
        yield made
        await made.reports.close()
        assert made.reports.handler not in logging.getLogger().handlers


async def test_a_warning_becomes_an_event(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with bench(number=2) as made:
        LOG.info("before")
        LOG.warning("the disk is slow", extra={"fields": {"seconds": 3}})
        await made.counted.until("sent")
        (event,) = made.events()
        assert (event["level"], event["logentry"]["formatted"]) == ("warning", "the disk is slow")
        assert (event["extra"], event["tags"]) == ({"seconds": 3}, {"worker": "2"})
        assert event["server_name"] == "relay-1"
        assert [breadcrumb["message"] for breadcrumb in event["breadcrumbs"]["values"]] == ["before"]
        assert made.reports.origin.port == made.server.port
        assert "0 wait" in repr(made.reports)


async def test_the_server_is_named_by_the_setting_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTNAME", "pod-7")
    async with mini_upstream() as server:
        reports = SelfReports(Options(enabled=True, dsn=Secret(f"http://{KEY}@127.0.0.1:{server.port}/7")), Counted())
        reports.open()
        await reports.begin("127.0.0.1", 1)
        LOG.error("one")
        await server.until(lambda: server.arrivals)
        await reports.close()
        assert json.loads(server.arrivals[0].body.split(b"\n")[2])["server_name"] == "pod-7"


async def test_what_is_said_at_the_start_waits_for_the_beginning() -> None:
    async with bench(begun=False) as made:
        LOG.error("early")
        await asyncio.sleep(0)
        assert made.server.arrivals == []
        await made.reports.begin("127.0.0.1", 1)
        await made.counted.until("sent")


async def test_other_threads_are_heard_and_the_last_words_leave() -> None:
    async with bench() as made:
        thread = threading.Thread(target=LOG.error, args=("from a thread",))
        thread.start()
        thread.join()
        await made.reports.close()
        assert made.counted.results == ["sent"]


async def test_ten_a_minute_leave_an_instance(tmp_path: Path) -> None:
    async with bench(number=0, state_dir=str(tmp_path)) as made:
        for number in range(12):
            LOG.error("error %d", number)
        await made.counted.until(*["sent"] * 10, "limited", "limited")
        made.now = 61.0
        LOG.error("a minute later")
        await made.counted.until(*["sent"] * 11, "limited", "limited")


async def test_what_is_about_the_reports_own_key_is_not_told() -> None:
    async with bench() as made:
        LOG.warning("refused", extra={"fields": {"project_key": KEY}})
        LOG.warning("refused", extra={"fields": {"project_key": "f" * 32}})
        await made.counted.until("own", "sent")
        assert [event["extra"]["project_key"] for event in made.events()] == ["f" * 8]


async def test_operations_115_a_way_that_leads_back_here_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    async with bench(begun=False) as made:
        LOG.error("early")
        await asyncio.sleep(0)
        await made.reports.begin("0.0.0.0", made.server.port)
        LOG.error("later")
        await asyncio.sleep(0)
        assert made.counted.results == ["own"]
        assert made.server.arrivals == []
    assert "sentry.dsn leads to this relay itself: its errors are not reported" in caplog.messages


async def test_what_cannot_be_sent_is_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async with bench() as made:
        made.server.default = Answer(status=500)
        for number in range(3):
            LOG.error("error %d", number)
        await made.counted.until("failed", "failed", "failed")
    said = [record for record in caplog.records if record.name == "scrubjay.self_reports"]
    assert [record.getMessage() for record in said] == ["a self-report was not delivered"]


async def test_a_report_that_cannot_be_made_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise ValueError("unscrubbable")

    async with bench() as made:
        with monkeypatch.context() as patched:
            patched.setattr(module, "envelope_of", refuse)
            LOG.error("one")
            await made.counted.until("failed")
        LOG.error("two")
        await made.counted.until("failed", "sent")


async def test_a_server_that_does_not_answer_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LAST_WORDS_S", 0.05)
    async with bench() as made:
        made.server.default = Answer(hangs=True)
        LOG.error("one")
        await made.server.until(lambda: made.server.arrivals)
        async with asyncio.timeout(30):
            await made.reports.close()
        assert made.counted.results == []


@pytest.mark.parametrize(
    "options", [Options(), Options(enabled=True), Options(dsn=Secret(f"https://{KEY}@errors.example/7"))]
)
async def test_without_being_asked_nobody_listens(options: Options) -> None:
    handlers = list(logging.getLogger().handlers)
    assert open_self_reports(options, Counted(), number=None, state_dir=None, ca_bundle=None) is None
    assert logging.getLogger().handlers == handlers
