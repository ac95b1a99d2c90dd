"""Keys that hold personal values are replaced (scrubbing.md 14, G15)."""

from __future__ import annotations

import json
import time

from scrubjay.core.scrub.keys import Names
from scrubjay.core.scrub.program import compile_program
from scrubjay.settings.scrub import Scrub
from support import scrubbing

STRICT = compile_program(pii_config=None, settings=scrubbing.SETTINGS, options=Scrub(bundles=()))
EMAIL = "rosa.klein@ferry-line.example"


def test_names_that_are_taken_are_numbered() -> None:
    names = Names(["a", "b", "x~2", "x"])
    assert [names.add("a", "x"), names.add("b", "x"), names.add("c", "y")] == ["x~3", "x~4", "y"]
    fields = {"a": 1, "x": 2, "b": 3}
    names.put(fields)  # type: ignore[arg-type]
    assert list(fields.items()) == [("x~3", 1), ("x", 2), ("x~4", 3)]


def test_short_keys_and_words_stay() -> None:
    event = {"extra": {"::1": 1, "a@b.c": 2, "passwords": None, "author": True, "plain": {"x": 1}}}
    assert scrubbing.scrub(STRICT, event) == event


def test_remarks_follow_the_new_name() -> None:
    event = {"extra": {EMAIL: EMAIL, "at ::1": {"a": EMAIL}}, "_meta": {"extra": {EMAIL: {"": {"len": 99}}}}}
    got = scrubbing.scrub(STRICT, event)
    assert got["extra"] == {"[email]": "[email]", "at [ip]": {"a": "[email]"}}
    remark = ["@email:replace", "s", 0, 7]
    assert got["_meta"]["extra"] == {
        "[email]": {"": {"len": 99, "rem": [remark]}},
        "at [ip]": {"a": {"": {"len": 29, "rem": [remark]}}},
    }


def test_key_rules_still_see_the_old_name() -> None:
    got = scrubbing.scrub(STRICT, {"extra": {f"password of {EMAIL}": "x", f"secrets of {EMAIL}": {"a": 1}}})
    assert got["extra"] == {"password of [email]": "[Filtered]", "secrets of [email]": None}


def test_keys_in_any_spelling() -> None:
    for key in ("rosa.klein\\u0040ferry-line.example", "rosa.klein%40ferry-line.example"):
        scrubbed = scrubbing.scrub_document(STRICT, f'{{"extra":{{"{key}":{{}}}}}}'.encode(), "event")
        assert scrubbed is not None
        assert json.loads(scrubbed) == {"extra": {"[email]": {}}}


def test_names_of_class_false_and_maybe_stay() -> None:
    """No rule of the default set reaches what stands below them, or it does so by closures that concern values."""
    event = {"modules": {EMAIL: "1"}, "tags": [[EMAIL, "x"]]}
    assert scrubbing.scrub(STRICT, event) == event


def test_advanced_configs_do_not_touch_keys() -> None:
    program = scrubbing.config_program({"applications": {"$string": ["@email"]}}, "strict")
    assert scrubbing.scrub(program, {"extra": {EMAIL: EMAIL}})["extra"] == {EMAIL: "[email]"}


def test_many_keys_take_linear_time() -> None:
    event = {"extra": {f"rosa{number}@ferry.example": number for number in range(20_000)}}
    started = time.thread_time()
    got = scrubbing.scrub(STRICT, event)
    assert time.thread_time() - started < 10
    assert list(got["extra"].items())[-1] == ("[email]~20000", 19_999)
