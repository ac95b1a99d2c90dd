"""Classes of fields and attributes."""

from __future__ import annotations

from scrubjay.core.scrub.matching import FALSE, MAYBE, TRUE
from scrubjay.core.scrub.schema import OBJECT_TYPES, attribute_class
from support import scrubbing


def test_attribute_classes() -> None:
    """scrubbing.md 5.5: segment by segment, a literal before `<key>`, unlisted keys are for the caller."""
    assert attribute_class("release") == FALSE
    assert attribute_class("thread.name") == MAYBE
    assert attribute_class("http.request.header.x-token") == TRUE
    assert attribute_class("flag.evaluation.beta") == MAYBE
    assert attribute_class("flag.evaluation.beta.more") is None
    assert attribute_class("Release") is None
    assert attribute_class("custom.note") is None


def test_types_refer_to_types() -> None:
    for described in OBJECT_TYPES.values():
        for _, shape in described.fields.values():
            _, found, inner = shape.partition("type:")
            assert not found or inner in OBJECT_TYPES


def test_what_no_rule_reaches_is_dead() -> None:
    event = scrubbing.default_program("parity").passes[0].documents["event"]
    assert {"release", "culprit", "modules", "fingerprint"} <= event.dead
