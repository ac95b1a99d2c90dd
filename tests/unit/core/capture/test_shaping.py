import pytest

from scrubjay.core.capture.shaping import KEYS, parse_fields, shaped
from scrubjay.core.capture.values import BadQuery
from support.founds import event, record

EVENT = {
    "message": "hi\nthere",
    "tags": {"area": "cart", "b.c": "d"},
    "user": {"id": 7},
    "extra": {"l": [{"x": 1}, {"x": 2}]},
}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ("title", {"title": "hi"}),
        ("message, level", {"message": "hi\nthere", "level": "error"}),
        ("tags.area,tags.b.c,tags.none", {"tags": {"area": "cart", "b.c": "d"}}),
        ("tags,tags.area", {"tags": {"area": "cart", "b.c": "d"}}),
        ("trace_id,scrub.changes", {}),
        ("/user/id,/extra/l/*/x,/none,/none/*", {"/user/id": 7, "/extra/l/*/x": [1, 2]}),
    ],
)
def test_only_what_was_asked_for(fields, shown):
    found = event(**EVENT)
    assert shaped(found, parse_fields(fields)) == {"id": found.id} | shown


def test_without_fields_the_whole_summary():
    found = event(**EVENT)
    assert shaped(found, parse_fields("")) == found.record.summary
    assert set(found.record.summary) <= set(KEYS)


def test_of_what_is_no_json_pointers_lead_nowhere():
    found = record("attachment", b"x")
    assert shaped(found, parse_fields("/a,type")) == {"id": found.id, "type": "attachment"}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("titel", "did you mean 'title'"),
        ("title.x", "unknown field"),
        ("id," * 51, "at most 50"),
        ("/a" * 65, "64 steps"),
    ],
)
def test_typing_errors_are_errors(fields, problem):
    with pytest.raises(BadQuery, match=problem):
        parse_fields(fields)
