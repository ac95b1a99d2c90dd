"""Reading faults and choosing among them; doing them is tested over sockets (`integration/test_capture_faults.py`)."""

import pytest

from scrubjay.core.capture.faults import MAX_FAULTS, Faults, parse_faults
from scrubjay.core.capture.values import BadQuery

PATH = "/api/7/envelope/"
EVENT = frozenset({"event"})


def never() -> float:
    raise AssertionError("nothing is left to chance")


def in_force(*entries, project=""):
    faults = Faults()
    faults.put(parse_faults(list(entries), project), project)
    return faults


def test_every_action_has_its_parameters_and_says_what_holds():
    entries = [
        {"action": "status", "code": 503, "body": "no", "headers": {"X-Why": "a test"}},
        {"action": "rate_limit", "categories": ["error", "log_item"], "seconds": 5},
        {"action": "delay", "ms": 20, "jitter_ms": 5},
        {"action": "hang"},
        {"action": "reset"},
        {"action": "slow_read", "bytes_per_s": 10},
        {"action": "bad_json"},
    ]
    common = {"match": {}, "times": None, "left": None, "probability": 1, "hits": 0}
    assert in_force(*entries).documents() == [entry | common for entry in entries]


def test_what_is_not_given_has_a_default():
    (shown,) = in_force({"action": "rate_limit"}).documents()
    assert (shown["seconds"], shown["categories"]) == (60, [])
    (fault,) = parse_faults({"faults": [{"action": "status"}]})
    assert fault.number("code") == 500


def test_the_first_that_matches_strikes_as_often_as_it_may():
    faults = in_force({"action": "reset", "times": 2}, {"action": "hang"})
    struck = [faults.strike("7", PATH, EVENT, never) for _ in range(3)]
    assert [fault.action for fault in struck if fault] == ["reset", "reset", "hang"]
    assert [fault["left"] for fault in faults.documents()] == [0, None]
    assert [fault["hits"] for fault in faults.documents()] == [2, 1]


@pytest.mark.parametrize(
    ("match", "strikes"),
    [
        ({"project": "7"}, True),
        ({"project": 7}, True),
        ({"project": "8"}, False),
        ({"item_type": "event"}, True),
        ({"item_type": "log"}, False),
        ({"path": "/api/*/envelope"}, True),
        ({"path": "/api/7/envelope/"}, True),
        ({"path": "/stream"}, False),
    ],
)
def test_what_a_fault_matches(match, strikes):
    faults = in_force({"action": "hang", "match": match})
    assert (faults.strike("7", PATH, EVENT, never) is not None) is strikes
    assert faults.asks_for_items("7", PATH) is ("item_type" in match)


def test_chance_is_the_callers():
    faults = in_force({"action": "hang", "probability": 0.25})
    assert faults.strike("7", PATH, EVENT, lambda: 0.25) is None
    assert faults.strike("7", PATH, EVENT, lambda: 0.24) is not None
    assert faults.documents()[0]["hits"] == 1


def test_faults_of_one_project_come_and_go_alone():
    faults = in_force({"action": "hang"}, {"action": "reset", "match": {"project": "7"}})
    faults.put(parse_faults([{"action": "bad_json"}], "7"), "7")
    assert [fault["action"] for fault in faults.documents()] == ["hang", "bad_json"]
    assert [fault["match"] for fault in faults.documents("7")] == [{"project": "7"}]
    assert faults.remove("7") == 1
    assert (len(faults), faults.remove(), len(faults)) == (1, 1, 0)


def test_too_many_change_nothing():
    faults = in_force({"action": "hang"})
    with pytest.raises(BadQuery, match=f"at most {MAX_FAULTS}"):
        faults.put(parse_faults([{"action": "hang"}] * (MAX_FAULTS + 1)))
    assert repr(faults) == "<Faults 1>"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"action": "hang"}, "a list of faults"),
        (["hang"], r"faults\[0\]: an object"),
        ([{"action": "hangs"}], r"faults\[0\].action: unknown: 'hangs'; did you mean 'hang'"),
        ([{}], "action: unknown: None"),
        ([{"action": "hang", "time": 1}], "time: unknown here; did you mean 'times'"),
        ([{"action": "hang", "code": 500}], "code: unknown here"),
        ([{"action": "hang", "match": []}], "match: an object"),
        ([{"action": "hang", "match": {"projct": "1"}}], "match.projct: unknown here; did you mean 'project'"),
        ([{"action": "hang", "match": {"path": 1}}], "match.path: a short text"),
        ([{"action": "hang", "match": {"project": "8"}}], "only project 7"),
        ([{"action": "hang", "match": {"item_type": "error"}}], "'event'"),
        ([{"action": "hang", "times": 0}], "times: 0 is no number from 1"),
        ([{"action": "hang", "times": True}], "times: True is no number"),
        ([{"action": "hang", "probability": 2}], "probability: 2 is no number from 0 to 1"),
        ([{"action": "status", "code": 99}], "code: 99 is no number from 200 to 599"),
        ([{"action": "status", "body": 1}], "body: a text"),
        ([{"action": "status", "headers": {"X": "a\r\nb"}}], "headers: an object of printable texts"),
        ([{"action": "status", "headers": {"X": 1}}], "headers: an object of printable texts"),
        ([{"action": "rate_limit", "categories": "error"}], "categories: a list"),
        ([{"action": "rate_limit", "categories": ["eror"]}], "categories: unknown: 'eror'; did you mean 'error'"),
        ([{"action": "rate_limit", "seconds": "5"}], "seconds: '5' is no number"),
        ([{"action": "delay", "ms": -1}], "ms: -1 is no number"),
        ([{"action": "slow_read", "bytes_per_s": 0}], "bytes_per_s: 0 is no number"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_says_where_and_what_would_do(document, said):
    with pytest.raises(BadQuery, match=said):
        parse_faults(document, "7")
