import pytest

from scrubjay.core.capture.query import WAITING, BadQuery, Query, parse_query, select
from scrubjay.core.capture.records import Record

NOW = 1_800_000_000.0


def capture_id(number):
    return f"01a20300-ae0d-7136-a7a0-{number:012x}"


def record(number=1, suffix="-0", message="boom", **summary):
    facts = {
        "type": "error",
        "capture_id": capture_id(number),
        "received_at": "2027-01-15T08:00:00.000Z",
        "project": "1",
    }
    return Record(capture_id(number) + suffix, 0, facts | {"title": message} | summary, message)


def query(*params, **changes):
    return parse_query(params, now_unix=NOW, **changes)


@pytest.mark.parametrize(
    ("params", "matching", "other"),
    [
        ([("type", "error")], {}, {"type": "log"}),
        ([("type", "error"), ("type", "log")], {"type": "log"}, {"type": "span"}),
        ([("project", "1")], {}, {"project": "2"}),
        ([("key", "abc")], {"public_key": "abc"}, {}),
        ([("level", "error"), ("level", "fatal")], {"level": "fatal"}, {"level": "info"}),
        ([("event_id", "AAAAAAAA-0000-0000-0000-000000000000")], {"event_id": "a" * 8 + "0" * 24}, {"event_id": "b"}),
        ([("trace_id", "t")], {"trace_id": "t"}, {"trace_id": "u"}),
        ([("environment", "dev")], {"environment": "dev"}, {}),
        ([("release", "r")], {"release": "r"}, {"release": "s"}),
        ([("platform", "python")], {"platform": "python"}, {"platform": "go"}),
        ([("transaction", "/a")], {"transaction": "/a"}, {"transaction": "/b"}),
        ([("message", "OOM"), ("message", "ä")], {}, {"message": "bom"}),
        ([("type", "error"), ("project", "2")], {"project": "2"}, {"project": "2", "type": "log"}),
        ([("since", capture_id(5))], {"number": 6}, {"number": 5}),
        ([("since", "2027-01-15T08:00:00Z")], {}, {"received_at": "2027-01-15T07:59:59.999Z"}),
        ([("since", "1800000000")], {}, {"received_at": "2027-01-15T07:59:59.999Z"}),
        ([("since", "90s")], {"received_at": "2027-01-15T07:58:30.000Z"}, {"received_at": "2027-01-15T07:58:29.999Z"}),
        ([("since", "250ms")], {}, {"received_at": "2027-01-15T07:59:59.749Z"}),
        ([("since", "999999999d")], {"received_at": "1970-01-01T00:00:00.000Z"}, {"number": 1, "type": "x", "received_at": ""}),
    ],
)  # fmt: skip
def test_each_filter_takes_what_it_should_and_no_more(params, matching, other):
    asked = query(*params)
    assert asked.matches(record(**matching))
    assert not asked.matches(record(**other))


def test_without_filters_everything_matches():
    assert query() == Query()
    assert query().matches(record())


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ([("typ", "error")], "unknown parameter 'typ'; did you mean 'type'"),
        ([("count", "1")], "unknown parameter 'count'"),
        ([("zzzzzz", "1")], "unknown parameter 'zzzzzz'; accepted: type, project"),
        ([("type", "eror")], "unknown type 'eror'; did you mean 'error'"),
        ([("since", "yesterday")], "since: 'yesterday'"),
        ([("since", "12parsecs")], "since: '12parsecs'"),
        ([("limit", "0")], "limit: '0' is no number from 1 to 500"),
        ([("limit", "501")], "limit"),
        ([("limit", "many")], "limit"),
        ([("limit", "nan")], "limit"),
    ],
)
def test_typing_errors_are_errors(params, problem):
    with pytest.raises(BadQuery) as raised:
        query(*params)
    assert problem in str(raised.value)


def test_waiting_has_parameters_of_its_own():
    asked = query(("count", "3"), ("timeout", "0.5"), ("limit", "7"), also=WAITING)
    assert (asked.count, asked.timeout_s, asked.limit) == (3, 0.5, 7)
    with pytest.raises(BadQuery, match="timeout"):
        query(("timeout", "61"), also=WAITING)


def test_empty_values_are_defaults_and_the_last_of_several_counts():
    assert query(("limit", ""), ("since", ""), ("cursor", "")) == Query()
    assert query(("limit", "3"), ("limit", "4")).limit == 4


def test_a_list_is_cut_and_says_so():
    everything = [record(number) for number in (9, 8, 7)]
    answer = select(everything, query(("limit", "2")))
    assert [event["capture_id"] for event in answer["events"]] == [capture_id(9), capture_id(8)]
    assert (answer["more"], answer["matched"], answer["total"]) == (True, 3, 3)
    assert answer["cursor"] == capture_id(8) + "-0"


def test_a_list_that_is_whole_has_no_cursor():
    answer = select([record(), record(type="log")], query(("type", "log")))
    assert (len(answer["events"]), answer["more"], answer["matched"], answer["total"]) == (1, False, 1, 2)
    assert "cursor" not in answer


def test_cursors_walk_through_everything_once_even_when_new_ones_arrive():
    everything = [record(9), *(record(8, f"-0.{n}") for n in range(12)), record(8, "-1"), record(7)]
    everything = [Record(one.id, 0, one.summary | {"id": one.id}, one.message) for one in everything]
    seen, cursor = [], ""
    while True:
        answer = select(everything, query(("limit", "3"), ("cursor", cursor)))
        seen += [event["id"] for event in answer["events"]]
        if not answer["more"]:
            break
        cursor = answer["cursor"]
        everything.insert(0, Record(capture_id(99) + "-0", 0, record(99).summary | {"id": "new"}, ""))
    assert seen == [one.id for one in everything if one.summary["id"] != "new"]
