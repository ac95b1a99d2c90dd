"""Spans at a real OTLP receiver, and at one that is away."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scrubjay import __version__
from scrubjay.runtime.tracing import open_tracing
from scrubjay.settings.reporting import Tracing as Options
from support.mini_upstream import Answer, mini_upstream
from support.otlp import spans_of


async def test_spans_arrive_as_protobuf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-token=t")
    async with mini_upstream() as server:
        tracing = open_tracing(Options(endpoint=f"{server.url}/v1/traces", service_name="relays"), "one")
        assert tracing is not None
        tracing.spans.upstream("envelope", "ok", 200, 0.5)
        await tracing.close()
        (arrival,) = server.arrivals
        assert (arrival.method, arrival.path) == ("POST", "/v1/traces")
        assert arrival.headers["Content-Type"] == "application/x-protobuf"
        assert arrival.headers["x-token"] == "t"
        ((resource, span),) = spans_of(arrival.body)
        assert (resource["service.name"], resource["service.version"]) == ("relays", __version__)
        assert resource["service.instance.id"] == "one"
        assert span.name == "upstream envelope"
        assert span.end_time_unix_nano - span.start_time_unix_nano == pytest.approx(5e8)


async def test_a_receiver_that_refuses_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    async with mini_upstream() as server:
        server.default = Answer(status=400)
        tracing = open_tracing(Options(endpoint=f"{server.url}/v1/traces"), "one")
        assert tracing is not None
        with caplog.at_level(logging.INFO):
            tracing.spans.upstream("envelope", "ok", 200, 0.5)
            await tracing.close()
    assert [record.getMessage() for record in caplog.records] == [
        "traces do not reach the receiver of tracing.endpoint"
    ]


def test_nothing_is_imported_that_is_not_wanted(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from scrubjay.runtime.tracing import open_tracing\n"
        "from scrubjay.settings.reporting import Tracing\n"
        "assert open_tracing(Tracing(), 'one') is None\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=dict(os.environ))
