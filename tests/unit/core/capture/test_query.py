import pytest

from scrubjay.core.capture.query import MAX_PARAMETERS, PAGING, WAITING, BadQuery, Query, names, parse_query
from support.founds import NOW, Shelf, event


def query(*params, also=()):
    return parse_query(params, now_unix=NOW, also=also)


@pytest.mark.parametrize(
    ("params", "matching", "other"),
    [
        ([("type", "error"), ("type", "log")], {}, None),
        ([("type", "error"), ("environment", "dev")], {"environment": "dev"}, {}),
        ([("level", "error"), ("level", "fatal")], {"level": "fatal"}, {"level": "info"}),
        ([("level>", "warning")], {"level": "warning"}, {"level": "info"}),
        ([("level>warning", "")], {"level": "error"}, {"level": "warning"}),
        ([("level<", "warning")], {"level": "info"}, {"level": "error"}),
        ([("size<200", "")], {}, {"message": "x" * 200}),
        ([("message", "OOM"), ("message", "ä")], {"message": "Ä"}, {"message": "bom"}),
        ([("tag.a>b", "c")], {"tags": {"a>b": "c"}}, {"tags": {"a>b": "d"}}),
        ([("path:/extra/a>", "1")], {"extra": {"a>": 1}}, {"extra": {"a>": 2}}),
        ([("q", "boom level:error")], {"message": "boom"}, {"message": "boom", "level": "info"}),
        ([("since", "90s")], {}, None),
        ([("since", ""), ("until", "")], {}, None),
        ([("until", "0s"), ("user.id", "7")], {"user": {"id": 7}}, {"user": {"id": 8}}),
    ],
)
def test_capture_10_parameters_all_hold(params, matching, other):
    asked = query(*params)
    assert asked.matches(event(**matching))
    assert other is None or not asked.matches(event(**other))


FRAMES = [{"filename": "app.py", "in_app": True}, {"filename": "lib.py", "in_app": False}]


@pytest.mark.parametrize(
    ("params", "holds"),
    [
        ([("file", "app.py"), ("in_app", "1")], True),
        ([("file", "lib.py"), ("in_app", "1")], False),
        ([("file", "lib.py"), ("in_app", "0")], True),
        ([("file", "app.py"), ("in_app", "false")], False),
        ([("file", "lib.py"), ("in_app", "!false")], False),
        ([("file", "lib.py"), ("in_app", "*")], True),
    ],
)
def test_a_file_and_whether_it_is_ones_own_are_about_one_frame(params, holds):
    assert query(*params).matches(event(stacktrace={"frames": FRAMES})) is holds


def test_without_filters_everything_matches():
    assert query() == Query()
    assert query().matches(event())
    assert not query().looks_inside
    assert not query().needs_reports


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ([("typ", "error")], "unknown parameter 'typ'; did you mean 'type'"),
        ([("count", "1")], "unknown parameter 'count'"),
        ([("zzzzzzzz", "1")], "unknown parameter 'zzzzzzzz'; accepted: type, project"),
        ([("levle>", "error")], "unknown parameter 'levle'; did you mean 'level'"),
        ([("type", "eror")], "unknown type 'eror'; did you mean 'error'"),
        ([("since", "yesterday")], "since: 'yesterday'"),
        ([("q", "(")], "q: "),
        ([("user.idd", "7")], "unknown parameter 'user.idd'; did you mean 'user.id'"),
        ([("path:nothing", "7")], "unknown parameter"),
        ([("type", "error")] * (MAX_PARAMETERS + 1), "at most 100 parameters"),
        ([("message", "~(")], "no regular expression"),
    ],
)
def test_capture_10_typing_errors_are_errors(params, problem):
    with pytest.raises(BadQuery) as raised:
        query(*params)
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"), ("limit", "501"), ("limit", "many"), ("limit", "nan"), ("timeout", "61"), ("settle", "-1"), ("count", "x"),
        ("order", "up"), ("exactly", "maybe"), ("fields", "titel"),
    ],
)  # fmt: skip
def test_options_are_bounded(name, value):
    with pytest.raises(BadQuery, match=name):
        query((name, value), also=(*PAGING, *WAITING))


def test_options():
    asked = query(
        ("count", "3"), ("timeout", "0.5"), ("limit", "7"), ("settle", "250"), ("exactly", "1"), ("order", "asc"), ("fields", "id,/a"),
        ("after", "x"), also=(*WAITING, "after"),
    )  # fmt: skip
    assert (asked.count, asked.timeout_s, asked.limit, asked.settle_s, asked.exactly) == (3, 0.5, 7, 0.25, True)
    assert (asked.order, asked.also, asked.looks_inside) == ("asc", {"after": "x"}, True)
    assert query(("order", "desc"), ("exactly", "no"), also=(*PAGING, *WAITING)) == Query()


def test_empty_values_are_defaults_and_the_last_of_several_counts():
    also = (*PAGING, *WAITING)
    assert query(("limit", ""), ("since", ""), ("cursor", ""), ("order", ""), ("q", ""), also=also) == Query()
    assert query(("limit", "3"), ("limit", "4"), also=also).limit == 4


def test_what_is_dear_is_asked_last():
    asked = query(("exception", "E"), ("type", "error"), ("has", "suspects"))
    assert [one.name for one in asked.conditions] == ["type", "has", "exception"]
    assert asked.looks_inside
    assert asked.needs_reports


def test_names_are_all_that_may_be_asked():
    assert {"type", "tag.NAME", "since", "q", "limit"} <= set(names(("limit",)))


def test_a_mark_divides_before_from_after():
    shelf = Shelf()
    first = shelf.event()
    second = shelf.event()
    asked = query(("since", first.captured.id))
    assert [asked.matches(one) for one in (first, second)] == [False, True]
