"""JSON inside a text is scrubbed as a document at the same path (scrubbing.md 15.6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import compile_program
from scrubjay.settings.scrub import Scrub
from support import scrubbing

STRICT = compile_program(pii_config=None, settings=scrubbing.SETTINGS, options=Scrub(bundles=()))
EMAIL = "rosa.klein@ferry-line.example"
CARD = "4242424242424242"


def scrubbed(text: str) -> Any:
    return scrubbing.scrub(STRICT, {"extra": {"x": text}})["extra"]["x"]


def test_what_changed_is_written_compactly_under_one_remark() -> None:
    text = json.dumps({"password": "hunter2", "pin": "1234", "é": [EMAIL, {"n": int(CARD)}]}, ensure_ascii=False)
    got = scrubbing.scrub(STRICT, {"extra": {"x": f"\n {text} "}})
    new = '{"password":"[Filtered]","pin":"1234","é":["[email]",{"n":null}]}'
    assert got["extra"]["x"] == new
    assert got["_meta"]["extra"]["x"][""] == {
        "rem": [["@embedded", "s", 0, len(new.encode())]],
        "len": len(text) + 3,
    }


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f'["{EMAIL}", 1]', '["[email]",1]'),
        (f'[["a", "x"], ["b", "{EMAIL}"]]', '[["a","x"],["b","[email]"]]'),
        ('{"e":"rosa.klein\\u0040ferry-line.example"}', '{"e":"[email]"}'),
        ('{"e":"\\ud800 rosa.klein\\u0040ferry-line.example"}', '{"e":"\\\\ufffd [email]"}'.replace("\\\\ufffd", "\ufffd")),
        (f'{{"{EMAIL}": 1}}', '{"[email]":1}'),
        ('{"path":"\\/home\\/ines\\/x"}', '{"path":"/home/[Filtered]/x"}'),
        ('{"u":"redis:\\/\\/:p!w@h"}', '{"u":"redis://:[Filtered]@h"}'),
        ('{"n":"4242\\n4242\\u00a04242\\t4242"}', '{"n":"[Filtered]"}'),
        (f'{{"n":{CARD},"m":"x"}}', '{"n":null,"m":"x"}'),
    ],
)  # fmt: skip
def test_values_get_the_rules_of_a_document(text: str, left: str) -> None:
    assert scrubbed(text) == left
    assert scrubbed(left) == left


@pytest.mark.parametrize(
    "text",
    [
        '[{"name": "password", "value": "hunter2"}]',
        '["password", "hunter2"]',
        '[["sessionid", "x"], ["api-key", "hunter2"]]',
        '{"note": "my password", "pin": "hunter2"}',
        '{"token": null, "pin": "hunter2"}',
        f'{{"token": 5, "pin": "hunter2", "e": "{EMAIL}"}}',
        '{"auth": {"user": "hunter2"}, "b": 1}',
        '{"a": "{\\"b\\": \\"a secret\\"}", "pin": "hunter2"}',
    ],
)
def test_a_telling_word_takes_the_whole_but_where_its_own_value_went(text: str) -> None:
    """As the parity set does: which value the word speaks of is known only where it is that value's key."""
    assert scrubbed(text) == "[Filtered]"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f'{{"a": "{EMAIL}"', '{"a": "[email]"'),
        (f'{{"a": "{EMAIL}"}} trailing', '{"a": "[email]"} trailing'),
        (f"[INFO] from {EMAIL}", "[INFO] from [email]"),
        ("[" * 200 + f'"{EMAIL}"' + "]" * 200, "[" * 200 + '"[email]"' + "]" * 200),
        (f'\\{{"a":"{EMAIL}"}}', '\\{"a":"[email]"}'),
        (f'{{"a":"x","a":"{EMAIL}"}}', '{"a":"[email]"}'),
        (f'{{"a":"{EMAIL}","a":"x"}}', '{"a":"[email]","a":"x"}'),
        ('{"a":"x","a":"y"}', '{"a":"x","a":"y"}'),
        (f'["{EMAIL} {"x" * 1024 * 1024}"]', None),
    ],
)  # fmt: skip
def test_other_texts_are_texts(text: str, left: str | None) -> None:
    if left is not None:
        assert scrubbed(text) == left


def test_three_levels() -> None:
    text: Any = {"password": "hunter2", "pin": "1234"}
    for level in range(3):
        text = json.dumps({f"level{level}": text} if level else text)
    inner: Any = scrubbed(text)
    for level in (2, 1):
        inner = json.loads(inner)[f"level{level}"]
    assert json.loads(inner) == {"password": "[Filtered]", "pin": "1234"}
    assert scrubbed(json.dumps({"level3": text})) == "[Filtered]"


def test_rules_for_paths_reach_inside() -> None:
    config = {
        "applications": {"request.data.payload.card": ["@anything:remove"], "$string && !extra.**": ["@email:mask"]}
    }
    program = scrubbing.config_program(config, "strict")
    body = {"payload": json.dumps({"card": "12", "e": "a@b.co"})}
    event = {"request": {"data": body}, "culprit": '{"e":"a@b.co"}', "extra": {"a": '{"e": "a@b.co"}'}}
    got = scrubbing.scrub(program, event)
    assert json.loads(got["request"]["data"]["payload"]) == {"card": None, "e": "******"}
    assert (got["culprit"], got["extra"]) == (event["culprit"], event["extra"])


@pytest.mark.parametrize("rule", ["@anything:mask", "@password:mask"])
def test_rules_that_take_the_text_take_it_whole(rule: str) -> None:
    program = scrubbing.config_program({"applications": {"$string": [rule]}}, "strict")
    got = scrubbing.scrub(program, {"extra": {"password": '{"a": "x"}'}})
    assert got["extra"]["password"] == "*" * 10


def test_the_second_pass_looks_inside_again() -> None:
    """The remark of the first stands for the whole text, and protects none of it; other remarks do."""
    config = {
        "applications": {"extra.x.a": ["@anything:mask"], "extra.y": ["word"], "extra.z.a": ["@anything:mask"]},
        "rules": {"word": {"type": "pattern", "pattern": "note"}},
    }
    program = compile_program(pii_config=config, settings=scrubbing.SETTINGS, options=Scrub(bundles=()))
    texts = {"x": {"a": "b", "c": EMAIL}, "y": {"note": "b", "c": EMAIL}, "z": {"a": "b", "token": None}}
    got = scrubbing.scrub(program, {"extra": {key: json.dumps(text) for key, text in texts.items()}})
    assert json.loads(got["extra"]["x"]) == {"a": "*", "c": "[email]"}
    assert json.loads(got["extra"]["y"]) == {"": "b", "c": "[email]"}
    assert got["extra"]["z"] == "[Filtered]"
    assert got["_meta"]["extra"]["y"][""]["rem"][0] == ["word", "x", 2, 2]


def test_typed_texts_and_pairs() -> None:
    text = json.dumps({"password": "x", "pin": "1"})
    event = {
        "breadcrumbs": [{"message": text}],
        "request": {"headers": [["X-Info", text]], "query_string": {"q": text}},
        "spans": [{"data": {"info": text}}],
    }
    got = scrubbing.scrub(STRICT, event)
    expected = '{"password":"[Filtered]","pin":"1"}'
    assert got["breadcrumbs"]["values"][0]["message"] == expected
    assert got["request"] == {"headers": [["X-Info", expected]], "query_string": [["q", expected]]}
    assert got["spans"][0]["data"]["info"] == expected


def test_parity_does_not_look_inside() -> None:
    payload = json.dumps({"extra": {"x": '{"cookies": {"sessionid": "x"}}'}}).encode()
    assert scrub_document(scrubbing.default_program("parity"), payload, "event") is None
