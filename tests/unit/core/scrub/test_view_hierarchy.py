"""View hierarchies (scrubbing.md 12.6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.view_hierarchy import scrub_view_hierarchy
from scrubjay.errors import Unreadable, Unscrubbable
from support import scrubbing

STRICT = scrubbing.default_program("strict")


def scrubbed(tree: Any, program: Any = STRICT) -> Any:
    new = scrub_view_hierarchy(program, json.dumps(tree).encode())
    return tree if new is None else json.loads(new)


def test_every_text_is_scrubbed_and_the_tree_stays() -> None:
    tree = {
        "rendering_system": "UIKIT",
        "windows": [
            {
                "type": "UIPasswordField",
                "identifier": "login_password ana@lab.example",
                "label": "ana@lab.example",
                "secret": ["x", {"title": "192.0.2.1"}],
                "width": 4242424242424242,
                "visible": True,
                "children": [],
            }
        ],
    }
    assert scrubbed(tree)["windows"][0] == {
        "type": "UIPasswordField",
        "identifier": "login_password [email]",
        "label": "[email]",
        "secret": ["[Filtered]", {"title": "[ip]"}],
        "width": 4242424242424242,
        "visible": True,
        "children": [],
    }


def test_parity_takes_the_rules_of_the_config_alone() -> None:
    program = scrubbing.config_program(
        {"applications": {"windows.label": ["@email:mask"], "gone": ["@anything:remove"], "$object": ["@anything"]}}
    )
    tree = {"windows": [{"label": "a@b.co", "other": "a@b.co"}], "gone": "x"}
    assert scrubbed(tree, program) == {"windows": [{"label": "******", "other": "a@b.co"}], "gone": ""}
    assert scrubbed(tree, scrubbing.default_program("parity")) == tree


def test_the_root_may_be_anything() -> None:
    assert scrubbed("ana@lab.example") == "[email]"
    assert scrubbed(["ana@lab.example", None, 3]) == ["[email]", None, 3]
    assert scrubbed(7) == 7
    assert scrub_view_hierarchy(STRICT, b' {"a": "clean"} ') is None


def test_shadowed_members_do_not_leave() -> None:
    new = scrub_view_hierarchy(STRICT, b'{"a":"ana@lab.example","a":"x","b":"192.0.2.1"}')
    assert new == b'{"a":"x","b":"[ip]"}'


@pytest.mark.parametrize("payload", [b"", b"  ", b"{broken", b'{"a":"\xff"}', b"[1]x"])
def test_what_is_no_json_raises(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        scrub_view_hierarchy(STRICT, payload)


def test_hostile_trees_are_bounded() -> None:
    with pytest.raises(Unscrubbable):
        scrub_view_hierarchy(STRICT, b'{"a":' * 200 + b"1" + b"}" * 200)
    with pytest.raises(Unscrubbable):
        scrub_view_hierarchy(STRICT, b"[" + b"1," * 2_100_000 + b"1]")


def test_lone_surrogates_are_mended_in_strict() -> None:
    assert scrub_view_hierarchy(STRICT, b'{"a":"\\ud800"}') == b'{"a":"\\ufffd"}'


def test_what_rules_did_is_counted() -> None:
    record = Record()
    scrub_view_hierarchy(STRICT, b'{"a":"ana@lab.example"}', record)
    assert record.rules["@email:replace"].hits == 1
