"""A real Prometheus watches a real relay through an outage, and rings."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from scrubjay.runtime.metrics import METRICS
from scrubjay.runtime.metrics_page import ALERTS
from support.daemon import Daemon, Samples
from support.http_client import post
from support.processes import get, wait_for
from support.prometheus import Prometheus, impatient, promtool
from support.recorder import recording

SMALL = {
    "spool": {"envelopes": {"max_disk_size": "1MiB", "batch_size_bytes": "64KiB", "max_project_share": 1}},
    "metrics": {"per_project": True},
}
OUTAGE = {
    "ScrubjayUpstreamOutage",
    "ScrubjaySpoolFilling",
    "ScrubjayShedding",
    "ScrubjayRejecting",
    "ScrubjayLosingData",
}
OVER_AT_ONCE = {"ScrubjayUpstreamOutage", "ScrubjaySpoolFilling", "ScrubjayShedding"}
"""The others look back for a while."""
REFERENCES_OWN_NAME = 'relay_spool_item_count non-histogram and non-summary metrics should not have "_count" suffix\n'


def envelope() -> bytes:
    """Some 60 KB, half of which no compression takes away."""
    noise = os.urandom(30_000).hex().encode()
    payload = b'{"message":"m","level":"error","extra":{"noise":"%b"}}' % noise
    return b'{}\n{"type":"event","length":%d}\n%b\n' % (len(payload), payload)


def send(relay: Daemon) -> int:
    return post(relay.port, "/api/1/envelope/", envelope()).status


def lint(relay: Daemon, path: str) -> str:
    """What promtool says against names, units, help texts and types."""
    status, text = get(relay.port, path)
    assert status == 200
    return promtool("check", "metrics", text=text).stderr


def assert_known(samples: Samples) -> None:
    """All that is shown stands in the table."""
    names = {name for name, _ in samples}
    table = {row.name for row in METRICS}
    histograms = {f"{row.name}_{part}" for row in METRICS if row.buckets for part in ("bucket", "sum", "count")}
    assert names <= table | histograms
    assert {"process_cpu_seconds_total", "process_resident_memory_bytes", "scrubjay_clock_seconds"} <= names


def test_an_outage_rings(daemons: Callable[..., Daemon], tmp_path: Path) -> None:
    with recording() as upstream:
        relay = daemons(upstream=upstream.url, options=SMALL)
        relay.start()
        assert send(relay) == 200
        assert lint(relay, "/metrics") == ""
        assert lint(relay, "/api/relay/autoscaling/") == REFERENCES_OWN_NAME
        address = f"127.0.0.1:{relay.port}"
        with Prometheus(tmp_path / "prometheus", {"relay": [address]}, impatient(ALERTS)) as prometheus:
            wait_for(lambda: prometheus.query("scrubjay_upstream_up == 1"), "the upstream is seen to be up")
            wait_for(lambda: prometheus.targets() == [""], "it can be scraped")
            wait_for(lambda: prometheus.firing() == {}, "nothing rings")
            assert_known(relay.metrics())

            upstream.is_away = True
            wait_for(lambda: send(relay) == 503, "the spool is full")

            def ringing() -> dict[str, str] | None:
                send(relay)
                found = prometheus.firing()
                return found if found.keys() >= OUTAGE else None

            told = wait_for(ringing, f"{OUTAGE} fire") or {}
            assert told["ScrubjayUpstreamOutage"] == f"The upstream of {address} does not answer."
            assert told["ScrubjayLosingData"] == f"{address} lost envelopes (queue_failed)."
            assert "% full" in told["ScrubjaySpoolFilling"]
            assert lint(relay, "/metrics") == ""

            upstream.is_away = False
            relay.wait_until_empty()
            wait_for(lambda: not set(prometheus.firing()) & OVER_AT_ONCE, "all is well again")
            assert "ScrubjayClockSkew" not in prometheus.firing()
            forwarded = relay.account().forwarded["error"]
            (seen,) = wait_for(
                lambda: prometheus.query(
                    f'scrubjay_project_outcomes_total{{project="1",outcome="forwarded"}} == {forwarded}'
                ),
                "the project's numbers are seen",
            )
            assert dict(seen)["category"] == "error"

            relay.kill()
            wait_for(lambda: "ScrubjayDown" in prometheus.firing(), "the relay is missed")
