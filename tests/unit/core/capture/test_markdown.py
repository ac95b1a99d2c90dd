import pytest

from scrubjay.core.capture.markdown import as_markdown
from support.founds import Shelf, event, record

EVENT = {
    "exception": {"values": [
        {"type": "KeyError", "value": "'a'"},
        {"type": "ValueError", "value": "bad", "stacktrace": {"frames": [
            {"module": "lib", "function": "run"},
            {"filename": "app.py", "lineno": 12, "function": "pay", "in_app": True, "context_line": "\tcharge(card)"},
            {}, 5,
        ]}},
    ]},
    "level": "error", "release": "shop@1", "tags": {"area": "cart"}, "user": {"id": "7"},
    "request": {"url": "http://x/y", "method": "POST"},
    "breadcrumbs": {"values": [{"category": "http", "data": {"status": 500}, "timestamp": 5}, {"message": "click", "level": "info"}]},
    "_meta": {"a": {"": {"rem": [["@email", "x"]]}}},
}  # fmt: skip


def test_an_error_for_a_ticket():
    found = event(**EVENT)
    found.record.scrubbed(1, ["@email"], 2)
    told = as_markdown(found)
    assert told.startswith("## ValueError: bad\n\n- **Type:** `error`\n- **Level:** `error`\n")
    assert "- **Release:** `shop@1`\n" in told
    assert (
        "- **User:** `id=7`\n- **Tags:** `area=cart`\n- **Changes by scrubbing:** 1, by `@email`; suspects left: 2"
        in told
    )
    assert (
        "### Stack trace\n\n```\nValueError: bad\n  ? in ?  [library]\n  app.py:12 in pay\n    charge(card)\n  lib in run  [library]\n"
        "\ncaused by\n\nKeyError: 'a'\n```"
    ) in told
    assert "### Request\n\n```\nPOST http://x/y\n```" in told
    assert "### Breadcrumbs\n\n```\n5 http status=500\ninfo click\n```" in told


def test_changes_without_the_names_of_rules():
    found = event()
    found.record.scrubbed(2, (), 0)
    assert "- **Changes by scrubbing:** 2\n" in as_markdown(found) + "\n"


@pytest.mark.parametrize(
    ("payload", "part"),
    [
        ({"logentry": {"formatted": "hi\tthere"}}, "### Message\n\n```\nhi    there\n```"),
        ({"logentry": {"message": "raw"}}, "### Message\n\n```\nraw\n```"),
        ({"exception": [{}]}, "```\nexception\n```"),
        ({"exception": [{"type": "E", "stacktrace": {"frames": [{"filename": "f"}] * 60}}]}, "  … 10 more\n```"),
        ({"request": {"url": "/a"}}, "GET /a"),
        ({"breadcrumbs": [{"message": "m"}, 5]}, "```\nm\n```"),
    ],
)
def test_parts(payload, part):
    assert part in as_markdown(event(**payload))


def test_logs_show_message_and_attributes():
    found = record("log", {"items": [{"body": "in", "attributes": {"a": {"value": 5}}}]})
    assert "### Message\n\n```\nin\n```\n\n### Attributes\n\n```\na = 5\n```" in as_markdown(found)
    assert "### Attributes" not in as_markdown(record("log", {"items": [{"body": "in"}]}))


def test_anything_else_shows_its_payload_and_what_is_no_json_its_facts():
    assert '### Payload\n\n```json\n{\n  "status": "ok"\n}\n```' in as_markdown(record("check_in", {"status": "ok"}))
    assert as_markdown(record("attachment", b"x")).endswith("- **Project:** `1`\n") or "Payload" not in as_markdown(
        record("attachment", b"x")
    )


def test_events_form_nothing_but_text():
    hostile = "<img src=x> [a](javascript:x) ```\n# no `tick` \x1b[2J \u202e |"
    found = event(message=hostile, tags={"x": "`", "y": "``a``"}, logentry={"message": hostile}, transaction=hostile)
    told = as_markdown(found)
    assert all(character.isprintable() or character == "\n" for character in told)
    assert told.startswith(r"## \<img src=x\> \[a\]\(javascript:x\) \`\`\`" + "\n")
    assert "````\n<img src=x>" in told
    assert "`` x=` ``" in told
    assert "``` y=``a`` ```" in told


def test_many_breadcrumbs_and_tags_are_cut():
    told = as_markdown(
        Shelf().event(breadcrumbs=[{"message": f"c{n}"} for n in range(30)], tags={f"t{n}": "x" for n in range(60)})
    )
    assert "c9\n" not in told
    assert "c10\n" in told
    assert "t49=x" in told
    assert "t50=x" not in told
