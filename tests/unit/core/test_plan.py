"""From a project's configuration to the plan that is run."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from msgspec.structs import replace

from scrubjay.core.plan import Programs, ProjectPlan, compile_plan, pass_plan, revision_of
from scrubjay.errors import ConfigError
from scrubjay.settings.decisions import Compat
from scrubjay.settings.global_config import NOTHING_SHARED, GlobalConfig
from scrubjay.settings.project import DEFAULT_SCRUBBING, Problem, ProjectConfig
from scrubjay.settings.project_parsing import parse_project
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import Secret

SETTINGS = Settings()
PROGRAMS = Programs()
KEY = "a" * 32


def plan(text: str = "config: {}", settings: Settings = SETTINGS, shared: GlobalConfig = NOTHING_SHARED) -> ProjectPlan:
    return compile_plan(parse_project(text, "x.yaml"), settings, PROGRAMS, shared)


def privacy(**changes: Any) -> Settings:
    return replace(SETTINGS, privacy=replace(SETTINGS.privacy, **changes))


# What stands in a plan


def test_without_options_it_scrubs_and_limits_nothing() -> None:
    got = plan("projectId: 7\norganizationId: 3")
    assert (got.project_id, got.organization_id, got.disabled) == (7, 3, False)
    assert got.scrub is not None
    assert got.scrub.scrubs_ip
    assert got.scrub.hide_client_ip
    assert (got.filters, got.dynamic, got.plain, got.allows_origin) == (None, None, None, None)
    assert not got.quotas
    assert (got.policies.opaque, got.policies.attachments, got.problems) == ("drop", "text", ())
    assert (got.sends_client_ip, got.sends_user_agent, got.sends_origin) == (False, True, True)


def test_keys_are_known_by_number_and_may_be_off() -> None:
    """upstream-26"""
    got = plan(
        f"publicKeys: [{{publicKey: {KEY}, numericId: 5}}, {{publicKey: {'b' * 32}, isEnabled: false}}]\ndisabled: true"
    )
    assert got.key_id(KEY) == 5
    assert got.key_id("b" * 32) is None
    assert got.disabled_keys == {"b" * 32}
    assert got.disabled


def test_parts_that_cannot_be_used_are_left_out_and_named() -> None:
    got = plan(
        """
config:
  quotas: [{id: good, scope: key, categories: [error], limit: 2, window: 60}, {id: bad, limit: -1}]
  filterSettings: {errorMessages: {patterns: [x]}, localhost: {isEnabled: true}}
  sampling: {version: 2, rules: nonsense}
"""
    )
    assert [quota.id for quota in got.quotas] == ["good"]
    assert got.filters is not None
    assert {problem.kind for problem in got.problems} == {"sampling", "quota"}


def test_quotas_of_both_forms_and_of_all_projects_are_one_set() -> None:
    """What is no quota disables itself, whichever list it stands in."""
    got = plan(
        """
config:
  quotas: [{id: own, categories: [error], limit: 2, window: 60}, broken]
  scrubjay: {quotas: [{id: ours, categories: [error], limit: 2, window: 60, algorithm: sliding}, broken]}
""",
        shared=GlobalConfig(quotas=({"id": "all", "categories": ["error"], "limit": 9, "window": 60},)),
    )
    assert [quota.id for quota in got.quotas] == ["all", "own", "ours"]
    assert got.problems == (
        Problem("quota", "quotas[1]: not an object; this quota is not applied"),
        Problem("quota", "scrubjay.quotas[1]: not an object; this quota is not applied"),
    )
    assert str(got.problems[0]) == got.problems[0].text
    assert not got.quotas.quirks


def test_the_reference_s_mistakes_are_done_on_request() -> None:
    settings = Settings(compat=Compat(reference_quirks=True))
    assert plan("config: {}", settings).quotas.quirks
    assert plan("config: {}", settings).revision != plan("config: {}").revision


def test_stages_that_the_operator_switched_off_are_not_there() -> None:
    rule = "{id: 1, type: trace, samplingValue: {type: factor, value: 2}, condition: {op: and, inner: []}}"
    text = (
        f"config: {{filterSettings: {{errorMessages: {{patterns: [x]}}}}, sampling: {{version: 2, rules: [{rule}]}}}}"
    )
    assert plan(text).filters is not None
    assert plan(text).dynamic
    off = replace(
        SETTINGS,
        filters=replace(SETTINGS.filters, enabled=False),
        sampling=replace(SETTINGS.sampling, dynamic=False),
    )
    assert plan(text, off).filters is None
    assert plan(text, off).dynamic is None


def test_a_project_overrides_the_defaults_of_scrubbing() -> None:
    got = plan("config: {scrubjay: {scrub: {profile: parity, opaque: forward, attachments: drop}}}")
    assert got.scrub is not None
    assert (got.scrub.options.profile, got.policies.opaque, got.policies.attachments) == ("parity", "forward", "drop")
    by_operator = replace(SETTINGS, scrub=replace(SETTINGS.scrub, profile="parity", opaque="forward"))
    got = plan(settings=by_operator)
    assert got.scrub is not None
    assert (got.scrub.options.profile, got.policies.opaque) == ("parity", "forward")


@pytest.mark.parametrize("name", ["profile", "opaque", "attachments"])
def test_a_word_that_is_not_known_refuses_the_whole(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"config\.scrubjay\.scrub\.{name}.*accepted: ") as caught:
        plan(f"config: {{scrubjay: {{scrub: {{{name}: sometimes}}}}}}")
    assert "'sometimes'" in str(caught.value)


@pytest.mark.parametrize("name", ["pseudonym_key", "pseudonym_key_next", "pseudonym_key_since"])
def test_keys_are_the_operators_alone(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"config\.scrubjay\.scrub\.{name}: unknown member"):
        plan(f"config: {{scrubjay: {{scrub: {{{name}: x}}}}}}")


def test_another_key_is_another_plan_and_no_key_stands_in_what_is_kept() -> None:
    text, other_text = "0123456789abcdef" * 4, "123456789abcdef0" * 4
    keyed, rekeyed = (
        replace(SETTINGS, scrub=replace(SETTINGS.scrub, pseudonym_key=Secret(key))) for key in (text, other_text)
    )
    programs = Programs()
    plans = [compile_plan(ProjectConfig(), settings, programs) for settings in (keyed, rekeyed, keyed)]
    assert plans[0].revision == plans[2].revision != plans[1].revision
    assert plans[0].scrub is plans[2].scrub is not plans[1].scrub
    kept = b"".join(programs._known)
    assert b'"hash_is_keyed"' in kept
    assert text.encode() not in kept


def test_what_is_no_setting_has_no_revision() -> None:
    with pytest.raises(TypeError, match="object"):
        Programs().program({"rules": object()}, DEFAULT_SCRUBBING, SETTINGS.scrub, hide_client_ip=False)


def test_rules_that_do_not_compile_refuse_the_whole() -> None:
    with pytest.raises(ConfigError):
        plan('config: {piiConfig: {applications: {"$string.((": ["@email"]}}}')


@pytest.mark.parametrize(
    ("policy", "scrubs_ip", "hidden"),
    [("auto", True, True), ("auto", False, False), ("none", False, True), ("chain", True, False)],
)
def test_who_learns_the_client_address(policy: str, scrubs_ip: bool, hidden: bool) -> None:
    """ingest-116"""
    text = f"config: {{datascrubbingSettings: {{scrubData: true, scrubIpAddresses: {str(scrubs_ip).lower()}}}}}"
    got = plan(text, privacy(send_client_ip=policy))
    assert got.sends_client_ip is not hidden
    assert got.scrub is not None
    assert got.scrub.hide_client_ip is hidden


@pytest.mark.parametrize(("policy", "sent"), [("auto", True), ("chain", True), ("none", False)])
def test_the_plan_that_looks_at_nothing_obeys_the_privacy_switches(policy: str, sent: bool) -> None:
    got = pass_plan(privacy(send_client_ip=policy, send_user_agent=False, send_origin=False))
    assert (got.scrub, got.project_id, got.key_id(KEY)) == (None, None, None)
    assert (got.sends_client_ip, got.sends_user_agent, got.sends_origin) == (sent, False, False)


def test_plans_say_what_they_are() -> None:
    assert "any project" in repr(pass_plan(SETTINGS))
    assert "forwards as it came" in repr(pass_plan(SETTINGS))
    assert "project 7, scrubs" in repr(plan("projectId: 7"))


# Revisions and shared programs


def test_equal_sources_have_equal_revisions_and_only_those() -> None:
    project = ProjectConfig(project_id=7)
    same = revision_of(ProjectConfig(project_id=7), Settings())
    assert revision_of(project, SETTINGS) == same == compile_plan(project, SETTINGS, PROGRAMS).revision
    assert len(same) == 12
    assert revision_of(ProjectConfig(project_id=8), SETTINGS) != same
    assert revision_of(project, privacy(send_origin=False)) != same
    unrelated = replace(SETTINGS, http=replace(SETTINGS.http, timeout=9))
    assert revision_of(project, unrelated) == same


def test_projects_with_equal_rules_share_a_program_as_long_as_one_uses_it() -> None:
    programs = Programs()
    one, two, other = (
        compile_plan(parse_project(text, "x.yaml"), SETTINGS, programs)
        for text in (
            "projectId: 1",
            "projectId: 2\nconfig: {quotas: [{limit: 0, categories: [error]}]}",
            "projectId: 3\nconfig: {datascrubbingSettings: {}}",
        )
    )
    assert one.scrub is two.scrub
    assert other.scrub is not one.scrub
    assert repr(programs) == "<Programs 2, 2 sets of rules>"
    del one, two
    gc.collect()
    assert repr(programs) == "<Programs 1, 2 sets of rules>"
    assert other.scrub is not None
