"""A relay that tells others of itself: numbers to a statsd server, errors to a project, traces to an OTLP receiver; and one that is not to hear itself."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from support.daemon import KEY, Daemon
from support.http_client import post
from support.otlp import spans_of
from support.processes import free_port, wait_for
from support.recorder import Recorder, recording

REPORTS_KEY = "5d2c7a5e1b8f4c0e9a3d6f7081920abc"
ENVELOPES = 30


class StatsdServer:
    """What came: sums of counters and the last of each state, by name and tags."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port = int(self._socket.getsockname()[1])
        self.counted: Counter[str] = Counter()
        self.standing: dict[str, float] = {}
        self.times: defaultdict[str, float] = defaultdict(float)
        """How many single values, by name."""
        self._ended = False
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while True:  # to the end of what has come
            try:
                lines = self._socket.recv(65_536).decode().split("\n")
            except TimeoutError:
                if self._ended:
                    break
            else:
                for line in lines:
                    self._take(line)
        self._socket.close()

    def _take(self, line: str) -> None:
        name_value, kind, *rest = line.split("|")
        name, value = name_value.rsplit(":", 1)
        rate = next((float(part[1:]) for part in rest if part.startswith("@")), 1.0)
        if kind == "c":
            self.counted[name] += int(float(value))
        elif kind == "g":
            self.standing[name] = float(value)
        else:
            self.times[name] += 1 / rate

    def close(self) -> None:
        self._ended = True
        self._thread.join()


@contextmanager
def statsd_server() -> Iterator[StatsdServer]:
    server = StatsdServer()
    try:
        yield server
    finally:
        server.close()


def events(reports: Recorder) -> list[dict[str, Any]]:
    return [json.loads(delivery.body.split(b"\n")[2]) for delivery in reports.deliveries]


def spans(receiver: Recorder) -> list[Span]:
    return [span for delivery in receiver.deliveries for _, span in spans_of(delivery.body)]


def send(relay: Daemon, number: int) -> None:
    header = json.dumps({"event_id": f"{number:032x}"}).encode()
    answer = post(relay.port, "/api/1/envelope/", header + b'\n{"type":"event"}\n{"message":"ana@lab.example"}\n')
    assert answer.status == 200


def test_numbers_errors_and_traces_of_two_workers_through_an_outage(tmp_path: Path) -> None:
    port = free_port()
    with statsd_server() as statsd, recording() as reports, recording() as receiver:
        options = {
            "relay": {"workers": 2},
            "metrics": {
                "statsd": f"127.0.0.1:{statsd.port}",
                "periodic_secs": 1,
                "default_tags": {"zone": "a"},
            },
            "sentry": {"enabled": True, "dsn": f"{reports.url.replace('://', f'://{REPORTS_KEY}@')}9"},
            "tracing": {"endpoint": receiver.url, "sample_rate": 1},
        }
        relay = Daemon(tmp_path / "relay", upstream=f"http://127.0.0.1:{port}/", options=options)
        try:
            relay.start()
            wait_for(lambda: statsd.standing.get("sentry.relay.scrubjay.workers") == 2, "both workers, to statsd")
            for number in range(ENVELOPES):
                send(relay, number)
            wait_for(lambda: statsd.standing.get("sentry.relay.upstream.network_outage") == 1, "an outage, to statsd")
            wait_for(lambda: any("outage" in each["logentry"]["formatted"] for each in events(reports)), "an event")
            with recording(port):
                relay.wait_until_empty()
                wait_for(lambda: sum(span.name == "delivery" for span in spans(receiver)) >= ENVELOPES, "deliveries")
                wait_for(lambda: statsd.counted["sentry.relay.events.outcomes"] >= ENVELOPES, "outcomes, to statsd")
            assert relay.stop() == 0
        finally:
            relay.close()
    check_numbers(statsd)
    check_events(reports)
    check_spans(receiver)


def check_numbers(statsd: StatsdServer) -> None:
    assert statsd.counted["sentry.relay.event.accepted"] == ENVELOPES
    assert statsd.counted["sentry.relay.event.items"] == ENVELOPES
    assert statsd.counted["sentry.relay.server.starting"] == 1
    assert statsd.counted["sentry.relay.scrubjay.self_reports"] >= 1
    assert statsd.standing["sentry.relay.scrubjay.workers"] == 2
    assert statsd.standing["sentry.relay.health.system_memory.used"] > 10_000_000
    assert statsd.times["sentry.relay.buffer.push.duration"] >= 1
    assert statsd.times["sentry.relay.upstream.requests.duration"] >= 1
    assert statsd.times["sentry.relay.event.total_time"] >= 1


def check_events(reports: Recorder) -> None:
    found = events(reports)
    assert {event["tags"]["worker"] for event in found} <= {"0", "1"}
    assert {delivery.path for delivery in reports.deliveries} == {"/api/9/envelope/"}
    assert all(f"sentry_key={REPORTS_KEY}" in delivery.headers["x-sentry-auth"] for delivery in reports.deliveries)
    text = json.dumps(found)
    assert KEY not in text
    assert "ana@lab" not in text
    assert "127.0.0.1" not in text


def check_spans(receiver: Recorder) -> None:
    found = spans(receiver)
    roots = {span.trace_id: span for span in found if span.name == "request envelope"}
    assert len(roots) == ENVELOPES
    children: defaultdict[bytes, set[str]] = defaultdict(set)
    for span in found:
        if span.trace_id in roots and span.parent_span_id:
            assert span.parent_span_id == roots[span.trace_id].span_id
            assert span.start_time_unix_nano >= roots[span.trace_id].start_time_unix_nano - 1_000_000
            children[span.trace_id].add(span.name)
    assert all(names >= {"authenticate", "scrub", "hand_over"} for names in children.values())
    assert sum("delivery" in names for names in children.values()) == ENVELOPES
    results = {
        attribute.value.string_value
        for span in found
        if span.kind == Span.SPAN_KIND_CLIENT
        for attribute in span.attributes
        if attribute.key == "scrubjay.result"
    }
    assert {"ok"} < results


def test_operations_115_a_relay_that_would_report_to_itself_does_not(tmp_path: Path) -> None:
    relay = Daemon(tmp_path / "relay", upstream=f"http://127.0.0.1:{free_port()}/")
    relay.configure(sentry={"enabled": True, "dsn": relay.dsn()})
    try:
        relay.start()
        wait_for(lambda: "sentry.dsn leads to this relay itself" in relay.log, "the warning")
        send(relay, 1)
        wait_for(lambda: "upstream outage" in relay.log, "an outage, which is a warning")
        assert sum(relay.account().received.values()) == 1
        assert relay.stop() == 0
    finally:
        relay.close()
