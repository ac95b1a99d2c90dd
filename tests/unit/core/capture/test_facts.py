from scrubjay.core.capture.facts import UNKNOWN, Coming, Facts


def test_a_request_shows_what_is_known_of_it():
    coming = Coming("tunnel", "curl", "POST", "/t", "127.0.0.1", "br", 5, {"Host": "x"}, 429, 1.5)
    assert coming.request() == {
        "method": "POST",
        "path": "/t",
        "client": "127.0.0.1",
        "user_agent": "curl",
        "encoding": "br",
        "wire_bytes": 5,
        "headers": {"Host": "x"},
    }
    assert UNKNOWN.request() == {}


def test_facts_keep_their_headers():
    facts = Facts("id", 1_800_000_000.0, "", "k", {"trace": {"a": [1]}}, Coming(via="tunnel", user_agent="curl"))
    assert facts.headers == {"trace": {"a": [1]}}
    assert facts.heads_bytes == len(b'{"trace":{"a":[1]}}')
    assert (facts.via, facts.user_agent, facts.received_at) == ("tunnel", "curl", "2027-01-15T08:00:00.000Z")
    assert repr(facts) == "<Facts id of project - via tunnel>"
