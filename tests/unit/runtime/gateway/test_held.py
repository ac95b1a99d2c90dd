"""What was held, as a request again; that it leaves as if it had not waited is in core/test_pipeline_pending.py."""

from scrubjay.core.ledger import Raw
from scrubjay.core.reopened import Counted
from scrubjay.runtime.forwarding.shipment import Waiting
from scrubjay.runtime.gateway.held import ingress_of_held
from support.forwarding import ERROR, KEY, parcel

RAW = Raw(KEY, "query", "demo/1.0", "203.0.113.7", {"Sec-CH-UA": "x"}, True, "relay", "signed", True)


def test_all_that_was_said_is_said_again() -> None:
    counted = Counted(ERROR)
    given = parcel(
        "a", raw=RAW, origin="https://a.example", user_agent="ua", forwarded_for="1.2.3.4", via="x", version=6
    )
    ingress = ingress_of_held(Waiting(given, 0, 90.0), counted, now_unix=1_000.0, now_mono=100.0)
    assert ingress.auth is not None
    auth = ingress.auth
    assert (auth.key, auth.version, auth.client, auth.no_cache, auth.source) == (KEY, 6, "demo/1.0", True, "query")
    assert (ingress.client_ip, ingress.forwarded_for, ingress.client_hints) == (
        "203.0.113.7",
        "1.2.3.4",
        RAW.client_hints,
    )
    assert (ingress.origin, ingress.user_agent, ingress.via, ingress.path_project) == (
        "https://a.example",
        "ua",
        "x",
        42,
    )
    assert (ingress.relay_id, ingress.signature, ingress.is_proven) == ("relay", "signed", True)
    assert (ingress.received_unix, ingress.waited_s, ingress.delivery_id) == (1_000.0, 10.0, "id-a")
    assert ingress.counted is counted


def test_a_time_at_the_edge_of_the_calendar_stays() -> None:
    body = b'{"sent_at":"9999-12-31T23:59:59Z"}\n{"type":"event","length":2}\n{}\n'
    given = parcel("a", raw=RAW, body=body)
    ingress = ingress_of_held(Waiting(given, 0, 90.0), Counted(ERROR), now_unix=1_000.0, now_mono=100.0)
    assert ingress.read(ingress.body, ingress.auth).headers["sent_at"] == "9999-12-31T23:59:59Z"


def test_a_clock_that_ran_back_means_no_wait() -> None:
    ingress = ingress_of_held(Waiting(parcel("a", raw=RAW), 0, 110.0), Counted(ERROR), now_unix=1.0, now_mono=100.0)
    assert ingress.waited_s == 0.0
