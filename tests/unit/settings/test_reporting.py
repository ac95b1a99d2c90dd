"""Settings of what the relay tells of itself: maps of tags, addresses, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.load import Loaded, load
from scrubjay.settings.reporting import Tag, tags_of
from scrubjay.settings.show import as_yaml

TAGS = "metrics:\n  default_tags:\n    zone: a\n    shard: 3\n    a.b: ${WHERE}-1\n"


def loaded(folder: Path, text: str, env: dict[str, str] | None = None) -> Loaded:
    (folder / "scrubjay.yaml").write_text(text)
    return load(folder, env or {})


def test_tags_are_a_mapping(tmp_path: Path) -> None:
    found = loaded(tmp_path, TAGS, {"WHERE": "here"})
    assert tags_of(found.settings.metrics.default_tags) == (
        Tag("zone", "a"),
        Tag("shard", "3"),
        Tag("a.b", "here-1"),
    )
    assert not [warning for warning in found.warnings if "metrics" in warning]


def test_the_environment_adds_one_tag_or_replaces_it(tmp_path: Path) -> None:
    env = {
        "WHERE": "here",
        "SCRUBJAY__METRICS__DEFAULT_TAGS__ZONE": "b=c",
        "SCRUBJAY__METRICS__DEFAULT_TAGS__POD": "x",
    }
    tags = tags_of(loaded(tmp_path, TAGS, env).settings.metrics.default_tags)
    assert set(tags) == {Tag("zone", "b=c"), Tag("pod", "x"), Tag("shard", "3"), Tag("a.b", "here-1")}


def test_the_environment_names_all_tags_in_one_variable(tmp_path: Path) -> None:
    env = {"WHERE": "here", "SCRUBJAY__METRICS__DEFAULT_TAGS": "zone=b, pod=x"}
    assert loaded(tmp_path, TAGS, env).settings.metrics.default_tags == ("zone=b", "pod=x")


def test_null_takes_a_tag_out(tmp_path: Path) -> None:
    text = "sentry: {default_tags: {zone: null, pod: x}}"
    assert loaded(tmp_path, text).settings.sentry.default_tags == ("pod=x",)


def test_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    text = "metrics: {statsd: '[::1]:8125', prefix: a.b., default_tags: {zone: a}}\ntracing: {endpoint: 'https://c'}"
    found = loaded(tmp_path, text)
    again = loaded(tmp_path, as_yaml(found))
    assert again.settings.metrics == found.settings.metrics
    assert again.settings.tracing == found.settings.tracing
    assert found.settings.metrics.prefix == "a.b"


def test_reports_to_nobody_are_warned_of(tmp_path: Path) -> None:
    for text, warned in (("sentry: {enabled: true}", True), ("sentry: {enabled: true, dsn: 'https://k@h/1'}", False)):
        assert any("sentry.dsn" in warning for warning in loaded(tmp_path, text).warnings) is warned


def test_the_settings_of_the_page_load_as_they_stand(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "watching.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    found = loaded(tmp_path, "".join(blocks), {"RELAY_SENTRY_DSN": "https://key@errors.example/1"})
    assert not [warning for warning in found.warnings if "unknown" in warning]
    assert found.settings.metrics.statsd == "127.0.0.1:8125"
    assert found.settings.sentry.enabled
    assert found.settings.tracing.endpoint == "http://127.0.0.1:4318/v1/traces"


def test_a_dsn_is_not_shown(tmp_path: Path) -> None:
    found = loaded(tmp_path, "sentry: {enabled: true, dsn: 'https://key:secret@errors.example/3'}")
    assert found.settings.sentry.dsn is not None
    assert found.settings.sentry.dsn.reveal() == "https://key:secret@errors.example/3"
    assert "errors.example" not in as_yaml(found)


@pytest.mark.parametrize(
    ("written", "endpoint"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("http://collector:4318/", "http://collector:4318/v1/traces"),
        ("https://collector/otel/traces", "https://collector/otel/traces"),
    ],
)
def test_a_receiver_without_a_path(tmp_path: Path, written: str, endpoint: str) -> None:
    assert loaded(tmp_path, f"tracing: {{endpoint: '{written}'}}").settings.tracing.endpoint == endpoint


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("metrics: {statsd: localhost}", "metrics.statsd: `localhost`: no address of a server (accepted: host:port)"),
        ("metrics: {statsd: 'u@h:1'}", "metrics.statsd: `u@h:1`: no address of a server"),
        ("metrics: {statsd: 'h:99999'}", "metrics.statsd: `h:99999`: no address of a server"),
        ("metrics: {statsd: 'h:0'}", "metrics.statsd: `h:0`: no address of a server"),
        ("metrics: {prefix: 'a b'}", "metrics.prefix: `a b`: no prefix"),
        ("metrics: {hostname_tag: 'a:b'}", "metrics.hostname_tag: `a:b`: `a:b` is no name of a tag"),
        ("metrics: {default_tags: {'a b': c}}", "metrics.default_tags: `a b=c`: `a b` is no name of a tag"),
        ("metrics: {default_tags: [zone]}", "metrics.default_tags: `zone`: no tag (accepted: name=value)"),
        ('metrics: {default_tags: {a: "b\\nc"}}', "a value with control characters"),
        ("metrics: {default_tags: {a: [b]}}", "metrics.default_tags.a: `[b]`: a list (accepted: a single value)"),
        (
            "metrics: {default_tags: {a: [{b: c}]}}",
            "metrics.default_tags.a: a list of lists (accepted: a single value)",
        ),
        ("metrics: {default_tags: zone}", "metrics.default_tags: `zone`: wrong form (accepted: a list"),
        ("sentry: {dsn: 'https://secret@h'}", "sentry.dsn: `***`: no DSN (accepted: scheme://key@host[:port]/project)"),
        ("sentry: {dsn: 'https://h:x/1'}", "sentry.dsn: `***`: no DSN"),
        ("tracing: {endpoint: 'grpc://h:4317'}", "tracing.endpoint: `grpc://h:4317`: no address of an OTLP receiver"),
        ("tracing: {endpoint: 'http://u:p@h'}", "tracing.endpoint: `http://***@h`: no address of an OTLP receiver"),
        ("tracing: {endpoint: 'http://h:x'}", "tracing.endpoint: `http://h:x`: no address of an OTLP receiver"),
        ("tracing: {sample_rate: 2}", "tracing.sample_rate: `2`: out of bounds (accepted: 0 to 1)"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert problem in str(caught.value)
