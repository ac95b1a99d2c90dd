"""Compiling: what is refused, what is forced onto the full walk, and the closures G4 and G5 of profile `strict` (scrubbing-73)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from scrubjay.core.scrub.program import compile_program
from scrubjay.errors import ConfigError
from scrubjay.settings.scrub import Scrub
from support import scrubbing

# One text in each place that gap G4 or G5 names, and what `strict` leaves there.
LEAK = "a ana@lab.example 4242424242424242 b"
CLOSED = "a [email] [creditcard] b"
GAPS: tuple[tuple[str, dict[str, Any], list[Any], str], ...] = (
    ("G4 url", {"request": {"url": "https://u:p@h/ana@lab.example"}}, ["request", "url"], "https://[auth]@[email]"),
    ("G4 tags", {"tags": [["k", LEAK]]}, ["tags", 0, 1], CLOSED),
    ("G4 value", {"exception": {"values": [{"value": LEAK}]}}, ["exception", "values", 0, "value"], CLOSED),
    (
        "G4 category",
        {"breadcrumbs": {"values": [{"category": LEAK}]}},
        ["breadcrumbs", "values", 0, "category"],
        CLOSED,
    ),
    ("G4 span", {"spans": [{"description": LEAK}]}, ["spans", 0, "description"], CLOSED),
    ("G4 template", {"logentry": {"message": LEAK}}, ["logentry", "message"], CLOSED),
    ("G5", {"extra": {"x": "mail ana@lab.example"}}, ["extra", "x"], "mail [email]"),
    ("G5 user", {"user": {"email": "ana@lab.example", "id": "4"}}, ["user", "email"], "[email]"),
)


def at(document: Any, path: list[Any]) -> Any:
    for key in path:
        document = document[key]
    return document


@pytest.mark.parametrize(("name", "event", "path", "closed"), GAPS, ids=[gap[0] for gap in GAPS])
def test_scrubbing_73_gaps(name: str, event: dict[str, Any], path: list[Any], closed: str) -> None:
    open_ = scrubbing.scrub(scrubbing.default_program("parity"), event)
    got = scrubbing.scrub(scrubbing.default_program("strict"), event)
    if "G4 value" not in name and "tags" not in name:
        assert "ana@lab.example" in str(at(open_, path))
    assert at(got, path) == closed


def test_url_mail_addresses_go_too() -> None:
    got = scrubbing.scrub(scrubbing.default_program("strict"), {"request": {"url": "https://h/x?u=ana@lab.example"}})
    assert "ana@" not in str(got)


def test_closures_only_with_the_default_rules() -> None:
    program = compile_program(pii_config=None, settings={"scrubIpAddresses": True})
    assert scrubbing.scrub(program, {"extra": {"x": "ana@lab.example"}}) == {"extra": {"x": "ana@lab.example"}}


def test_addresses_in_closed_places_only_if_addresses_are_scrubbed() -> None:
    event = {"exception": {"values": [{"value": "at 192.0.2.1"}]}}
    without = compile_program(pii_config=None, settings={"scrubData": True, "scrubDefaults": True})
    assert scrubbing.scrub(without, event) == event
    assert "192" not in str(scrubbing.scrub(scrubbing.default_program("strict"), event)["exception"])


def test_settings_structs() -> None:
    settings = SimpleNamespace(
        scrub_data=True, scrub_ip_addresses=True, scrub_defaults=True, sensitive_fields=("note",), exclude_fields=()
    )
    program = compile_program(pii_config=None, settings=settings)
    assert program.scrubs_ip
    assert scrubbing.scrub(program, {"extra": {"NOTE": "x"}})["extra"]["NOTE"] == "[Filtered]"
    assert "strict" in repr(program)
    assert not compile_program(pii_config={}, settings=None).passes


@pytest.mark.parametrize("profile", ["parity", "strict"])
def test_scrubbing_59_sensitive_fields_ignore_case_in_memory(profile: str) -> None:
    """The JSON of the converted settings cannot say it, so the case itself differs in `Pass`."""
    settings = {"scrubData": True, "sensitiveFields": ["pass"]}
    program = compile_program(pii_config=None, settings=settings, options=Scrub(profile=profile))
    got = scrubbing.scrub(program, {"extra": {"Pass": "1", "pass_no": "2", "v": "my PASS", "w": "ship"}})
    assert got["extra"] == {"Pass": "[Filtered]", "pass_no": "[Filtered]", "v": "[Filtered]", "w": "ship"}


BAD_CONFIGS: tuple[Any, ...] = (
    [], {"rules": None}, {"applications": []}, {"applications": None}, {"vars": None}, {"vars": {"hashKey": 5}},
    {"rules": {"x": 5}}, {"rules": {"x": {}}}, {"rules": {"x": {"type": "urlauth"}}},
    {"rules": {"x": {"type": "ip", "redaction": "mask"}}}, {"rules": {"x": {"type": "ip", "redaction": None}}},
    {"rules": {"x": {"type": "ip", "redaction": {"text": "y"}}}},
    {"rules": {"x": {"type": "ip", "redaction": {"method": "replace", "text": 5}}}},
    {"rules": {"x": {"type": "pattern"}}}, {"rules": {"x": {"type": "redact_pair"}}},
    {"rules": {"x": {"type": "pattern", "pattern": "a", "replaceGroups": [-1]}}},
    {"rules": {"x": {"type": "pattern", "pattern": "a", "replaceGroups": [256]}}},
    {"rules": {"x": {"type": "pattern", "pattern": "a", "replaceGroups": [True]}}},
    {"rules": {"x": {"type": "multiple"}}}, {"rules": {"x": {"type": "multiple", "rules": [5]}}},
    {"rules": {"x": {"type": "alias"}}}, {"rules": {"x": {"type": "alias", "rule": "@ip", "hideInner": "yes"}}},
    {"rules": {"x": {"type": "pattern", "pattern": "(?=a)"}}, "applications": {"$string": ["x"]}},
    {"rules": {"x": {"type": "pattern", "pattern": "(a)\\1"}}, "applications": {"$string": ["x"]}},
    {"rules": {"x": {"type": "pattern", "pattern": "("}}, "applications": {"$string": ["x"]}},
    {"applications": {"$nope": ["@ip"]}}, {"applications": {"$string": "@ip"}},
)  # fmt: skip


@pytest.mark.parametrize("profile", ["parity", "strict"])
@pytest.mark.parametrize("config", BAD_CONFIGS, ids=str)
def test_scrubbing_65_refused(config: Any, profile: str) -> None:
    with pytest.raises(ConfigError):
        compile_program(pii_config=config, settings=None, options=Scrub(profile=profile))


def test_scrubbing_65_types_beyond_the_reference_are_refused_in_parity() -> None:
    with pytest.raises(ConfigError, match="unknown rule type 'phone'"):
        scrubbing.config_program({"rules": {"x": {"type": "phone"}}, "applications": {"$string": ["x"]}})


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)",
        "(?!a)",
        "(?<=a)b",
        "(?<!a)b",
        r"(a)\1",
        "(?P<n>a)(?P=n)",
        "(",
        r"\w{2000}",
        r"\w{200}",
        r"(\w{1,100}){1,100}",
        "[b-a]",
    ],
)
def test_scrubbing_65_patterns(pattern: str) -> None:
    """Refused where an application reaches them, with the rule's name; in `parity` the reference passes over them elsewhere."""
    for rule in ({"type": "pattern", "pattern": pattern}, {"type": "redact_pair", "keyPattern": pattern}):
        used = {"rules": {"x": rule}, "applications": {"$string": ["x"]}}
        unused = {"rules": {"x": rule}, "applications": {"$string": ["@ip"]}}
        for config, profile in ((used, "parity"), (used, "strict"), (unused, "strict")):
            with pytest.raises(ConfigError, match=r"^rules\.x: pattern does not compile: ."):
                scrubbing.config_program(config, profile)
        scrubbing.config_program(unused)


SKIPPED_IN_PARITY: tuple[dict[str, Any], ...] = (
    {"applications": {"$string": ["@nope"]}},
    {"rules": {"x": {"type": "alias", "rule": "nope"}}},
    {"rules": {"x": {"type": "ip", "redaction": {"method": "scramble"}}}},
    {"rules": {"x": {"type": "pattern", "pattern": "("}}},
    {"rules": {"x": {"type": "pattern", "pattern": "(a)", "replaceGroups": [0, 1]}}},
)


@pytest.mark.parametrize("config", SKIPPED_IN_PARITY, ids=str)
def test_what_the_reference_skips_is_refused_in_strict(config: dict[str, Any]) -> None:
    compile_program(pii_config=config, settings=None, options=Scrub(profile="parity"))
    with pytest.raises(ConfigError):
        compile_program(pii_config=config, settings=None, options=Scrub(profile="strict"))


@pytest.mark.parametrize(
    "settings", [5, {"scrubData": None}, {"scrubData": 1}, {"sensitiveFields": "a"}, {"excludeFields": [5]}]
)
def test_bad_settings(settings: Any) -> None:
    with pytest.raises(ConfigError):
        compile_program(pii_config=None, settings=settings)


def test_forced_full() -> None:
    """Rules for which every byte must be looked at are named, for `scrubjay check`."""
    assert scrubbing.default_program("strict").forced_full == ()
    assert scrubbing.config_program({"applications": {"$string": ["@anything"]}}).forced_full == ("@anything:replace",)
    digits = {"rules": {"d": {"type": "pattern", "pattern": "\\d+"}}, "applications": {"$string": ["d"]}}
    assert scrubbing.config_program(digits).forced_full == ("d",)
    words = {"rules": {"w": {"type": "pattern", "pattern": "foo|ba\\.r"}}, "applications": {"$string": ["w"]}}
    assert scrubbing.config_program(words).forced_full == ()
    assert scrubbing.config_program({"applications": {"*.email": ["@anything"]}}).forced_full == ()


def test_key_verdicts_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    from scrubjay.core.scrub import program as module

    monkeypatch.setattr(module, "_MAX_KEYS", 1)
    program = compile_program(pii_config=None, settings=scrubbing.SETTINGS)
    event = {"extra": {f"password{n}": "x" for n in range(5)}}
    assert set(scrubbing.scrub(program, event)["extra"].values()) == {"[Filtered]"}


def test_what_is_equal_is_compiled_once() -> None:
    """Equal settings share their pass, and rules that look for the same a screen, whatever else differs."""
    settings = {**scrubbing.SETTINGS, "sensitiveFields": ["compiled once"]}

    def config(method: str) -> dict[str, Any]:
        rule = {"type": "pattern", "pattern": "once only", "redaction": {"method": method}}
        return {"rules": {"x": rule}, "applications": {"$string": ["x"]}}

    one, other = (compile_program(pii_config=config(method), settings=settings) for method in ("mask", "hash"))
    assert one.passes[1] is other.passes[1]
    assert one.passes[0] is not other.passes[0]
    assert one.passes[0].screen is other.passes[0].screen
    assert scrubbing.scrub(one, {"extra": {"a": "once only"}})["extra"]["a"] == "*" * 9
    different = compile_program(pii_config=None, settings=settings, options=Scrub(profile="parity"))
    assert different.passes[0] is not one.passes[1]
