"""Faults as a client meets them, over sockets (`capture.md` 13)."""

import json
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest

from scrubjay.capture_client import ApiError
from scrubjay.core.capture.faults import Faults
from scrubjay.runtime.endpoints.capture.faults import routes, striking
from scrubjay.runtime.endpoints.front import Route
from support.posting import post


def test_a_status_with_body_and_headers_as_often_as_wanted(share):
    share.faults({"action": "status", "code": 503, "body": "gone", "headers": {"X-Why": "test"}, "times": 1})
    status, headers, body = post(share)
    assert (status, headers["X-Why"], body) == (503, "test", b"gone")
    assert post(share)[0] == 200
    share.one()


def test_a_status_without_a_body_says_that_it_was_asked_for(share):
    share.faults({"action": "status", "headers": {"Retry-After": "3"}})
    status, headers, body = post(share)
    assert (status, headers["Retry-After"], headers["Content-Type"][:16]) == (500, "3", "application/json")
    assert json.loads(body) == {"detail": "a fault that was asked for"}
    share.none(within=0)


def test_a_rate_limit_in_both_headers(share):
    share.faults({"action": "rate_limit", "categories": ["error", "log_item"], "seconds": 7})
    status, headers, _ = post(share)
    assert (status, headers["Retry-After"]) == (429, "7")
    assert headers["X-Sentry-Rate-Limits"] == "7:error;log_item:organization:injected_fault"


def test_a_delay(share):
    share.faults({"action": "delay", "ms": 150, "jitter_ms": 10})
    began = time.perf_counter()
    assert post(share)[0] == 200
    assert time.perf_counter() - began >= 0.15
    share.one()


def test_hanging_until_the_client_gives_up(share):
    share.faults({"action": "hang", "times": 1})
    with pytest.raises(TimeoutError):
        post(share, timeout_s=0.1)
    share.none(within=0)
    assert post(share)[0] == 200


def test_a_reset(share):
    share.faults({"action": "reset"})
    with pytest.raises(ConnectionResetError):
        post(share)


def test_reading_slowly(share):
    share.faults({"action": "slow_read", "bytes_per_s": 2000})
    began = time.perf_counter()
    assert post(share, ("event", {"message": "x" * 400}))[0] == 200
    assert time.perf_counter() - began >= 0.2
    assert share.one().title == "x" * 200


def test_nonsense_in_place_of_an_answer(share):
    share.faults({"action": "bad_json"})
    status, _, body = post(share)
    assert status == 200
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(body)
    share.one()


def test_what_is_refused_anyway_stays_so_where_answers_are_nonsense(share):
    share.faults({"action": "bad_json"})
    status, _, body = post(share, ("event", "[1]"), path=f"/api/{share.project}/envelope/?sentry_key=short")
    assert status == 400
    assert "detail" in json.loads(body)


def test_only_envelopes_with_such_an_item(share):
    share.faults({"action": "status", "code": 500, "match": {"item_type": "transaction"}})
    assert post(share)[0] == 200
    assert share.one().title == "hello"
    assert post(share, ("event", {}), ("transaction", {}))[0] == 500


def test_bodies_that_are_no_envelopes_are_what_becomes_of_them(share):
    share.faults({"action": "status", "match": {"item_type": "event"}})
    assert post(share, path=f"/api/{share.project}/store/", body=b'{"message": "x"}')[0] == 500
    assert post(share, body=b"nonsense")[0] == 400
    assert post(share, path=f"/api/{share.project}/cron/nightly/", body=b"")[0] != 500


async def test_what_forwards_is_struck_by_nobody():
    table = [Route("POST", "/stream", None, "spotlight")]
    assert striking(table, SimpleNamespace(capture=None)) == table
    sink = SimpleNamespace(is_tee=True, faults=Faults())
    site = SimpleNamespace(guard=lambda handler: handler, sink=sink)
    put = next(route.handler for route in routes(site) if route.method == "PUT")
    assert (await put(SimpleNamespace(query={}))).status == 409


def test_a_fault_that_is_no_json_is_refused(share):
    with pytest.raises(ApiError, match="JSON"):
        share._client._ask("PUT", "/faults", body=b"{")


def test_only_such_a_path_and_bodies_that_are_no_envelopes(share):
    store = f"/api/{share.project}/store/"
    share.faults({"action": "status", "match": {"item_type": "event", "path": "/api/*/store"}})
    assert post(share)[0] == 200
    assert post(share, path=store)[0] == 500


def test_a_tunnel_is_struck_by_whose_the_envelope_is(sink, share):
    share.faults({"action": "status", "code": 503})
    assert post(share, path="/tunnel", dsn=share.dsn)[0] == 503
    other = sink.capture()
    assert post(other, path="/tunnel", dsn=other.dsn)[0] == 200
    assert other.one().summary["via"] == "tunnel"


def test_capture_14_faults_of_one_test_do_not_strike_another(sink, share):
    other = sink.capture()
    share.faults({"action": "reset"})
    assert post(other)[0] == 200
    with pytest.raises(ValueError, match="only project"):
        share.faults({"action": "reset", "match": {"project": str(other.project)}})


def test_a_typing_error_is_told_and_changes_nothing(share):
    share.faults({"action": "status", "code": 503})
    with pytest.raises(ValueError, match="did you mean 'hang'"):
        share.faults({"action": "hng"})
    assert post(share)[0] == 503


def test_what_is_in_force_is_shown_and_ends_when_it_is_told_to(sink, share):
    share.faults({"action": "status", "code": 503})
    sink._client.inject([{"action": "delay", "match": {"path": "/stream"}}])  # whoever names no project replaces all
    share.faults({"action": "reset"})
    post_quietly(share)
    (shown,) = sink._client.faults(str(share.project))["faults"]
    assert (shown["action"], shown["hits"], shown["match"]) == ("reset", 1, {"project": str(share.project)})
    assert [fault["action"] for fault in sink._client.faults()["faults"]] == ["delay", "reset"]
    assert sink._client.heal() == {"removed": 2}
    with pytest.raises(ApiError, match="unknown parameter 'projet'"):
        sink._client._ask("GET", "/faults", {"projet": "1"})


def post_quietly(share):
    with suppress(ConnectionError):
        post(share)
