"""Classes of fields and attributes."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("profile", ["parity", "strict"])
@pytest.mark.parametrize(
    ("selector", "event"),
    [
        ("$logentry.formatted", {"message": "taken"}),
        ("$logentry.formatted", {"logentry": "taken"}),
        ("$logentry.formatted", {"sentry.interfaces.Message": "taken"}),
        ("$message", {"sentry.interfaces.Message": {"formatted": "taken"}}),
        ("$user.email", {"sentry.interfaces.User": {"email": "taken"}}),
        ("$http.data", {"sentry.interfaces.Http": {"data": "taken"}}),
        ("$error.value", {"sentry.interfaces.Exception": [{"value": "taken"}]}),
        ("$breadcrumb.message", {"sentry.interfaces.Breadcrumbs": [{"message": "taken"}]}),
        ("contexts.mine.a", {"sentry.interfaces.Contexts": {"mine": {"a": "taken"}}}),
    ],
)
def test_members_under_other_names_are_opened(selector: str, event: dict[str, object], profile: str) -> None:
    """A rule that needs no content is told by the screen only where the field is, whatever it is called there."""
    program = scrubbing.config_program({"applications": {selector: ["@anything"]}}, profile)
    assert "taken" not in str(scrubbing.scrub(program, event))


@pytest.mark.parametrize(
    ("selector", "sent"),
    [
        ("$http.query_string.q", {"url": "https://shop.example/?q=taken"}),
        ("$http.fragment", {"url": "https://shop.example/#taken"}),
        ("$http.cookies.theme", {"headers": [["Cookie", "theme=taken"]]}),
    ],
)
def test_members_that_strict_makes_of_others_are_opened(selector: str, sent: dict[str, object]) -> None:
    program = scrubbing.config_program({"applications": {selector: ["@anything"]}}, "strict")
    assert "taken" not in str(scrubbing.scrub(program, {"request": sent}))
