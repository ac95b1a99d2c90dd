"""The protocol's objects: old names, values, users, contexts, attributes, images."""

from __future__ import annotations

from typing import Any

import pytest

from support import scrubbing

PARITY = scrubbing.default_program("parity")
IP = scrubbing.config_program({"applications": {"$string": ["@ip"]}})
ANY = scrubbing.config_program({"applications": {"$string || $object": ["@anything:mask"]}})


def scrub(event: dict[str, Any], program: Any = IP) -> dict[str, Any]:
    got = scrubbing.scrub(program, event)
    got.pop("_meta", None)
    return got


@pytest.mark.parametrize(
    ("event", "got"),
    [
        ({"message": "192.0.2.1"}, {"logentry": {"formatted": "[ip]"}}),
        ({"message": "192.0.2.1", "logentry": {"formatted": "x"}}, {"logentry": {"formatted": "x"}}),
        ({"message": "x", "logentry": {"formatted": "192.0.2.1"}}, {"logentry": {"formatted": "[ip]"}, "message": "x"}),
        ({"message": {"formatted": "192.0.2.1"}}, {"logentry": {"formatted": "[ip]"}}),
        ({"logentry": "192.0.2.1"}, {"logentry": {"formatted": "[ip]"}}),
        ({"logentry": ["192.0.2.1"]}, {"logentry": {"formatted": '["[ip]"]'}}),
        ({"logentry": False, "extra": {"a": "192.0.2.1"}}, {"logentry": False, "extra": {"a": "[ip]"}}),
        ({"sentry.interfaces.User": {"name": "192.0.2.1"}}, {"user": {"name": "[ip]"}}),
        ({"sentry.interfaces.User": {"name": "x"}}, {"sentry.interfaces.User": {"name": "x"}}),
        ({"breadcrumbs": [{"message": "192.0.2.1"}]}, {"breadcrumbs": {"values": [{"message": "[ip]"}]}}),
        ({"exception": {"value": "192.0.2.1"}}, {"exception": {"values": [{"value": "[ip]"}]}}),
        ({"exception": {"values": [{"value": {"b": "192.0.2.1", "a": 1}}]}}, {"exception": {"values": [{"value": '{"a":1,"b":"[ip]"}'}]}}),
        ({"exception": "192.0.2.1"}, {"exception": "192.0.2.1"}),
        ({"exception": {"values": 5}}, {"exception": {"values": 5}}),
        ({"threads": [{"stacktrace": {"frames": [{"vars": ["192.0.2.1"]}]}}]}, {"threads": {"values": [{"stacktrace": {"frames": [{"vars": {"0": "[ip]"}}]}}]}}),
        ({"user": 5, "request": [], "contexts": 5, "tags": 5, "spans": 5, "debug_meta": 5, "sdk": 5}, None),
    ],
)  # fmt: skip
def test_shapes(event: dict[str, Any], got: Any) -> None:
    assert scrub(event) == (event if got is None else got)


def test_unchanged_parts_keep_their_shape() -> None:
    event = {
        "exception": [{"value": {"code": 5}, "stacktrace": {"frames": [{"vars": {"a": "192.0.2.1"}}]}}],
        "tags": {"a": 1},
    }
    got = scrub(event)
    assert got["exception"]["values"][0]["value"] == {"code": 5}
    assert got["tags"] == {"a": 1}


@pytest.mark.parametrize(
    ("user", "got"),
    [
        ({"ip_address": "192.0.2.1"}, {"id": "[ip]", "ip_address": None}),
        ({"ip_address": "192.0.2.1", "id": None}, {"id": "[ip]", "ip_address": None}),
        ({"ip_address": "192.0.2.1", "email": "x"}, {"ip_address": "[ip]", "email": "x"}),
        ({"ip_address": "not 192.0.2.1"}, {"ip_address": "not [ip]"}),
        ({"id": 4494, "name": "192.0.2.1"}, {"id": 4494, "name": "[ip]"}),
    ],
)
def test_users(user: dict[str, Any], got: dict[str, Any]) -> None:
    assert scrub({"user": user})["user"] == got


def test_numeric_ids_are_text() -> None:
    config = scrubbing.config_program({"applications": {"$string": ["@anything:mask"]}})
    assert scrub({"user": {"id": 4494, "username": 1.5}}, config)["user"] == {"id": "****", "username": "***"}


@pytest.mark.parametrize(
    ("context", "got"),
    [
        ({"device": {"device_unique_identifier": "192.0.2.1", "name": "192.0.2.1"}}, {"device": {"device_unique_identifier": "[ip]", "name": "192.0.2.1"}}),
        ({"x": {"type": "device", "device_unique_identifier": "192.0.2.1"}}, {"x": {"type": "device", "device_unique_identifier": "[ip]"}}),
        ({"mine": {"type": "", "a": "192.0.2.1"}}, {"mine": {"type": "", "a": "[ip]"}}),
        ({"feedback": {"message": "192.0.2.1"}, "mine": "192.0.2.1"}, None),
        ({"monitor": {"a": "192.0.2.1"}}, None),
        ({"response": {"data": {"a": "192.0.2.1"}, "headers": {"a": "192.0.2.1"}}}, {"response": {"data": {"a": "[ip]"}, "headers": [["A", "[ip]"]]}}),
        ({"trace": {"data": {"note": "192.0.2.1", "release": "192.0.2.1", "o": [{"id": "192.0.2.1"}]}}},
         {"trace": {"data": {"note": "[ip]", "release": "192.0.2.1", "o": [{"id": "192.0.2.1"}]}}}),
    ],
)  # fmt: skip
def test_contexts(context: dict[str, Any], got: Any) -> None:
    assert scrub({"contexts": context})["contexts"] == (context if got is None else got)


def test_containers_go_whole() -> None:
    program = scrubbing.config_program(
        {"applications": {"contexts || tags || attributes || links || spans": ["@anything"]}}
    )
    event = {"contexts": {"a": {"b": 1}}, "tags": {"a": "b"}, "spans": [{"links": [{"attributes": {"a": 1}}]}]}
    got = scrub(event, program)
    assert got["contexts"] == {"a": {"b": 1}}
    assert got["tags"] is None
    assert got["spans"] == [{"links": None}]


def test_debug_images() -> None:
    program = scrubbing.config_program({"applications": {"debug_meta.images.*.code_file || debug_file": ["@userpath"]}})
    images = [
        {"type": kind, "code_file": "/home/ines/x", "debug_file": "/home/ines/x"}
        for kind in ("elf", "sourcemap", "apple", 5)
    ]
    got = scrub({"debug_meta": {"images": [*images, 5]}}, program)["debug_meta"]["images"]
    assert [image["debug_file"] for image in got[:4]] == [
        "/home/[user]/x",
        "/home/[user]/x",
        "/home/ines/x",
        "/home/ines/x",
    ]
    assert got[1]["code_file"] == "/home/ines/x"


def test_attributes_seen_by_the_advanced_config() -> None:
    log = {
        "attributes": {
            "a": {"type": "string", "value": "192.0.2.1"},
            "b": {"value": {"release": "192.0.2.1", "x": "192.0.2.1"}},
            "c": 5,
        }
    }
    program = scrubbing.config_program({"applications": {"attributes.a": ["@anything"], "**": ["@ip"]}})
    got = scrubbing.scrub(program, {"items": [log]}, "log_container")["items"][0]["attributes"]
    assert got["a"] is None
    assert got["b"] == {"value": {"release": "192.0.2.1", "x": "[ip]"}}
    assert scrubbing.scrub(program, {"items": [{"attributes": 5}]}, "log_container")["items"] == [{"attributes": 5}]
    whole = scrubbing.config_program({"applications": {"$log.attributes": ["@anything"]}})
    assert scrubbing.scrub(whole, {"items": [log]}, "log_container")["items"][0]["attributes"] is None


EVERYTHING = scrubbing.config_program(
    {
        "applications": {
            "$string && !nope": ["@anything:mask"],
            "$user.* || $http.* || $span.* || extra.* || $frame.vars || images.* || attributes.* || contexts.*.*": [
                "@anything"
            ],
        }
    }
)


@pytest.mark.parametrize(
    "wrong", [None, 5, "text", [], {}, [5], {"values": 5}, {"frames": 5}, [{"stacktrace": 5}], [[1]]]
)
@pytest.mark.parametrize(
    "field",
    ["user", "request", "contexts", "exception", "breadcrumbs", "threads", "spans", "debug_meta", "sdk", "logentry", "stacktrace",
     "template", "csp", "errors", "message", "tags"],
)  # fmt: skip
def test_wrong_kinds_are_never_searched_as_what_they_are_not(field: str, wrong: Any) -> None:
    got = scrubbing.scrub(EVERYTHING, {field: wrong, "event_id": "1" * 32})
    assert got["event_id"] == "1" * 32


@pytest.mark.parametrize("wrong", [None, 5, "text", [], [5]])
def test_wrong_kinds_further_down(wrong: Any) -> None:
    event = {
        "user": {"geo": wrong, "data": wrong, "id": wrong, "ip_address": wrong},
        "request": {"headers": wrong, "cookies": wrong, "env": wrong, "url": wrong},
        "spans": [{"data": wrong, "tags": wrong, "sentry_tags": wrong, "links": wrong}],
        "exception": {"values": [wrong, {"mechanism": wrong, "value": wrong, "stacktrace": {"frames": wrong}}]},
        "contexts": {
            "trace": wrong,
            "response": {"headers": wrong},
            "monitor": {"a": wrong},
            "device": {"name": wrong},
        },
        "debug_meta": {"images": wrong},
        "event_id": "1" * 32,
    }
    for program in (EVERYTHING, IP, PARITY, scrubbing.default_program("strict")):
        assert scrubbing.scrub(program, event)["event_id"] == "1" * 32


def test_shadowed_attributes_are_written_again() -> None:
    from scrubjay.core.scrub.documents import scrub_document

    payload = b'{"items":[{"attributes":{"a":{"value":"192.0.2.1","value":"x"},"b":{"type":"string"}}}]}'
    for program in (PARITY, IP):
        scrubbed = scrub_document(program, payload, "log_container")
        assert scrubbed is not None
        assert b"192" not in scrubbed


def test_attributes_without_a_value() -> None:
    log = {"attributes": {"password": {"type": "string"}, "token": 5}}
    for program in (PARITY, IP):
        assert scrubbing.scrub(program, {"items": [log]}, "log_container") == {"items": [log]}


STRICT = scrubbing.default_program("strict")


def test_values_that_are_no_list() -> None:
    """Scrubbing.md 5.6: of the wrong kind, so strict scrubs them as untyped JSON; what holds nothing stays."""
    assert scrub({"exception": {"values": {"k": "a@b.co", "n": 1}}}, STRICT) == {
        "exception": {"values": {"k": "[email]", "n": 1}}
    }
    assert scrub({"exception": {"values": "a@b.co"}}, STRICT) == {"exception": {"values": "[email]"}}
    event = {"exception": {"values": "plain", "note": "also plain"}}
    assert scrub({**event, "extra": {"a": "a@b.co"}}, STRICT) == {**event, "extra": {"a": "[email]"}}


def test_exceptions_that_are_no_object() -> None:
    """Scrubbing.md 5.6: parity leaves the value out of account, strict scrubs it."""
    event = {"exception": {"values": ["192.0.2.1", {"value": "192.0.2.1"}]}}
    assert scrub(event)["exception"]["values"] == ["192.0.2.1", {"value": "[ip]"}]
    assert scrub(event, STRICT)["exception"]["values"] == ["[ip]", {"value": "[ip]"}]


def attributes(found: Any, program: Any = STRICT) -> Any:
    return scrubbing.scrub(program, {"items": [{"attributes": found}]}, "log_container")["items"][0]["attributes"]


def test_attributes_that_are_no_object() -> None:
    """Parity leaves them, for the reference takes them out; strict does not."""
    assert attributes("192.0.2.1", IP) == "192.0.2.1"
    assert attributes("192.0.2.1") == "[ip]"


def test_attributes_keep_what_only_looks_like_something() -> None:
    nothing = {"password": None}
    got = attributes({"password": None, "b": {"value": "a@b.co", "unit": nothing}, "c": "a@b.co"})
    assert got == {"password": None, "b": {"value": "[email]", "unit": nothing}, "c": "[email]"}


def test_attribute_without_a_value_beside_one_that_has_it() -> None:
    """An advanced config reaches the value alone; the rest of an attribute is its kind (scrubbing.md 12.2)."""
    got = attributes({"a": {"type": "192.0.2.1"}, "b": {"type": "string", "value": "192.0.2.1"}}, IP)
    assert got == {"a": {"type": "192.0.2.1"}, "b": {"type": "string", "value": "[ip]"}}


def test_debug_images_that_are_no_object() -> None:
    program = scrubbing.config_program({"applications": {"images.*.debug_file": ["@userpath"]}})
    images = ["/home/ines/x", ["/home/ines/x"], {"type": "elf", "debug_file": "/home/ines/x"}]
    got = scrub({"debug_meta": {"images": images}}, program)["debug_meta"]["images"]
    assert got == [*images[:2], {"type": "elf", "debug_file": "/home/[user]/x"}]


def test_typed_objects_never_go_whole() -> None:
    """Scrubbing.md 5.1: they are of class false, which nothing reaches; their members are what goes."""
    program = scrubbing.config_program({"applications": {"!nope": ["@anything"]}})
    event = {"user": {"geo": {"city": "x"}}, "contexts": {"os": {"build": "b"}}, "sdk": {"client_ip": "192.0.2.1"}}
    assert scrub(event, program) == {
        "user": {"geo": {"city": "[Filtered]"}},
        "contexts": {"os": {"build": "[Filtered]"}},
        "sdk": {"client_ip": "[Filtered]"},
    }


def test_members_in_which_the_screen_saw_what_concerns_others() -> None:
    config = {"applications": {"contexts.mine.a": ["@ip"], "attributes.a.value": ["@ip"], "$user.email": ["@email"]}}
    program = scrubbing.config_program(config, "parity")
    event = {"contexts": {"mine": {"a": "10.20.30.40"}, "other": {"b": "a@b.co"}}}
    assert scrubbing.scrub(program, event)["contexts"] == {"mine": {"a": "[ip]"}, "other": {"b": "a@b.co"}}
    attributes = {"a": {"type": "string", "value": "10.20.30.40"}, "b": {"type": "string", "value": "a@b.co"}}
    got = scrubbing.scrub(program, {"items": [{"body": "x", "attributes": attributes}]}, "log_container")
    assert got["items"][0]["attributes"]["a"]["value"] == "[ip]"
    assert got["items"][0]["attributes"]["b"] == attributes["b"]


def test_beside_values() -> None:
    event = {"exception": {"values": [{"value": "a@b.co"}], "x": "a@b.co", "y": {"environment": "10.20.30.400"}}}
    got = scrub(event, STRICT)["exception"]
    assert got == {"values": [{"value": "[email]"}], "x": "[email]", "y": {"environment": "10.20.30.400"}}


@pytest.mark.parametrize("selector", ["attributes.'user.plan'.*", "'user.plan'.**", "attributes.*.*"])
def test_all_of_an_attribute_is_reached_by_its_name_but_for_its_type(selector: str) -> None:
    """The screen sees the name before the object, and it counts for each member; without a type the server drops the attribute."""
    program = scrubbing.config_program({"applications": {selector: ["@anything"]}}, "strict")
    plan = {"type": "string", "value": "taken", "unit": "taken", "of": {"type": "taken"}}
    record = {"attributes": {"user.plan": plan, "user.type": {"type": "taken"}}}
    got = scrubbing.scrub(program, {"items": [record]}, "log_container")["items"][0]["attributes"]
    assert got["user.plan"]["type"] == "string"
    assert "taken" not in str(got["user.plan"])
    assert ("taken" in str(got["user.type"])) == ("user.plan" in selector)


def test_a_text_in_place_of_values() -> None:
    event = {
        "exception": {"values": "Bearer abcdef", "note": 1},
        "breadcrumbs": {"values": None, "note": "Bearer abcdef"},
    }
    assert scrubbing.scrub(scrubbing.default_program("parity"), event) == event
    got = scrubbing.scrub(scrubbing.default_program("strict"), event)
    assert got["exception"] == {"values": "[Filtered]", "note": 1}
    assert got["breadcrumbs"] == {"values": None, "note": "[Filtered]"}


@pytest.mark.parametrize("profile", ["parity", "strict"])
@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ({"password": "x"}, {"type": "generic", "data": {"password": "[Filtered]"}}),
        (
            {"mach_exception": {"code": 1}, "data": {"q": "secret"}},
            {"type": "generic", "data": {"data": {"q": "[Filtered]"}}, "mach_exception": {"code": 1}},
        ),
        ({"handled": False, "help_link": "x"}, {"handled": False, "help_link": "x"}),
    ],
)
def test_a_mechanism_without_a_type_is_data(sent: object, left: object, profile: str) -> None:
    """As the reference reads it, in which nothing of it is lost."""
    got = scrubbing.scrub(scrubbing.default_program(profile), {"exception": [{"type": "E", "mechanism": sent}]})
    exception = got["exception"]
    assert (exception if isinstance(exception, list) else exception["values"])[0]["mechanism"] == left


def test_a_rule_for_the_data_of_a_mechanism_reaches_an_old_one() -> None:
    program = scrubbing.config_program({"applications": {"mechanism.data.*": ["@anything"]}}, "parity")
    got = scrubbing.scrub(program, {"exception": {"values": [{"mechanism": {"a": "taken"}}]}})
    assert "taken" not in str(got)
