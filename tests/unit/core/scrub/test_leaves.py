"""The walk over texts alone; what it does to payloads is tested with recordings and view hierarchies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scrubjay.core.scrub.bounds import read_bounds
from scrubjay.core.scrub.leaves import LeafWalk, check_document
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing

PROGRAM = scrubbing.config_program({"applications": {"a.b": ["@anything:mask"], "$string && !x": ["@email"]}})
(PASS,) = PROGRAM.passes


def walk(config: object = PASS) -> LeafWalk:
    return LeafWalk(config, PASS.screen.borrow())  # type: ignore[arg-type]


def test_a_document_that_holds_nothing_concerns_nobody() -> None:
    assert not walk().concerns(b'{"c":"d"}')
    assert walk().concerns(b'{"c":"x@y.zz"}')
    assert walk().concerns(b'{"c":{"a":1}}')  # the key of a path


def test_paths_are_of_keys_and_classes_are_true() -> None:
    assert walk().document(b'{"a":[{"b":["xy"]}],"x":"x@y.zz","c":"x@y.zz"}') == (
        b'{"a":[{"b":["**"]}],"x":"x@y.zz","c":"[email]"}'
    )
    assert walk().document(b'{"a":"true","b":[1,null],"c":""}') is None


def test_budgets_bound_values_and_redactions() -> None:
    small = replace(PASS, bounds=read_bounds(Scrub(max_nodes=100)))
    assert walk(small).document(b'["x@y.zz"]') is not None
    with pytest.raises(Unscrubbable):
        walk(small).document(b"[" + b'"x@y.zz",' * 120 + b"1]")


def test_depth_and_members_are_bounded() -> None:
    check_document(b"[" * 10 + b"]" * 10, 10)
    with pytest.raises(Unscrubbable):
        check_document(b"[" * 11 + b"]" * 11, 10)
    with pytest.raises(UnicodeDecodeError):
        check_document(b'"\xff"', 10)
