"""Events and replays by the names of conditions: `decisions.md` 6.3."""

from __future__ import annotations

import json

import pytest

from scrubjay.core.conditions import HexId, Value, compile_condition
from scrubjay.core.subjects import EventSubject, ReplaySubject


def event(**members: object) -> EventSubject:
    return EventSubject(json.dumps(members).encode())


def replay(**members: object) -> ReplaySubject:
    return ReplaySubject(json.dumps(members).encode())


def context(which: str, /, **members: object) -> dict[str, object]:
    return {"contexts": {which: members}}


USER = {
    "id": 5,
    "email": "ana@lab.example",
    "segment": "vip",
    "ip_address": "10.9.9.9",
    "name": "Ana",
    "sentry_user": "id:5",
    "geo": {"city": "Graz", "country_code": "AT", "region": "Austria", "subdivision": "Styria"},
}
REQUEST = {"method": "GET", "url": "https://shop.example/", "headers": [["user-agent", "curl"], ["x-FOO-bar", "1"]]}
PROFILE = "4c79f60c11214eb38604f4ae0781bfb2"

SHARED: list[tuple[str, dict[str, object], Value]] = [
    ("release", {"release": "app@1.0"}, "app@1.0"),
    ("release", {"release": 5}, "5"),
    ("dist", {"dist": "b7"}, "b7"),
    ("environment", {"environment": "prod"}, "prod"),
    ("environment", {"environment": 5}, None),
    ("platform", {"platform": "python"}, "python"),
    ("platform", {}, "other"),
    ("user.email", {"user": USER}, "ana@lab.example"),
    ("user.email", {"sentry.interfaces.User": USER}, "ana@lab.example"),
    ("user.id", {"user": USER}, "5"),
    ("user.segment", {"user": USER}, "vip"),
    ("user.segment", {"user": {"segment": ""}}, None),
    ("user.ip_address", {"user": USER}, "10.9.9.9"),
    ("user.ip_address", {"user": {"ip_address": "{{auto}}"}}, "{{auto}}"),
    ("user.ip_address", {"user": {"ip_address": "bad"}}, None),
    ("user.name", {"user": USER}, "Ana"),
    ("user.geo.city", {"user": USER}, "Graz"),
    ("user.geo.country_code", {"user": USER}, "AT"),
    ("user.geo.region", {"user": USER}, "Austria"),
    ("user.geo.subdivision", {"user": USER}, "Styria"),
    ("sentry_user", {"user": USER}, "id:5"),
    ("request.method", {"request": REQUEST}, "GET"),
    ("request.url", {"request": REQUEST}, "https://shop.example/"),
    ("request.url", {"sentry.interfaces.Http": REQUEST}, "https://shop.example/"),
    ("request.headers.User-Agent", {"request": REQUEST}, "curl"),
    ("request.headers.X-FOO-Bar", {"request": REQUEST}, "1"),
    ("request.headers.X-Foo-Bar", {"request": REQUEST}, None),
    ("request.headers", {"request": REQUEST}, None),
    ("request.cookies.a", {"request": REQUEST}, None),
    ("sdk.name", {"sdk": {"name": "raven", "version": "1.0"}}, "raven"),
    ("sdk.version", {"sdk": {"name": "raven", "version": "1.0"}}, "1.0"),
    ("tags.shop.id", {"tags": {"shop.id": 7}}, "7"),
    ("tags.shop", {"tags": [["shop", "graz"], ["shop", "wien"]]}, "graz"),
    ("tags.", {"tags": {"": "x"}}, None),
    ("contexts.app.in_foreground", context("app", in_foreground=True), True),
    ("contexts.app.device_app_hash", context("app", device_app_hash="ab"), "ab"),
    ("contexts.device.arch", context("device", arch="arm64"), "arm64"),
    ("contexts.device.battery_level", context("device", battery_level=56.5), 56.5),
    ("contexts.device.brand", context("device", brand="Fair"), "Fair"),
    ("contexts.device.charging", context("device", charging=False), False),
    ("contexts.device.family", context("device", family="F"), "F"),
    ("contexts.device.model", context("device", model="M"), "M"),
    ("contexts.device.locale", context("device", locale="de"), "de"),
    ("contexts.device.online", context("device", online=True), True),
    ("contexts.device.orientation", context("device", orientation="portrait"), "portrait"),
    ("contexts.device.name", context("device", name="n"), "n"),
    ("contexts.device.screen_density", context("device", screen_density=2), 2),
    ("contexts.device.screen_dpi", context("device", screen_dpi=300), 300),
    ("contexts.device.screen_width_pixels", context("device", screen_width_pixels=640), 640),
    ("contexts.device.screen_height_pixels", context("device", screen_height_pixels=480), 480),
    ("contexts.device.simulator", context("device", simulator=True), True),
    ("contexts.device.uuid", context("device", uuid="u"), "u"),
    ("contexts.os.build", context("os", build="19E"), "19E"),
    ("contexts.os.kernel_version", context("os", kernel_version="6.1"), "6.1"),
    ("contexts.os.name", context("os", name="Linux"), "Linux"),
    ("contexts.os.name", {"sentry.interfaces.Contexts": {"os": {"name": "Linux"}}}, "Linux"),
    ("contexts.os.name", context("os", name="Linux", type="os"), "Linux"),
    ("contexts.os.name", context("os", name="Linux", type=""), "Linux"),
    ("contexts.os.name", context("os", name="Linux", type="device"), None),
    ("contexts.os.version", context("os", version="12"), "12"),
    ("contexts.os.rooted", context("os", rooted=False), False),
    ("contexts.os", context("os", os="Linux 6"), None),
    ("contexts.browser.name", context("browser", name="Firefox"), "Firefox"),
    ("contexts.browser.version", context("browser", version="130"), "130"),
    ("contexts.profile.profile_id", context("profile", profile_id=PROFILE.upper()), HexId(PROFILE)),
    ("contexts.trace.status", context("trace", status="failure"), "internal_error"),
    ("contexts.trace.op", context("trace", op="http"), "http"),
    ("contexts.response.status_code", context("response", status_code=500), 500),
    ("contexts.response.status_code", context("response", status_code=500.7), 500),
    ("contexts.response.status_code", context("response", status_code="500"), None),
    ("contexts.unreal.crash_type", context("unreal", crash_type="Assert"), "Assert"),
]
"""Fields of events and replays, without their prefix."""

ALONE: list[tuple[str, dict[str, object], Value]] = [
    ("level", {"level": "fatal"}, "fatal"),
    ("level", {"level": "log"}, "info"),
    ("level", {"level": 30}, "warning"),
    ("level", {"level": "critical"}, "fatal"),
    ("level", {"level": "Error"}, None),
    ("level", {"level": True}, None),
    ("level", {"level": 10.0}, None),
    ("level", {}, None),
    ("release.build", {"release": "app@1.0-rc+b7"}, "b7"),
    ("release.build", {"release": "app@a4b7e0f9c2d1"}, "a4b7e0f9c2d1"),
    ("release.package", {"release": "app@1.0-rc+b7"}, "app"),
    ("release.package", {"release": "1.0"}, None),
    ("release.version.short", {"release": "app@1.0-rc+b7"}, "1.0-rc"),
    ("release.version.short", {"release": "latest"}, None),
    ("release.version.short", {"release": "a/b"}, None),
    ("release.version.short", {}, None),
    ("transaction", {"transaction": "/cart"}, "/cart"),
    ("transaction.source", {"transaction_info": {"source": "route"}}, "route"),
    ("logger", {"logger": "shop"}, "shop"),
    ("server_name", {"server_name": "web-1"}, "web-1"),
    ("logentry.formatted", {"logentry": {"formatted": "a 1", "message": "a %s"}}, "a 1"),
    ("logentry.message", {"logentry": {"formatted": "a 1", "message": "a %s"}}, "a %s"),
    ("logentry.formatted", {"message": "a 1"}, "a 1"),
    ("logentry.formatted", {"message": 5}, "5"),
    ("logentry.formatted", {"message": {"formatted": "a"}}, "a"),
    ("logentry.formatted", {"sentry.interfaces.Message": {"formatted": "a"}, "message": "b"}, "a"),
    ("logentry.formatted", {"logentry": None, "message": "b"}, None),
    ("logentry.formatted", {}, None),
    ("logentry.message", {"message": "a 1"}, None),
    ("extra.a.b", {"extra": {"a": {"b": 5}}}, 5),
    ("extra.a", {"extra": {"a": "x"}}, "x"),
    ("extra.a", {"extra": {"a": {"b": 5}}}, None),
    ("extra.a.b.c", {"extra": {"a": {"b": 5}}}, None),
    ("measurements.lcp.value", {"measurements": {"lcp": {"value": 2.5}}}, 2.5),
    ("measurements.lcp.value", {"measurements": {"LCP": {"value": 2}}}, 2),
    ("measurements.a.b.value", {"measurements": {"a.b": {"value": 2}}}, 2),
    ("measurements.lcp.unit", {"measurements": {"lcp": {"unit": "ms"}}}, None),
    ("measurements.lcp.value", {}, None),
    ("breakdowns.ops.db.sql", {"breakdowns": {"ops": {"db.sql": {"value": 7}}}}, 7),
    ("contexts.gpu.vendor_name", context("gpu", vendor_name="V"), "V"),
    ("contexts.gpu.name", context("gpu", name="G"), "G"),
    ("contexts.monitor.id", context("monitor", id="m1"), "m1"),
    ("contexts.monitor.slug", context("monitor", slug="nightly"), "nightly"),
    ("contexts.runtime.name", context("runtime", name="CPython"), "CPython"),
    ("nothing", {"nothing": "x"}, None),
    ("nothing.at.all", {"nothing": {"at": {"all": "x"}}}, None),
]

REPLAYS: list[tuple[str, dict[str, object], Value]] = [
    ("contexts.ota_updates.channel", context("ota_updates", channel="main"), "main"),
    ("contexts.ota_updates.runtime_version", context("ota_updates", runtime_version="1"), "1"),
    ("contexts.ota_updates.update_id", context("ota_updates", update_id="u"), "u"),
]


@pytest.mark.parametrize(("name", "members", "expected"), SHARED + ALONE)
def test_fields_of_events(name: str, members: dict[str, object], expected: Value) -> None:
    subject = event(**members)
    for _ in range(2):
        assert subject.value(f"event.{name}") == expected
        assert type(subject.value(f"event.{name}")) is type(expected)
    assert subject.value(f"trace.{name}") is None
    assert subject.value(name) is None


@pytest.mark.parametrize(("name", "members", "expected"), SHARED + REPLAYS)
def test_fields_of_replays(name: str, members: dict[str, object], expected: Value) -> None:
    assert replay(**members).value(f"event.{name}") == expected


@pytest.mark.parametrize(("name", "members"), [(name, members) for name, members, _ in ALONE])
def test_replays_have_no_other_fields(name: str, members: dict[str, object]) -> None:
    assert replay(**members).value(f"event.{name}") is None


TIMES: dict[str, object] = {"start_timestamp": 1000.0, "timestamp": 1000.75}


def test_duration() -> None:
    assert event(type="transaction", **TIMES).value("event.duration") == 750.0
    assert EventSubject(json.dumps(TIMES).encode(), is_transaction=True).value("event.duration") == 750.0
    assert event(**TIMES).value("event.duration") is None
    longer = compile_condition({"op": "gt", "name": "event.duration", "value": 500})  # decisions-91
    assert longer.matches(event(type="transaction", **TIMES))
    assert not longer.matches(event(**TIMES))


def test_level_is_known_to_other_rules() -> None:
    assert event(level="critical").level == "fatal"
    assert event().level is None


def test_headers_and_tags_are_known_to_other_rules() -> None:
    subject = event(request=REQUEST, tags={"a": None})
    assert subject.header("USER-AGENT") == "curl"
    assert subject.header("Host") is None
    assert subject.headers is subject.headers
    assert subject.tags == {"a": None}
    assert subject.tags is subject.tags


def test_exceptions() -> None:
    subject = event(exception={"values": [{"type": "KeyError"}, {"type": "ValueError"}]})
    assert [exception.ty for exception in subject.exceptions] == ["KeyError", "ValueError"]
    assert subject.exceptions is subject.exceptions
    elements = subject.elements("event.exception.values")
    assert elements is not None
    assert elements[0].value("ty") == "KeyError"
    assert subject.elements("event.tags") is None
    assert event().exceptions == ()


def key_error(op: str) -> object:
    return {"op": op, "name": "event.exception.values", "inner": {"op": "eq", "name": "ty", "value": "KeyError"}}


@pytest.mark.parametrize(
    ("members", "in_any", "in_all"),
    [
        pytest.param({"exception": {"values": [{"type": "KeyError"}, {"type": "X"}]}}, True, False, id="decisions-92"),
        pytest.param({}, False, False, id="decisions-92 none"),
        pytest.param({"exception": {"values": []}}, False, True, id="an empty array"),
        pytest.param({"sentry.interfaces.Exception": [{"type": "KeyError"}]}, True, True, id="older name"),
    ],
)
def test_conditions_over_exceptions(members: dict[str, object], in_any: bool, in_all: bool) -> None:
    assert compile_condition(key_error("any")).matches(event(**members)) is in_any
    assert compile_condition(key_error("all")).matches(event(**members)) is in_all
    assert not compile_condition(key_error("any")).matches(replay(**members))


@pytest.mark.parametrize(
    ("condition", "members", "expected"),
    [
        pytest.param(("eq", "release", None), {}, True, id="decisions-87 without release"),
        pytest.param(("eq", "release", None), {"release": "1"}, False, id="decisions-87 with release"),
        pytest.param(("eq", "contexts.response.status_code", 500), context("response", status_code=500), False, id="decisions-89 eq"),
        pytest.param(("gte", "contexts.response.status_code", 500), context("response", status_code=500), True, id="decisions-89 gte"),
        pytest.param(("lte", "contexts.response.status_code", 500), context("response", status_code=500), True, id="decisions-89 lte"),
    ],
)  # fmt: skip
def test_conditions_over_fields(condition: tuple[str, str, object], members: dict[str, object], expected: bool) -> None:
    op, name, value = condition
    assert compile_condition({"op": op, "name": f"event.{name}", "value": value}).matches(event(**members)) is expected


def test_fingerprint() -> None:
    assert event(fingerprint=["a", 5, None, ["b"]]).fingerprint == ["a", "5"]
    assert event(fingerprint="a").fingerprint is None
