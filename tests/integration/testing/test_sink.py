"""What third parties' tests do with a sink: start it, ask it, be told why not, stop it (`capture.md` 12)."""

import logging
import os
import socket
import time
from threading import Thread

import pytest

from scrubjay.testing import CaptureSink, SinkFailed
from scrubjay.testing.housing import InThread, Lodging
from support.posting import post

MAIL = "mail to ana@lab.example"


def test_capture_14_two_tests_that_overlap_do_not_see_each_other(sink):
    one, other = sink.capture(), sink.capture()
    assert one.dsn != other.dsn
    senders = [
        Thread(target=post, args=(share, ("event", {"message": name}))) for share, name in ((one, "a"), (other, "b"))
    ]
    for sender in senders:
        sender.start()
    assert (one.one().title, other.one().title) == ("a", "b")
    assert one.clear() == 1
    assert (one.events(), [event.title for event in other.events()]) == ([], ["b"])
    assert {"a", "b"}.isdisjoint(event.title for event in sink.events(project=0))
    for sender in senders:
        sender.join()


def test_capture_14_a_failure_says_what_nearly_matched_and_what_arrived(share):
    post(share, ("event", {"message": "one\x1b[31m", "level": "warning", "tags": {"area": "cart"}}))
    post(share, ("transaction", {"transaction": "/checkout"}))
    share.wait(2)
    with pytest.raises(AssertionError) as failure:
        share.one(type="error", level="fatal", within=0)
    text = str(failure.value)
    assert text.startswith("exactly one record with type=error level=fatal wanted, none found")
    nearly, arrived = text.split("Nearly:")[1].split("Arrived (2):")
    assert "but it has warning" in nearly
    assert ("area=cart" in arrived, "/checkout" in arrived, "\x1b" in text) == (True, True, False)


def test_one_too_many_is_a_failure_and_is_shown(share):
    for _ in range(2):
        post(share)
    with pytest.raises(
        AssertionError, match=r"wanted, 2 found(?s:.*)Matching:\n  error error +hello\n  error error +hello"
    ):
        share.one(type="error")
    assert len(share.wait(2, type="error")) == 2


def test_nothing_arrived_says_where_something_did(sink, share):
    with pytest.raises(AssertionError, match=r"Was the SDK started with this test's DSN(?s:.*)The DSN is http"):
        share.wait(1, within=0)
    other = sink.capture()
    post(other)
    other.one()
    with pytest.raises(AssertionError, match=f"for project .*{other.project}"):
        share.one(within=0)


def test_none_says_what_is_there_against_expectation(share):
    share.none(within=0)
    post(share)
    with pytest.raises(AssertionError, match=r"no record with type=error wanted, 1 found:\n  error error +hello"):
        share.none(type="error")
    share.none(type="transaction", within=0)


def test_a_typing_error_cannot_make_a_test_pass(share):
    with pytest.raises(ValueError, match="did you mean 'type'"):
        share.none(typ="error", within=0)
    with pytest.raises(TypeError, match="level"):
        share.events(level=None)
    with pytest.raises(TypeError, match="tags"):
        share.events(level={"a": "b"})


def test_filters_in_the_forms_of_python(share):
    post(share, ("event", {"message": MAIL, "tags": {"area": "cart"}, "user": {"id": "7"}, "extra": {"n": 42}}))
    event = share.one(
        type=("error", "log"), tags={"area": "cart"}, user={"id": 7}, path={"/extra/n": 42}, since=share.mark
    )
    assert event == share.events(event_id=event.event_id)[0]
    assert (event.title, event.message, event.tags, event.user["id"]) == (
        "mail to [email]",
        "mail to [email]",
        {"area": "cart"},
        "7",
    )
    assert event.at("/extra/n") == 42
    assert share.events(since=share.new_mark()) == []
    with pytest.raises(LookupError, match="'m' is not there"):
        event.at("/extra/m")


def test_what_scrubbing_did_and_did_not(share):
    post(share, ("event", {"message": MAIL, "extra": {"note": "fine"}}))
    event = share.one()
    change = event.scrubbed("/logentry/formatted")
    assert (change.rule.partition(":")[0], change.before, change.after) == ("@email", MAIL, "mail to [email]")
    assert change in share.report(event).changes
    with pytest.raises(AssertionError, match=r"nothing at /extra/note(?s:.*)'fine'(?s:.*)/logentry/formatted  @email"):
        event.scrubbed("/extra/note")
    with pytest.raises(AssertionError, match="nothing is there"):
        event.scrubbed("/extra/else")
    share.assert_clean()


def test_what_still_looks_personal_is_named(tmp_path):
    rules = tmp_path / "rules.yml"
    rules.write_text("config: {datascrubbingSettings: {scrubData: false}}\n")
    with CaptureSink(rules=rules) as lax:
        share = lax.capture()
        with pytest.raises(AssertionError, match="nothing has arrived, so that nothing was looked at"):
            share.assert_clean()
        share.assert_clean(allow_empty=True)
        post(share, ("event", {"extra": {"note": MAIL}}))
        event = share.one()
        with pytest.raises(AssertionError, match=r"still looks personal in 1 record(?s:.*)/extra/note  email"):
            share.assert_clean()
        assert "ana@" not in str(event.report.suspects)
        with pytest.raises(AssertionError, match="address gone"):
            share.expect({"type": "error"}, absent="ana@lab.example", name="address gone", within=0)


def test_expectations_hold_or_say_why_not(sink, share):
    post(sink.capture(), ("event", {"message": "of another"}))
    post(share, ("event", {"message": "fine", "level": "info"}))
    report = share.expect({"type": "error"}, count=1, each={"level": "info"}, any={"level": "info"}, absent="ana@")
    assert report["passed"]
    with pytest.raises(AssertionError) as failure:
        share.expect({"type": "error", "level": "fatal"}, name="a fatal one", within=0)
    assert "a fatal one" in str(failure.value)
    assert "info" in str(failure.value)
    assert "of another" not in str(failure.value)


def test_logs_traces_and_exports(share):
    trace_id, span_id = "5d2c7a5e1b8f4c0e9a3d6f7081920abc", "8f4c0e9a3d6f7081"
    now = time.time()
    log = {"timestamp": now, "level": "info", "body": "paid", "trace_id": trace_id}
    span = {"span_id": "1" * 16, "parent_span_id": span_id, "trace_id": trace_id, "op": "db", "description": "SELECT 1"}
    transaction = {"type": "transaction", "transaction": "/pay", "start_timestamp": now - 1, "timestamp": now}
    transaction["contexts"] = {"trace": {"trace_id": trace_id, "span_id": span_id, "op": "http.server"}}
    transaction["spans"] = [span | {"start_timestamp": now - 0.5, "timestamp": now}]
    post(share, ("transaction", transaction))
    transaction_event = share.one(type="transaction")
    trace = share.trace(transaction_event.trace_id)
    assert (trace.trace_id, trace.span(op="db").description, trace.span(op="db").depth) == (trace_id, "SELECT 1", 1)
    with pytest.raises(AssertionError, match=r"0 spans with op='queue'(?s:.*)SELECT 1"):
        trace.span(op="queue")
    with pytest.raises(AssertionError, match=f"no trace 00000000; there are: {trace_id}"):
        share.trace("00000000")
    post(share, ("log", {"items": [log]}))
    share.wait(type="log")
    assert [line.title for line in share.logs()] == ["paid"]
    assert b"paid" in b"".join(share.ndjson())
    assert "/pay" in transaction_event.exported("json")


def test_the_addresses_of_a_share(share):
    post(share, path=share.spotlight_url.removeprefix(share.url))
    post(share, path=share.tunnel_url.removeprefix(share.url), dsn=share.dsn)
    assert [event.summary["via"] for event in share.wait(2)] == ["dsn", "tunnel"]
    assert repr(share) == f"<Capture {share.dsn}>"


def test_capture_14_open_at_once_and_stopped_at_once():
    began = time.perf_counter()
    with CaptureSink(settings={"capture.max_envelopes": "3"}) as sink:
        opened_s = time.perf_counter() - began
        with socket.create_connection(("127.0.0.1", int(sink.url.rpartition(":")[2])), 1):
            assert logging.getLogger("scrubjay").level in (logging.NOTSET, logging.CRITICAL + 10)
        post(sink)
        sink.one()
        began = time.perf_counter()
    assert opened_s < 3
    assert time.perf_counter() - began < 5
    with pytest.raises(SinkFailed, match="stopped"):
        sink.events()
    sink.close()


def test_rules_that_cannot_be_used_are_told_to_whoever_asks(tmp_path):
    rules = tmp_path / "rules.yml"
    rules.write_text("applications: {$nowhere: ['@email']}\n")
    with CaptureSink(rules=rules) as sink, pytest.raises(SinkFailed, match="nowhere"):
        sink.events()


def test_rules_of_ones_own(tmp_path):
    rules = tmp_path / "rules.yml"
    rules.write_text("applications: {$message: ['@anything:hash']}\n")
    with CaptureSink(rules=rules) as sink:
        post(sink, ("event", {"message": "secret"}))
        assert sink.one().title != "secret"


def test_a_configuration_folder(tmp_path):
    (tmp_path / "scrubjay.yaml").write_text("relay: {mode: static, upstream: 'http://127.0.0.1:1/'}\n")
    with CaptureSink(config=tmp_path, originals="none") as sink:
        post(sink, ("event", {"message": MAIL}))
        event = sink.one()
        assert event.title == "mail to [email]"
        assert event.scrubbed("/logentry/formatted").before is None


def test_stopping_what_still_loads():
    sink = CaptureSink()
    sink.close()
    with pytest.raises(SinkFailed):
        sink.events()


def test_a_process_of_its_own_and_a_client_of_it(tmp_path):
    with CaptureSink(process=True) as sink:
        post(sink)
        other = CaptureSink(url=f"{sink.url}/")
        assert other.one().title == "hello"
        other.close()
        sink.one()
    with pytest.raises(SinkFailed, match="ended with status"):
        sink.events()
    with pytest.raises(TypeError, match="alone"):
        CaptureSink(url=sink.url, process=True)
    rules = tmp_path / "rules.yml"
    rules.write_text("nonsense: {}\n")
    with pytest.raises(SinkFailed, match="no rules in it"):
        CaptureSink(process=True, rules=rules)


def test_a_forked_process_leaves_its_parents_sink_alone(sink, share):
    child = os.fork()
    if not child:
        sink.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    post(share)
    share.one()


def test_a_port_that_is_taken_is_told_at_once(sink):
    with pytest.raises(SinkFailed, match="cannot listen on port"):
        InThread(Lodging(), int(sink.url.rpartition(":")[2]))
