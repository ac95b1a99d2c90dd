"""Quotas as they are written: form and validity (`decisions.md` 2.1, 2.2, 9.1)."""

from pathlib import Path

import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.quotas import Grouping, Quota
from scrubjay.settings.project_parsing import parse_project

PAGE = Path(__file__).parents[3] / "docs" / "quotas.md"
ERRORS = {"id": "q", "categories": ["error"], "limit": 5, "window": 60}
BY_SLUG = {"maxCardinality": 2, "dimensions": ["checkInSlug"]}
BY_RELEASE = {"maxCardinality": 2, "dimensions": ["release"]}
DEBUG = {"op": "eq", "name": "event.level", "value": "debug"}


def compiled(**members: object) -> Quota:
    quotas, problems = compile_quotas([members])
    assert problems == []
    return quotas.quotas[0]


def extended(**members: object) -> Quota:
    quotas, problems = compile_quotas((), [members])
    assert problems == []
    return quotas.quotas[0]


def problem_of(config: object, *, extended: bool = False) -> str:
    quotas, (problem,) = compile_quotas((), [config]) if extended else compile_quotas([config])
    assert not quotas
    prefix = "scrubjay.quotas[0]: " if extended else "quotas[0]: "
    assert problem.startswith(prefix)
    return problem.removeprefix(prefix).removesuffix("; this quota is not applied")


# Form and validity


def test_a_full_quota() -> None:
    quota = compiled(
        id="k17e",
        scope="key",
        scopeId="17",
        categories=["error"],
        limit=2000,
        window=3600,
        reasonCode="key_hourly",
        other=1,
    )
    assert quota == Quota("k17e", "key", frozenset({C.ERROR}), 2000, 3600, 17, "key_hourly")


def test_what_may_be_left_out() -> None:
    assert compiled(limit=0) == Quota("", "organization", frozenset(), 0)
    assert compiled(id=None, scopeId=None, limit=0, reasonCode=None, namespace=None, groupBy=None) == compiled(limit=0)
    assert compiled(**ERRORS | {"limit": None}).limit is None


def test_a_limit_beyond_counting_never_rejects() -> None:
    assert compiled(**ERRORS | {"limit": 2**63}).limit is None
    assert compiled(**ERRORS | {"limit": 2**63 - 1}).limit == 2**63 - 1


BROKEN = [
    ("no object", ["error"], "not an object"),
    (
        "decisions-11 units",
        ERRORS | {"categories": ["error", "attachment"]},
        "its categories are counted in different units",
    ),
    (
        "time is a unit",
        ERRORS | {"categories": ["error", "profile_duration"]},
        "its categories are counted in different units",
    ),
    ("decisions-14", {"categories": ["martian"], "limit": 0}, "no known category"),
    ("decisions-28", ERRORS | {"window": 0}, "`window` is missing or 0"),
    ("other ways to count", ERRORS | {"algorithm": "sliding"}, "`algorithm` is only known in config.scrubjay.quotas"),
    ("burst", ERRORS | {"burst": 5}, "`burst` is only known in config.scrubjay.quotas"),
    (
        "condition",
        ERRORS | {"condition": {"op": "and", "inner": []}},
        "`condition` is only known in config.scrubjay.quotas",
    ),
    ("other actions", ERRORS | {"action": "observe"}, "`action` is only known in config.scrubjay.quotas"),
    (
        "shared overflow",
        ERRORS | {"groupBy": BY_SLUG | {"overflow": "shared"}},
        "`groupBy.overflow` is only known in config.scrubjay.quotas",
    ),
    ("our dimensions", ERRORS | {"groupBy": BY_RELEASE}, "unknown dimension 'release'"),
    ("no dimension", ERRORS | {"groupBy": BY_SLUG | {"dimensions": []}}, "`groupBy` without dimensions"),
    (
        "unknown dimension",
        ERRORS | {"groupBy": BY_SLUG | {"dimensions": ["checkInSlug", "moon"]}},
        "unknown dimension 'moon'",
    ),
    ("dimensions missing", ERRORS | {"groupBy": {"maxCardinality": 2}}, "`groupBy.dimensions` must be a list of names"),
    (
        "cardinality missing",
        ERRORS | {"groupBy": {"dimensions": ["checkInSlug"]}},
        "`groupBy.maxCardinality` is missing",
    ),
    (
        "cardinality too large",
        ERRORS | {"groupBy": BY_SLUG | {"maxCardinality": 2**32}},
        "`maxCardinality` must be a whole number, not negative",
    ),
    ("group as list", ERRORS | {"groupBy": []}, "`groupBy` must be an object"),
    ("scope null", ERRORS | {"scope": None}, "`scope` must be text"),
    ("scope as number", ERRORS | {"scope": 5}, "`scope` must be text"),
    ("no window", {"id": "q", "categories": ["error"], "limit": 5}, "`window` is missing or 0"),
    ("no id", ERRORS | {"id": ""}, "`id` is missing"),
    ("no categories", ERRORS | {"categories": []}, "without categories only a limit of 0 makes sense, as units differ"),
    ("namespace", ERRORS | {"namespace": "ufo"}, "unknown namespace 'ufo'"),
    ("limit as text", ERRORS | {"limit": "5"}, "`limit` must be a whole number, not negative"),
    ("negative limit", ERRORS | {"limit": -1}, "`limit` must be a whole number, not negative"),
    ("fractional limit", ERRORS | {"limit": 1.5}, "`limit` must be a whole number, not negative"),
    ("limit as truth", ERRORS | {"limit": True}, "`limit` must be a whole number, not negative"),
    ("limit too long", ERRORS | {"limit": 2**64}, "`limit` must be a whole number, not negative"),
    ("numeric scope id", ERRORS | {"scopeId": 17}, "`scopeId` must be text"),
    ("categories null", ERRORS | {"categories": None}, "`categories` must be a list of names"),
    ("categories as text", ERRORS | {"categories": "error"}, "`categories` must be a list of names"),
    ("categories of numbers", ERRORS | {"categories": [1]}, "`categories` must be a list of names"),
    ("reason as number", ERRORS | {"reasonCode": 5}, "`reasonCode` must be text"),
]


@pytest.mark.parametrize(("config", "problem"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_quota_is_left_out_and_named(config: object, problem: str) -> None:
    assert problem_of(config) == problem


def test_a_broken_quota_disables_no_other() -> None:
    quotas, problems = compile_quotas([ERRORS | {"limit": "5"}, ERRORS])
    assert [quota.id for quota in quotas] == ["q"]
    assert problems == ["quotas[0]: `limit` must be a whole number, not negative; this quota is not applied"]


def test_a_zero_quota_may_mix_units_decisions_11() -> None:
    assert compiled(categories=["error", "attachment"], limit=0).categories == {C.ERROR, C.ATTACHMENT}


def test_an_unknown_category_beside_a_known_one_is_fine() -> None:
    assert compiled(**ERRORS | {"categories": ["martian", "attachment"]}).counts(C.ATTACHMENT)


def test_a_reason_code_is_made_fit_for_a_header() -> None:
    assert compiled(limit=0, reasonCode="a:b,c\nd").reason == "a_b_c_d"
    assert compiled(limit=0, reasonCode=" ").reason is None


def test_what_is_plain_in_the_extended_form_is_accepted() -> None:
    assert compiled(**ERRORS | {"algorithm": "fixed", "action": "drop", "burst": None}) == compiled(**ERRORS)


# The extended form


def test_the_extended_form() -> None:
    quota = extended(
        **ERRORS,
        algorithm="bucket",
        burst=20,
        condition=DEBUG,
        groupBy={"maxCardinality": 3, "dimensions": ["release", "tag:shop", "release", "checkInSlug"]},
        action="sample:0.25",
    )
    assert (quota.algorithm, quota.burst, quota.sampled_excess) == ("bucket", 20, 0.25)
    assert quota.condition is not None
    assert quota.grouping == Grouping(("release", "tag:shop", "checkInSlug"), 3, shares_overflow=True, needs_all=False)
    assert not quota.is_plain


def test_excess_is_dropped_observed_or_sampled() -> None:
    actions = (None, "drop", "observe", "sample:0", "sample:1", "sample:0.5", "sample:00.50")
    assert [extended(**ERRORS, action=action).sampled_excess for action in actions] == [0, 0, 1, 0, 1, 0.5, 0.5]
    assert extended(**ERRORS, action="sample:0").is_plain


def test_what_is_beyond_the_cardinality() -> None:
    """Ours share one counter unless told otherwise; the reference's are refused."""
    rejecting = extended(**ERRORS, groupBy=BY_RELEASE | {"overflow": "reject"}).grouping
    assert rejecting == Grouping(("release",), 2, shares_overflow=False, needs_all=False)
    assert extended(**ERRORS, groupBy=BY_RELEASE | {"overflow": "shared"}).grouping == Grouping(("release",), 2)
    assert compiled(**ERRORS, groupBy=BY_SLUG).grouping == Grouping(
        ("checkInSlug",), 2, shares_overflow=False, needs_all=True
    )
    assert compiled(**ERRORS, groupBy=BY_SLUG | {"overflow": "reject"}) == compiled(**ERRORS, groupBy=BY_SLUG)


def test_what_does_not_count_down_is_counted_in_the_plain_way() -> None:
    for limit in (0, None):
        quota = extended(**ERRORS | {"limit": limit}, algorithm="bucket", burst=5)
        assert (quota.algorithm, quota.burst) == ("fixed", None)


BROKEN_EXTENDED = [
    ("algorithm", {"algorithm": "leaky"}, "`algorithm` must be `fixed`, `sliding` or `bucket`"),
    ("algorithm as number", {"algorithm": 1}, "`algorithm` must be text"),
    ("burst alone", {"burst": 5}, "`burst` is the depth of a bucket: it needs `algorithm: bucket`"),
    ("no burst", {"algorithm": "bucket", "burst": 0}, "`burst` must be at least 1"),
    ("burst as text", {"algorithm": "bucket", "burst": "5"}, "`burst` must be a whole number, not negative"),
    ("action", {"action": "explode"}, "`action` must be `drop`, `observe` or `sample:` with a rate from 0 to 1"),
    ("action as number", {"action": 5}, "`action` must be `drop`, `observe` or `sample:` with a rate from 0 to 1"),
    ("rate", {"action": "sample:1.5"}, "`action` must be `drop`, `observe` or `sample:` with a rate from 0 to 1"),
    ("no rate", {"action": "sample:"}, "`action` must be `drop`, `observe` or `sample:` with a rate from 0 to 1"),
    ("nan", {"action": "sample:nan"}, "`action` must be `drop`, `observe` or `sample:` with a rate from 0 to 1"),
    ("tag without name", {"groupBy": BY_RELEASE | {"dimensions": ["tag:"]}}, "unknown dimension 'tag:'"),
    ("overflow", {"groupBy": BY_RELEASE | {"overflow": "spill"}}, "`groupBy.overflow` must be `reject` or `shared`"),
    (
        "buckets",
        {"categories": ["metric_bucket"], "action": "observe"},
        "metric buckets all count alike, without `condition`, `groupBy` or `action`",
    ),
]


@pytest.mark.parametrize(
    ("more", "problem"), [case[1:] for case in BROKEN_EXTENDED], ids=[case[0] for case in BROKEN_EXTENDED]
)
def test_a_broken_extended_quota_is_left_out_and_named(more: dict[str, object], problem: str) -> None:
    assert problem_of(ERRORS | more, extended=True) == problem


def test_a_condition_that_cannot_match_as_written_disables_its_quota() -> None:
    for condition in ({"op": "eq"}, {"op": "neq", "name": "event.level", "value": "debug"}, 5):
        assert problem_of(ERRORS | {"condition": condition}, extended=True)


def test_parts_of_a_condition_that_are_skipped_are_named_and_the_rest_applies() -> None:
    condition = {"op": "glob", "name": "event.release", "value": ["[a", "ok*"]}
    quotas, problems = compile_quotas((), [ERRORS | {"condition": condition}])
    assert len(quotas) == 1
    assert len(problems) == 1
    assert problems[0].startswith("scrubjay.quotas[0]: ")
    assert "not applied" not in problems[0]


def test_a_field_that_no_item_has_is_named_and_the_quota_applies() -> None:
    condition = {
        "op": "or",
        "inner": [
            {"op": "eq", "name": "trace.release", "value": "x"},
            {"op": "cidr", "name": "envelope.client_ip", "value": ["::1"]},
        ],
    }
    quotas, problems = compile_quotas((), [ERRORS | {"condition": condition}])
    assert len(quotas) == 1
    assert problems == [
        "scrubjay.quotas[0]: `trace.release` is no field of items, so it is always missing; did you mean `event.release`?"
    ]


def test_quotas_of_the_global_configuration_come_first() -> None:
    quotas, problems = compile_quotas(
        [ERRORS], [ERRORS | {"id": "ours"}], [ERRORS | {"id": "all"}, ERRORS | {"action": "observe"}]
    )
    assert [(quota.id, quota.is_global) for quota in quotas] == [("all", True), ("q", False), ("ours", False)]
    assert problems == ["global quotas[1]: `action` is only known in config.scrubjay.quotas; this quota is not applied"]


def test_the_example_of_the_page_can_be_used() -> None:
    """Word by word, as somebody would copy it."""
    example = PAGE.read_text().partition("```yaml\n")[2].partition("```")[0]
    options = parse_project(example, "example.yaml").config
    quotas, problems = compile_quotas(options.quotas, options.scrubjay.quotas)
    assert problems == []
    assert len(quotas) == 7
