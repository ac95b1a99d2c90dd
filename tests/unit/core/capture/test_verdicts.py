from scrubjay.core.capture.expectations import Trial, parse_assertion
from scrubjay.core.capture.near import NearMisses
from scrubjay.core.capture.verdicts import report
from support.founds import NOW, Shelf


def judged(shelf, *expectations):
    trials = [Trial(one) for one in parse_assertion({"expect": list(expectations)}, now_unix=NOW).expectations]
    near = {}
    for place, trial in enumerate(trials):
        trial.look(shelf.founds[::-1])
        if trial.matched < trial.expectation.least:
            misses = NearMisses(trial.expectation.query)
            misses.look(shelf.founds)
            near[place] = misses.misses
    return report(trials, near, 0.0123)


def test_what_holds_is_said_in_a_line():
    shelf = Shelf()
    shelf.event()
    told = judged(shelf, {"name": "one error", "match": {"type": "error"}, "count": 1})
    assert told == {
        "passed": True,
        "waited_ms": 12,
        "expectations": [
            {"name": "one error", "passed": True, "matched": 1, "wanted": {"min": 1, "max": 1}, "problems": []}
        ],
        "text": "all 1 expectations hold\nok   one error: 1 matching, 1 expected",
    }


def test_capture_10_what_fails_says_why_and_what_came_near():
    shelf = Shelf()
    shelf.event(message="charged\x1b[31m", level="info")
    told = judged(
        shelf,
        {"name": "fatal\nones", "match": {"level": "fatal"}},
        {"match": {"type": "error"}, "each": {"level": "error"}},
        {"match": {"type": "error"}, "any": {"level": "error", "user.id": "7"}},
    )
    record_id = shelf.founds[0].id
    assert told["passed"] is False
    assert told["text"].splitlines() == [
        "3 of 3 expectations failed",
        "FAIL fatal�ones: 0 matching, at least 1 expected",
        "     looked for level=fatal; nearest:",
        f'     - error "charged�[31m" ({record_id}): wanted level=fatal, but info',
        "FAIL expectation 2: 1 matching, at least 1 expected",
        f'     error "charged�[31m" ({record_id}): expected level=error, got info',
        "FAIL expectation 3: 1 matching, at least 1 expected",
        "     none of them has level=error and user.id=7",
    ]
    first, second, third = told["expectations"]
    assert first["near_misses"][0]["failed"] == [{"condition": "level=fatal", "actual": ["info"]}]
    assert second["problems"][0]["problem"] == "expected level=error, got info"
    assert third["any_missing"] == ["level=error", "user.id=7"]
    assert first["wanted"] == {"min": 1}


def test_nothing_at_all_came():
    told = judged(Shelf(), {}, {"match": {"level": "fatal"}})
    assert told["text"].splitlines()[1:] == [
        "FAIL expectation 1: 0 matching, at least 1 expected",
        "     looked for any record; nothing else was captured",
        "FAIL expectation 2: 0 matching, at least 1 expected",
        "     looked for level=fatal; nothing else was captured",
    ]


def test_of_many_problems_some_are_told():
    shelf = Shelf()
    for _ in range(13):
        shelf.event()
    told = judged(shelf, {"each": {"level": "fatal"}})
    assert told["expectations"][0]["problems_total"] == 13
    assert told["text"].splitlines()[-1] == "     and 3 more"
