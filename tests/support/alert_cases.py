"""What makes each alert fire, and what looks alike and must not: series as `promtool test rules` reads them.

A series is its name and labels, and values a minute apart. Each case has an instance of its own, so that all are tried at once and each
fires its own alert and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

TARGET: Final = 'job="relay",instance="?"'
_STEP_AT: Final = 20
_STEP_ASKED_M: Final = 22
_ASKED_M: Final = 35
_MINUTES: Final = _ASKED_M
Series = Mapping[str, str]


def always(value: float) -> str:
    return f"{value}+0x{_MINUTES}"


def steps(before: float, after: float) -> str:
    """So much until the 19th minute, from then on so much."""
    return f"{before}+0x{_STEP_AT - 1} {after}+0x{_MINUTES - _STEP_AT}"


def grows(per_minute: float) -> str:
    return f"0+{per_minute}x{_MINUTES}"


@dataclass(frozen=True)
class Case:
    """`asked_m`: the minute in which it is to fire."""

    alert: str
    fires: Series
    quiet: Series
    asked_m: int = _ASKED_M


def _level(alert: str, name: str, bad: float, good: float, labels: str = "") -> Case:
    series = f"{name}{{{TARGET}{',' if labels else ''}{labels}}}"
    return Case(alert, {series: always(bad)}, {series: always(good)})


def _loss(alert: str, name: str, labels: str = "") -> Case:
    """One more in the 20th minute, against many that are long past."""
    series = f"{name}{{{TARGET}{',' if labels else ''}{labels}}}"
    return Case(alert, {series: steps(0, 1)}, {series: always(7)}, asked_m=_STEP_ASKED_M)


def _share(alert: str, name: str, bad: str, good: str, per_minute: float, allowed: float) -> Case:
    """So many of 1000 a minute are bad; `allowed` is what may be."""

    def series(amount: float) -> Series:
        return {f"{name}{{{TARGET},{bad}}}": grows(amount), f"{name}{{{TARGET},{good}}}": grows(1000 - amount)}

    return Case(alert, series(per_minute), series(allowed))


def of(name: str, labels: str = "") -> str:
    return f"{name}{{{TARGET}{',' if labels else ''}{labels}}}"


_LAG: Final = 'worker="0",le="{}"'

CASES: Final[tuple[Case, ...]] = (
    _level("ScrubjayUpstreamOutage", "scrubjay_upstream_up", 0, 1, 'upstream="default"'),
    _level("ScrubjayAuthDenied", "scrubjay_auth_state", 4, 2),
    _level("ScrubjayNotRegistered", "scrubjay_auth_state", 1, 3),
    _level("ScrubjayConfigsMissing", "scrubjay_waiting_oldest_age_seconds", 301, 30),
    _level("ScrubjayConfigsStale", "scrubjay_project_config_stale_seconds", 3601, 600, 'source="fetched"'),
    Case(
        "ScrubjayWaitingRoomFilling",
        {of("scrubjay_waiting_bytes"): always(90), of("scrubjay_waiting_capacity_bytes"): always(100)},
        {of("scrubjay_waiting_bytes"): always(70), of("scrubjay_waiting_capacity_bytes"): always(100)},
    ),
    _share(
        "ScrubjayUpstreamFailing",
        "scrubjay_upstream_requests_total",
        'route="envelope",result="error",status="500"',
        'route="envelope",result="ok",status="200"',
        200,
        50,
    ),
    Case(
        "ScrubjayUpstreamOutage",
        {
            of("scrubjay_upstream_up", 'upstream="default"'): always(0),
            of("scrubjay_upstream_requests_total", 'route="probe",result="network",status=""'): grows(9),
        },
        {of("scrubjay_upstream_up", 'upstream="default"'): always(1)},
    ),
    Case(
        "ScrubjayUpstreamThrottling",
        {of("scrubjay_upstream_requests_total", 'route="envelope",result="throttled",status="429"'): grows(1)},
        {of("scrubjay_upstream_requests_total", 'route="envelope",result="throttled",status="429"'): always(9)},
    ),
    _loss("ScrubjayUpstreamRefuses", "scrubjay_losses_total", 'reason="upstream_rejected"'),
    Case(
        "ScrubjaySpoolFilling",
        {
            of("scrubjay_spool_bytes", 'partition="p00"'): always(90),
            of("scrubjay_spool_bytes", 'partition="p01"'): always(60),
            of("scrubjay_spool_capacity_bytes", 'partition="p00"'): always(100),
            of("scrubjay_spool_capacity_bytes", 'partition="p01"'): always(100),
        },
        {
            of("scrubjay_spool_bytes", 'partition="p00"'): always(90),
            of("scrubjay_spool_bytes", 'partition="p01"'): always(10),
            of("scrubjay_spool_capacity_bytes", 'partition="p00"'): always(100),
            of("scrubjay_spool_capacity_bytes", 'partition="p01"'): always(100),
        },
    ),
    _level("ScrubjaySpoolOld", "scrubjay_spool_oldest_age_seconds", 3700, 3500, 'partition="p00"'),
    _loss("ScrubjayDroppingData", "scrubjay_spool_dropped_total", 'reason="evicted"'),
    _loss("ScrubjayCorruption", "scrubjay_spool_dropped_total", 'reason="corrupt"'),
    _loss("ScrubjayDiskErrors", "scrubjay_spool_errors_total"),
    Case(
        "ScrubjayDown",
        {of("up"): steps(1, 0), of("scrubjay_build_info", 'version="1"'): f"1+0x{_STEP_AT} _x{_MINUTES - _STEP_AT}"},
        {of("up"): always(0)},
    ),
    _share(
        "ScrubjayRejecting",
        "scrubjay_requests_total",
        'route="envelope",status="503"',
        'route="store",status="200"',
        20,
        9,
    ),
    _share(
        "ScrubjayRefusingClients",
        "scrubjay_requests_total",
        'route="envelope",status="403"',
        'route="envelope",status="200"',
        60,
        40,
    ),
    _level("ScrubjayShedding", "scrubjay_shed_categories", 2, 0),
    _loss("ScrubjayLosingData", "scrubjay_losses_total", 'reason="queue_failed"'),
    _level("ScrubjayMemoryHigh", "scrubjay_memory_ratio", 0.85, 0.75, 'worker="0"'),
    Case(
        "ScrubjayFileDescriptors",
        {
            of("process_open_fds", 'worker="0"'): always(90),
            of("process_max_fds", 'worker="0"'): always(100),
            of("scrubjay_build_info", 'version="1"'): always(1),
        },
        {of("process_open_fds"): always(90), of("process_max_fds"): always(100)},
    ),
    _loss("ScrubjayBrokenItems", "scrubjay_losses_total", 'reason="invalid_json"'),
    _loss("ScrubjayUnscrubbed", "scrubjay_unscrubbed_items_total", 'item_type="event"'),
    _loss("ScrubjayDroppedByScrubbing", "scrubjay_losses_total", 'reason="unscrubbable"'),
    _loss("ScrubjayAuditErrors", "scrubjay_audit_errors_total"),
    _loss("ScrubjayAuditLost", "scrubjay_audit_lost_lines_total"),
    _level("ScrubjayConfigRefused", "scrubjay_config_refused", 1, 0),
    _level("ScrubjayProjectFileErrors", "scrubjay_project_config_stale_seconds", 60, 0, 'source="file"'),
    _level("ScrubjayRulesLeftOut", "scrubjay_rules_left_out", 1, 0, 'kind="quota"'),
    _level("ScrubjayCertificateExpiring", "scrubjay_tls_expiry_seconds", 6 * 86400, 8 * 86400, 'listener="public"'),
    _level("ScrubjayCertificateRefused", "scrubjay_certificates_refused", 1, 0, 'of="listener"'),
    Case(
        "ScrubjayHandshakesFailing",
        {of("scrubjay_tls_handshakes_failed_total", 'reason="distrusts_us"'): grows(1)},
        {of("scrubjay_tls_handshakes_failed_total", 'reason="garbage"'): grows(1)},
    ),
    _level("ScrubjayQuotaStoreAway", "scrubjay_quota_store_up", 0, 1),
    _loss("ScrubjayWebhooksFailing", "scrubjay_webhooks_total", 'type="quota.exhausted",result="failed"'),
    _loss("ScrubjayUnaccounted", "scrubjay_losses_total", 'reason="unaccounted"'),
    _loss("ScrubjayInternalErrors", "scrubjay_internal_errors_total"),
    Case(
        "ScrubjayWorkerMissing",
        {of("scrubjay_workers"): always(1), of("scrubjay_workers_expected"): always(2)},
        {of("scrubjay_workers"): always(2), of("scrubjay_workers_expected"): always(2)},
    ),
    Case(
        "ScrubjayWorkerCrashLoop",
        {of("scrubjay_worker_restarts_total", 'worker="0"'): grows(0.5)},
        {of("scrubjay_worker_restarts_total", 'worker="0"'): grows(0.1)},
    ),
    Case(
        "ScrubjayWorkerCrashLoop",
        {
            of("process_start_time_seconds", 'worker="0"'): grows(60),
            of("scrubjay_build_info", 'version="1"'): always(1),
        },
        {of("process_start_time_seconds"): grows(60)},
    ),
    Case(
        "ScrubjayLoopLag",
        {
            of("scrubjay_event_loop_lag_seconds_bucket", _LAG.format("1.0")): grows(10),
            of("scrubjay_event_loop_lag_seconds_bucket", _LAG.format("2.5")): grows(60),
            of("scrubjay_event_loop_lag_seconds_bucket", _LAG.format("+Inf")): grows(60),
        },
        {
            of("scrubjay_event_loop_lag_seconds_bucket", _LAG.format("0.1")): grows(60),
            of("scrubjay_event_loop_lag_seconds_bucket", _LAG.format("+Inf")): grows(60),
        },
    ),
    Case(
        "ScrubjayClockSkew",
        {of("scrubjay_clock_seconds"): f"100+60x{_MINUTES}"},
        {of("scrubjay_clock_seconds"): f"5+60x{_MINUTES}"},
    ),
)


def promtool_tests(rule_file: str, cases: Sequence[Case] = CASES) -> dict[str, Any]:
    """A file for `promtool test rules`: each case fires its alert and no other, trouble that lasts not at once; what looks alike fires none."""
    named = [(f"{case.alert}-{number}-{case.asked_m}m", case) for number, case in enumerate(cases)]
    fires = [(place, case.fires) for place, case in named]
    quiet = [(place, case.quiet) for place, case in named]
    asked = [
        _ask(minute, {place: case.alert for place, case in named if case.asked_m == minute})
        for minute in (_STEP_ASKED_M, _ASKED_M)
    ]
    asked.append(_ask(_ASKED_M, {}, at=0))
    nothing = [_ask(minute, {}) for minute in (_STEP_ASKED_M, _ASKED_M)]
    tests = [_test("fires", fires, asked), _test("does not fire", quiet, nothing)]
    return {"rule_files": [rule_file], "evaluation_interval": "1m", "tests": tests}


def _ask(minute: int, firing: Mapping[str, str], at: int | None = None) -> dict[str, Any]:
    """What fires of the cases for that `minute`, then or `at` another."""
    samples = [{"labels": f'{{alertname="{name}",instance="{place}"}}', "value": 1} for place, name in firing.items()]
    which = f'alertstate="firing",instance=~".*-{minute}m"'
    return {
        "expr": f"count by (alertname, instance) (ALERTS{{{which}}})",
        "eval_time": f"{minute if at is None else at}m",
        "exp_samples": samples,
    }


def _test(name: str, placed: Sequence[tuple[str, Series]], asked: list[dict[str, Any]]) -> dict[str, Any]:
    series = [
        {"series": key.replace('instance="?"', f'instance="{place}"'), "values": values}
        for place, several in placed
        for key, values in several.items()
    ]
    return {"name": name, "interval": "1m", "input_series": series, "promql_expr_test": asked}
