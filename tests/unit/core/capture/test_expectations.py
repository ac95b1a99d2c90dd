import pytest

from scrubjay.core.capture.expectations import MAX_PROBLEMS, Trial, parse_assertion
from scrubjay.core.capture.values import BadQuery
from support.founds import NOW, Shelf, event

CHECKOUT = {
    "name": "one checkout error",
    "match": {"type": "error", "exception": "ValueError", "tag.area": "cart"},
    "count": 1,
    "each": {"path:/user/id": "7", "path:/request/data/card": "[creditcard]"},
}
EVENT = {
    "exception": [{"type": "ValueError"}],
    "tags": {"area": "cart"},
    "user": {"id": 7},
    "request": {"data": {"card": "[creditcard]"}},
}


def trial(expectation, *founds, **assertion):
    (expected,) = parse_assertion({"expect": [expectation], **assertion}, now_unix=NOW).expectations
    judged = Trial(expected)
    judged.look(founds)
    return judged


def test_capture_10_the_example_of_the_specification():
    assert trial(CHECKOUT, event(**EVENT), event()).passed
    assert not trial(CHECKOUT).passed
    judged = trial(CHECKOUT, event(**EVENT | {"user": {"id": 8}}))
    assert not judged.passed
    assert [one.text for one in judged.problems] == ["expected path:/user/id=7, got 8"]
    assert trial({"match": {"type": "*"}, "absent": {"regex": r"[\w.]+@[\w.]+"}}, event(**EVENT)).passed
    judged = trial({"match": {"type": "*"}, "absent": {"regex": r"[\w.]+@[\w.]+"}}, event(message="to a@b.c"))
    assert [one.text for one in judged.problems] == ['/message holds "a@b.c"']
    assert trial({"match": {"has": "suspects"}, "count": 0}, event()).passed


@pytest.mark.parametrize(
    ("count", "passing", "wanted"),
    [
        (2, [2], "2"), (0, [0], "0"), ({"min": 1}, [1, 2, 3], "at least 1"), ({"max": 1}, [0, 1], "0 to 1"),
        ({"min": 1, "max": 2}, [1, 2], "1 to 2"), ({"min": 0}, [0, 1, 2, 3], "any number"), (None, [1, 2, 3], "at least 1"),
    ],
)  # fmt: skip
def test_counts(count, passing, wanted):
    expectation = {} if count is None else {"count": count}
    for number in range(4):
        judged = trial(expectation, *[event()] * number)
        assert judged.passed is (number in passing)
        assert judged.expectation.wanted == wanted
        assert judged.doomed is (number > max(passing) and max(passing) < 3)


def test_what_is_beyond_a_count_is_named():
    judged = trial({"count": 1}, event(message="a"), event(message="b"), event(message="c"))
    assert [(one.title, one.text) for one in judged.problems] == [("b", "is one too many"), ("c", "is one too many")]
    assert [one.text for one in trial({"count": 0}, event()).problems] == ["should not be there"]


def test_absent_alone_wants_no_match():
    assert trial({"absent": {"text": "x"}}).passed
    assert not trial({"absent": {"text": "x"}, "any": {"level": "error"}}).passed


def test_any_wants_one_that_meets_everything():
    expectation = {"any": {"level": "fatal", "path:/n": 5}}
    assert trial(expectation, event(level="fatal"), event(level="fatal", n=5), event(n=5)).passed
    judged = trial(expectation, event(level="fatal"), event(n=5))
    assert not judged.passed
    assert not judged.any_held
    assert not judged.doomed, "another may come"


def test_alternatives_numbers_and_truth():
    expectation = {"match": {"level": ["error", "fatal"]}, "each": {"path:/n": [5, True, None]}}
    assert trial(expectation, event(n=5), event(n=True, level="fatal"), event(n=None), event(level="info")).matched == 3
    assert trial(expectation, event(n=5), event(n=True)).passed
    assert not trial(expectation, event(n=6)).passed


def test_since_is_for_all_that_say_nothing_else():
    shelf = Shelf()
    shelf.event(message="before")
    mark = shelf.store.newest_id
    founds = [*shelf.founds, shelf.event()]
    assert trial({}, *founds, since=mark).matched == 1
    assert trial({"match": {"since": "1h"}}, *founds, since=mark).matched == 2


def test_problems_are_counted_beyond_what_is_told():
    judged = trial({"each": {"level": "fatal"}}, *[event() for _ in range(MAX_PROBLEMS + 5)])
    assert len(judged.problems) == MAX_PROBLEMS
    assert judged.problem_count == MAX_PROBLEMS + 5
    assert judged.problems[0].document() | {"id": ""} == {
        "id": "", "type": "error", "title": "event", "problem": "expected level=fatal, got error",
    }  # fmt: skip
    judged.restart()
    assert (judged.matched, judged.problem_count, judged.problems) == (0, 0, [])


def test_times_and_what_has_to_be_known():
    asked = parse_assertion({"within_ms": 3000, "settle_ms": 100.5, "expect": [{}]}, now_unix=NOW)
    assert (asked.within_s, asked.settle_s, asked.needs_reports) == (3.0, 0.1005, False)
    assert parse_assertion({"expect": [{}, {"match": {"has": "suspects"}}]}, now_unix=NOW).needs_reports
    assert parse_assertion({"expect": [{"each": {"rule": "@email"}}]}, now_unix=NOW).needs_reports


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "an object with `expect`"),
        ({}, "expect: a list of 1 to 100"),
        ({"expect": []}, "expect: a list"),
        ({"expect": [{}] * 101}, "expect: a list"),
        ({"expekt": [{}]}, "assertion: unknown member 'expekt'; did you mean 'expect'"),
        ({"expect": [{}], "since": 5}, "since: a mark"),
        ({"expect": [{}], "since": "never"}, r"expect\[0\]: since: 'never'"),
        ({"expect": [{}], "within_ms": 60_001}, "within_ms: a number from 0 to 60000"),
        ({"expect": [{}], "settle_ms": True}, "settle_ms: a number"),
        ({"expect": [5]}, r"expect\[0\]: not an object"),
        ({"expect": [{"name": 5}]}, "name: not a text"),
        ({"expect": [{"mach": {}}]}, r"expect\[0\]: unknown member 'mach'; did you mean 'match'"),
        ({"expect": [{"match": {"levle": "x"}}]}, r"expect\[0\]: unknown parameter 'levle'; did you mean 'level'"),
        ({"expect": [{"match": []}]}, "match: an object"),
        ({"expect": [{"each": {"type": "eror"}}]}, "did you mean 'error'"),
        ({"expect": [{"count": -1}]}, "count: a number"),
        ({"expect": [{"count": True}]}, "count: a number"),
        ({"expect": [{"count": {}}]}, "count: a number"),
        ({"expect": [{"count": {"min": 2, "max": 1}}]}, "count: a number"),
        ({"expect": [{"count": {"least": 2}}]}, "count: unknown member 'least'"),
        ({"expect": [{"absent": "x"}]}, "absent: {"),
    ],
)
def test_capture_10_typing_errors_are_errors(document, problem):
    with pytest.raises(BadQuery, match=problem):
        parse_assertion(document, now_unix=NOW)
