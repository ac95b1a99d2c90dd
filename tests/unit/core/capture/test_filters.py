import pytest

from scrubjay.core.capture.filters import FILTERS, comparison, condition, filter_named, places, segments_of
from scrubjay.core.capture.item import Fate
from scrubjay.core.capture.values import BadQuery
from support.founds import KEY, Shelf, event, record

FRAMES = [
    {"filename": "lib/x.py", "abs_path": "/usr/lib/x.py", "in_app": False},
    {"filename": "app\\views.py", "in_app": True},
    "no frame",
]
EVENT = {
    "event_id": "a" * 32, "level": "warning", "environment": "dev", "release": "shop@1", "platform": "python", "transaction": "/a",
    "logger": "root", "message": "Out of Memory", "sdk": {"name": "sentry.python", "version": "2.30"}, "server_name": "s",
    "contexts": {"trace": {"trace_id": "b" * 32, "span_id": "c" * 16}}, "tags": {"area": "cart"},
    "user": {"id": "7", "email": "[email]"},
    "exception": {"values": [{"type": "KeyError", "stacktrace": {"frames": FRAMES}}, {"type": "ValueError", "value": "bad"}, 5]},
    "_meta": {"user": {"email": {"": {"rem": [["@email:replace", "s", 0, 7]]}}}},
}  # fmt: skip


def holds(found, name, *values):
    return all(one.test(found) for one in condition(name, values))


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("type", "error", "log"), ("type", "ERROR", "!error"), ("type", "*", "~^x"),
        ("project", "1", "2"), ("key", KEY, "f" * 32), ("level", "warn", "error"), ("level", "!error", "!warning"),
        ("outcome", "accepted", "filtered"), ("reason", "!*", "x"), ("environment", "d*", "D*"), ("release", "shop@1", "shop@2"),
        ("platform", "python", "go"), ("sdk", "sentry.python", "sentry"), ("sdk", "sentry.python/2.30", "sentry.python/2.3"),
        ("transaction", "/a", "/b"), ("logger", "root", "main"), ("trace_id", "B" * 32, "c" * 32), ("span_id", "c" * 16, "d" * 16),
        ("event_id", "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "b"), ("exception", "KeyError", "Error"),
        ("exception", "*Error", "!ValueError"), ("message", "bad", "good"), ("file", "app/views.py", "app/view.py"),
        ("file", "usr/lib/x.py", "!x.py"), ("in_app", "1", "!yes"), ("in_app", "no", "!false"), ("via", "dsn", "tunnel"),
        ("source", "server", "browser"), ("has", "stacktrace", "attachment"), ("has", "changes", "suspects"),
        ("has", "!suspects", "!changes"), ("has", "chang*", "sus*"), ("rule", "@email", "@ip"),
        ("rule", "@email:replace", "@email:remove"), ("duration", "!*", "5"), ("size", "!5", "5"), ("user.id", "7", "8"),
        ("user.email", "[email]", "a@b.c"), ("user.name", "!*", "x"), ("tag.area", "cart", "shop"), ("tag.none", "!*", "*"),
        ("path:/user/id", "7", "8"), ("path:/exception/values/1/value", "bad", "*x"), ("path:/exception/values/*/type", "ValueError", "x"),
        ("path:/nothing", "!*", "*"),
    ],
)  # fmt: skip
def test_capture_10_each_filter_takes_what_it_should_and_no_more(name, yes, no):
    found = event(**EVENT)
    assert holds(found, name, yes)
    assert not holds(found, name, no)


def test_capture_10_every_filter_of_the_table_has_a_case_above():
    cases = next(mark for mark in test_capture_10_each_filter_takes_what_it_should_and_no_more.pytestmark).args[1]
    assert {name for name, _, _ in cases} >= set(FILTERS)


def test_values_are_alternatives_and_negations_all_hold():
    found = event(level="info")
    assert holds(found, "level", "error", "info")
    assert not holds(found, "level", "!info", "!error")
    assert holds(found, "level", "info", "!error")
    assert holds(found, "message", "~x", "~event|unknown") is True


def test_what_is_shown_is_what_was_asked():
    assert [one.shown for one in condition("level", ["error", "~w", "!info"])] == ["level=!info", "level=error or ~w"]


@pytest.mark.parametrize(
    ("name", "operator", "bound", "holding", "failing"),
    [
        ("level", ">=", "warning", {"level": "warn"}, {"level": "info"}),
        ("level", ">", "warning", {"level": "error"}, {"level": "warning"}),
        ("level", "<", "info", {"level": "debug"}, {"level": "log"}),
        ("level", "<=", "info", {"level": "info"}, {"level": "weird"}),
        ("size", ">", "1kB", {"message": "x" * 1000}, {"message": "x"}),
        ("size", "<", "1 KiB", {"message": "x"}, {"message": "x" * 1100}),
    ],
)
def test_more_and_less(name, operator, bound, holding, failing):
    one = comparison(name, operator, bound)
    assert one.shown == f"{name}{operator}{bound}"
    assert one.test(event(**holding))
    assert not one.test(event(**failing))


@pytest.mark.parametrize(
    ("kind", "payload", "ms"),
    [
        ("transaction", {"start_timestamp": 10, "timestamp": 10.5}, "500.000"),
        ("span", {"start_timestamp": "10", "end_timestamp": "11.25"}, "1250.000"),
        ("check_in", {"duration": 2.5}, "2500.000"),
        ("check_in", {"duration": True}, None),
        ("session", {}, None),
        ("log", {"items": [{"body": "x"}]}, None),
    ],
)
def test_durations_are_milliseconds(kind, payload, ms):
    read = FILTERS["duration"].read(record(kind, payload))
    assert list(read) == ([] if ms is None else [ms])


def test_durations_are_compared_in_units():
    found = record("transaction", {"start_timestamp": 10, "timestamp": 10.5})
    assert comparison("duration", ">", "0.4s").test(found)
    assert comparison("duration", "<", "501").test(found)
    assert not comparison("duration", ">", "500ms").test(found)
    assert not comparison("duration", ">", "1us").test(event())


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: condition("levle", ["x"]), "unknown parameter 'levle'; did you mean 'level'"),
        (lambda: condition("type", ["eror"]), "unknown type 'eror'; did you mean 'error'"),
        (lambda: condition("has", ["suspect"]), "did you mean 'suspects'"),
        (lambda: condition("in_app", ["maybe"]), "accepted: true, false"),
        (lambda: condition("user.idd", ["x"]), "unknown parameter"),
        (lambda: condition("tag.", ["x"]), "unknown parameter"),
        (lambda: condition("path:nothing", ["x"]), "unknown parameter"),
        (lambda: condition("path:" + "/a" * 65, ["x"]), "at most 64 steps"),
        (lambda: comparison("release", ">", "1"), "only level, duration, size know more and less"),
        (lambda: comparison("level", ">", "much"), "cannot be compared with; one of trace"),
        (lambda: comparison("duration", ">", "5parsecs"), "cannot be compared"),
        (lambda: comparison("duration", ">", "5kib"), "cannot be compared"),
    ],
)
def test_typing_errors_are_errors(call, problem):
    with pytest.raises(BadQuery, match=problem):
        call()


def test_frames_of_threads_and_of_the_event_itself_count():
    assert holds(event(threads={"values": [{"stacktrace": {"frames": [{"filename": "t.py"}]}}]}), "file", "t.py")
    assert holds(event(threads=[{"stacktrace": {"frames": [{"filename": "t.py"}]}}]), "file", "t.py")
    assert holds(event(stacktrace={"frames": [{"filename": "t.py"}]}), "file", "t.py")
    assert holds(event(exception=[{"type": "E"}]), "exception", "E")


def test_attachments_and_what_came_with_one():
    error, attachment = Shelf().offer(("event", {}), ("attachment", b"x"))
    assert holds(error, "has", "attachment")
    assert holds(attachment, "has", "attachment")
    assert not holds(attachment, "file", "*")
    assert not holds(attachment, "exception", "*")


def test_what_was_dropped_says_why():
    found = record("event", {}, fate=Fate("filtered", "legacy-browsers"))
    assert holds(found, "outcome", "filtered")
    assert holds(found, "reason", "legacy-browsers")


def test_rules_without_a_second_part():
    found = event(_meta={"a": {"": {"rem": [["custom", "x"]]}}})
    assert list(FILTERS["rule"].read(found)) == ["custom"]


def test_suspects_and_an_sdk_without_a_version():
    found = event(sdk={"name": "mine"})
    found.record.scrubbed(0, (), 2)
    assert holds(found, "has", "suspects")
    assert holds(found, "sdk", "mine")


@pytest.mark.parametrize(
    ("pointer", "values"),
    [
        ("/a/b", [1]), ("/l/1", [2]), ("/l/7", []), ("/l/x", []), ("/l/٣", []), ("/l/*", [1, 2]), ("/~1x~0", [3]), ("/a/b/c", []),
        ("/*", [{"b": 1}, [1, 2], 3]),
    ],
)  # fmt: skip
def test_pointers(pointer, values):
    assert places({"a": {"b": 1}, "l": [1, 2], "/x~": 3}, segments_of(pointer)) == values


def test_what_costs_says_so():
    assert condition("has", ["changes"])[0].cost == 0
    assert condition("has", ["changes"])[0].needs_reports
    assert condition("has", ["stacktrace"])[0].cost == 1
    assert not condition("has", ["stacktrace"])[0].needs_reports
    assert condition("has", ["attachment"])[0].cost == 0
    assert condition("has", ["~x"])[0].needs_reports
    assert condition("project", ["1"])[0].is_scope
    assert filter_named("path:/a").cost == 1
