"""Filter `browserExtensions` (`decisions.md` 7.6)."""

import pytest

from scrubjay.core.filters.extensions import SCHEMES, SOURCES, VALUES
from support.filtering import compiled, why_event

FALLS = "browser-extensions"
EXTENSIONS = compiled(browserExtensions={"isEnabled": True})


def says(value: object) -> dict[str, object]:
    return {"exception": {"values": [{"type": "Error", "value": value}]}}


def comes_from(*paths: object) -> dict[str, object]:
    frames = [{} if path is None else {"abs_path": path} for path in paths]
    return {"exception": {"values": [{"type": "Error", "value": "x", "stacktrace": {"frames": frames}}]}}


@pytest.mark.parametrize("value", VALUES)
def test_what_extensions_say(value: str) -> None:
    assert why_event(EXTENSIONS, says(f"oh: {value.swapcase()} indeed")) == FALLS
    assert why_event(EXTENSIONS, says(value[:-1])) is None


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (says("undefined is not an object (evaluating 'a.L')"), FALLS),
        (says("undefined is not an object (evaluating 'a.é')"), FALLS),
        (says("undefined is not an object (evaluating 'a.LL')"), None),
        (says("undefined is not an object (evaluating 'aXL')"), None),
        (says("undefined is not an object (evaluating 'cart.items')"), None),
        (says("Cannot redefine property: cart"), None),
        (says("Permission denied to access property"), None),
        (says('Permission denied to access property "x"'), FALLS),
        (says("topXGLOBALS"), None),
        (says({"why": "conduitPage"}), FALLS),
        (says(None), None),
        ({"message": "conduitPage"}, None),
        ({"exception": []}, None),
        ({}, None),
    ],
)
def test_near_misses(event: object, reason: str | None) -> None:
    assert why_event(EXTENSIONS, event) == reason


@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes_of_extensions(scheme: str) -> None:
    assert why_event(EXTENSIONS, comes_from("https://shop.example/a.js", f"{scheme.upper()}x/y.js")) == FALLS
    assert why_event(EXTENSIONS, comes_from(f"https://shop.example/{scheme}x")) is None
    assert why_event(EXTENSIONS, comes_from(f"{scheme[1:]}x/y.js")) is None


@pytest.mark.parametrize("source", SOURCES)
def test_sources_of_injected_scripts(source: str) -> None:
    assert why_event(EXTENSIONS, comes_from(f"https://{source}/y.js")) == FALLS
    assert why_event(EXTENSIONS, comes_from(f"https://{source[1:]}/y.js")) is None
    if "." in source:
        assert why_event(EXTENSIONS, comes_from(f"https://{source.replace('.', '-')}/y.js")) is None


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (["<anonymous>", "moz-extension://x"], FALLS),
        (["moz-extension://x", "<anonymous>", "[native code]"], FALLS),
        (["moz-extension://x", "https://shop.example/a.js"], None),
        (["moz-extension://x", None], None),
        (["moz-extension://x", 5], None),
        (["moz-extension://x", ""], None),
        (["<anonymous>", "[native code]"], None),
        ([], None),
    ],
)
def test_the_last_frame_of_a_file_counts_decisions_104(frames: list[object], reason: str | None) -> None:
    assert why_event(EXTENSIONS, comes_from(*frames)) == reason


def test_only_the_first_exception_counts_decisions_104() -> None:
    (of_extension,) = comes_from("moz-extension://x")["exception"]["values"]  # type: ignore[index]
    (plain,) = comes_from("https://shop.example/a.js")["exception"]["values"]  # type: ignore[index]
    assert why_event(EXTENSIONS, {"exception": {"values": [of_extension, plain]}}) == FALLS
    assert why_event(EXTENSIONS, {"exception": {"values": [plain, of_extension]}}) is None
    assert why_event(EXTENSIONS, {"exception": {"values": [plain, {"value": "conduitPage"}]}}) is None


def test_a_broken_stack_says_nothing() -> None:
    for frames in ("x", [5], [None], {}, [[]]):
        event = {"exception": {"values": [{"value": "x", "stacktrace": {"frames": frames}}]}}
        assert why_event(EXTENSIONS, event) is None
    assert why_event(EXTENSIONS, {"exception": {"values": [{"value": "x", "stacktrace": None}]}}) is None


def test_only_events_have_exceptions() -> None:
    assert why_event(EXTENSIONS, says("conduitPage"), "replay_event") is None
    assert why_event(EXTENSIONS, says("conduitPage"), "transaction") == FALLS
