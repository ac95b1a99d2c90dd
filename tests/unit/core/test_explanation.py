"""An envelope's way told without being gone (`decisions.md` 9.5)."""

from __future__ import annotations

from dataclasses import replace

from scrubjay.categories import DataCategory
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.explanation import STAGES, Explanation, _Counting, explain
from scrubjay.core.limits import ActiveLimit, LimitTable, Scoping
from scrubjay.core.ports import Ingress
from scrubjay.core.quotas import Usage
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from support.path import EVENT_ID, KEY, Path, run_now
from support.pending import PendingPath

NOW_UNIX = 1_767_607_200.0
EVENT = b'{"release":"1.2.3","message":"call 555 ana@lab.example","user":{"email":"ana@lab.example"}}'
PROJECT = """
publicKeys: []
config:
  filterSettings: {releases: {releases: ["0.*"]}}
  quotas: [{id: q, categories: [error], limit: 1, window: 60, reasonCode: spent}]
"""


def told_of(path: Path, *items: tuple[str, bytes], headers: bytes = b"{}", **facts: object) -> Explanation:
    body = headers + b"".join(
        b'\n{"type":"%b","length":%d}\n%b' % (kind.encode(), len(payload), payload) for kind, payload in items
    )
    fields: dict[str, object] = {
        "body": body,
        "read": lambda body, auth: parse_envelope(body),
        "auth": Auth(KEY, 7, "demo/1.0", False, "header"),
        "path_project": 7,
        "received_unix": NOW_UNIX,
        "now_mono": 1000.0,
    }
    return run_now(explain(Ingress(**fields | facts), path.ports))  # type: ignore[arg-type]


def ends(told: Explanation) -> list[tuple[str, str, str, str, str]]:
    return [(step.stage, step.item_type, step.outcome, step.reason, step.origin) for step in told.steps if step.outcome]


HEADERS = b'{"event_id":"%b"}' % EVENT_ID.encode()


def test_a_report_that_would_be_merged_does_not_leave() -> None:
    reports = ClientReports()
    told = told_of(Path(PROJECT, reports=reports), ("client_report", b'{"discarded_events":[]}'), headers=HEADERS)
    assert ends(told) == [("scrub", "client_report", "forwarded", "merged", "")]
    assert told.kept_items == ()
    assert len(reports) == 0


def test_rules_of_traces_say_the_rate_and_the_number() -> None:
    rule = "{id: 3001, type: transaction, samplingValue: {type: sampleRate, value: 0}, condition: {op: and, inner: []}}"
    path = Path("config: {sampling: {version: 2, rules: [%s]}}" % rule)
    transaction = b'{"contexts":{"trace":{"trace_id":"%b"}}}' % EVENT_ID.encode()
    told = told_of(path, ("transaction", transaction), headers=HEADERS)
    assert ends(told) == [("sample", "transaction", "sampled", "Sampled:3000", "3001")]
    assert any("rate 0 by rules 3001" in step.text for step in told.steps)


def test_nothing_is_done() -> None:
    path = Path(PROJECT)
    for _ in range(3):
        told = told_of(path, ("event", EVENT), headers=HEADERS)
    assert told.status == 200
    assert told.kept == ((DataCategory.ERROR, 1),)
    assert told.kept_items == ("event",)
    assert told.leaves_bytes > 50
    assert told.revision
    assert not path.account.came
    assert not path.account.bookings
    assert not path.shelf.parcels


def test_the_rules_that_took_something_are_named_and_no_payload_is() -> None:
    told = told_of(Path(PROJECT), ("event", EVENT), headers=HEADERS)
    scrubbed = next(step for step in told.steps if step.stage == "scrub" and step.item_type == "event")
    assert scrubbed.text.startswith("scrubbed: ")
    assert "@email" in scrubbed.text
    assert "ana@lab" not in repr(told)


def test_headers_that_were_scrubbed_are_told_apart() -> None:
    headers = b'{"event_id":"%b","trace":{"trace_id":"%b","public_key":"%b","transaction":"ana@lab.example"}}'
    told = told_of(
        Path(PROJECT), ("event", b"{}"), headers=headers % (EVENT_ID.encode(), EVENT_ID.encode(), KEY.encode())
    )
    assert [step.item_type for step in told.steps if step.stage == "scrub"] == ["headers", "event"]


def test_a_limit_in_force_ends_it_at_the_gate() -> None:
    path = Path(PROJECT)
    limit = ActiveLimit("key", frozenset({DataCategory.ERROR}), 1060.0, "full", "q")
    path.ports.limits.learn(Scoping(KEY, 7), [limit], 1000.0)
    told = told_of(path, ("event", EVENT), headers=HEADERS)
    assert ends(told) == [("gate", "event", "rate_limited", "full", "q")]
    assert (told.status, told.retry_after_s, told.rate_limits) == (429, 60, "60:error:key:full")
    assert told.kept == ()


def test_a_filter_ends_it_and_says_which() -> None:
    told = told_of(Path(PROJECT), ("event", b'{"release":"0.9"}'), headers=HEADERS)
    assert ends(told) == [("filter", "event", "filtered", "release-version", "releases")]
    assert told.status == 200


def test_a_request_that_is_refused_whole() -> None:
    told = told_of(Path(None), ("event", EVENT), headers=HEADERS)
    assert (told.status, told.reason) == (403, "project_id")
    assert told.revision == ""
    assert ends(told)[0][:4] == ("authenticate", "event", "invalid", "project_id")


def test_without_a_key_the_envelope_says_whose_it_is() -> None:
    headers = b'{"event_id":"%b","dsn":"https://%b@o1.ingest.example/7"}' % (EVENT_ID.encode(), KEY.encode())
    told = told_of(Path(PROJECT), ("event", EVENT), headers=headers, auth=None, path_project=None)
    assert told.status == 200


def test_what_leaves_unscrubbed_is_said() -> None:
    told = told_of(
        Path("config: {scrubjay: {scrub: {on_error: forward}}}"), ("event", b'{"a":"\xff"}'), headers=HEADERS
    )
    assert any("leaves as it is" in step.text for step in told.steps)


def test_counters_are_told_as_they_are_and_left_so() -> None:
    path = Path(PROJECT, quotas=MemoryBackend(now_unix=lambda: NOW_UNIX))
    assert path.send(b'{"event_id":"%b"}\n{"type":"event"}\n{}' % EVENT_ID.encode()).status == 200
    path.ports.limits = LimitTable()
    for _ in range(2):
        told = told_of(path, ("event", EVENT), headers=HEADERS)
        assert told.status == 429
        assert ends(told) == [("limit", "event", "rate_limited", "spent", "q")]
        text = next(step.text for step in told.steps if step.stage == "limit" and not step.outcome)
        assert text.startswith("1 against quota q of organization: 1 in 60 s, 1 used, window ends in ")
    assert not len(path.ports.limits)


def test_counters_without_a_limit_and_those_that_nobody_asked_yet() -> None:
    project = PROJECT.replace("limit: 1, window", "limit: null, window")
    texts = [step.text for step in told_of(Path(project), ("event", EVENT), headers=HEADERS).steps]
    assert "1 against quota q of organization: no limit, 0 used" in texts


class Remote(MemoryBackend):
    """Knows its counters and not how far they are."""

    def rehearsal(self) -> Remote:
        return self

    def usage(self, most: int = 1000) -> list[Usage]:
        return [replace(usage, consumed=None) for usage in super().usage(most)]


def test_counters_that_only_their_authority_knows() -> None:
    path = Path(PROJECT, quotas=Remote(now_unix=lambda: NOW_UNIX))
    told_of(path, ("event", EVENT), headers=HEADERS)
    texts = [step.text for step in told_of(path, ("event", EVENT), headers=HEADERS).steps]
    assert any("1 in 60 s, use unknown, window ends in" in text for text in texts)


def test_the_rehearsed_backend_is_one_itself() -> None:
    told = Explanation()
    counting = _Counting(MemoryBackend(), told)
    assert not counting.usage()
    assert not counting.rehearsal().usage()
    run_now(counting.close())


def test_what_was_looked_at_is_told_too() -> None:
    project = (
        PROJECT
        + "  sampling: {version: 2, rules: []}\n  scrubjay: {sampling: [{id: 3000, applies: [error], rate: 0.999999}]}\n"
    )
    path = Path(project)
    limit = ActiveLimit("key", frozenset({DataCategory.SESSION}), 1060.0, "full", "q")
    path.ports.limits.learn(Scoping(KEY, 7), [limit], 1000.0)
    told = told_of(path, ("event", EVENT), headers=HEADERS)
    looked = {step.stage: step.text for step in told.steps if not step.outcome and step.stage != "scrub"}
    assert looked["gate"] == "in force: 60:session:key:full (by q)"
    assert looked["filter"].startswith("asked: ")
    assert looked["sample"].startswith("rule 3000")


def test_for_programs() -> None:
    document = told_of(Path(PROJECT), ("event", b'{"release":"0.9"}'), headers=HEADERS).document()
    assert document["leaves"] == {"items": [], "quantities": {}, "bytes": 0}


def test_stages_are_the_paths() -> None:
    assert STAGES[0] == "receive"
    assert STAGES[-1] == "hand_over"


def test_what_a_watched_quota_saw_is_said() -> None:
    project = "config: {scrubjay: {quotas: [{id: w, categories: [error], limit: 0, window: 60, action: observe}]}}"
    told = told_of(Path(project), ("event", EVENT), headers=HEADERS)
    assert told.status == 200
    assert any(step.text == "1 of error beyond quota w, of which 1 kept" for step in told.steps)


def test_what_would_wait_for_a_configuration_is_told_and_held_nowhere() -> None:
    path = PendingPath()
    told = told_of(path, ("event", EVENT), headers=HEADERS)
    assert told.status == 200
    assert [step.stage for step in told.steps if "would wait" in step.text] == ["hold"]
    assert path.room.held == []
    assert told.kept_items == ()
