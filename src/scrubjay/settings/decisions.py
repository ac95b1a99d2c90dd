"""The settings of what is decided about each envelope: limits are in `schema`, sampling, filters, quotas and outcomes here.

Follows `decisions.md` 10.
"""

from __future__ import annotations

from typing import Literal

from scrubjay.settings.setting import Section, setting


class Aggregator(Section, frozen=True):
    """How losses are summed before they are reported."""

    initial_delay: float = setting(30, "Time from the first loss of a slot to its report.", unit="s", minimum=0)


class Outcomes(Section, frozen=True):
    """What the server is told of what was dropped here."""

    emit_outcomes: bool | Literal["as_client_reports"] = setting(
        "as_client_reports", "Report losses to the server as client reports; true means the same.", reload=True
    )
    aggregator: Aggregator = Aggregator()


class Sampling(Section, frozen=True):
    """Sampling, by the rules of the projects."""

    dynamic: bool = setting(True, "Obey the projects' sampling rules.", reload=True)


class Filters(Section, frozen=True):
    """Inbound filters, by the rules of the projects."""

    enabled: bool = setting(True, "Obey the projects' `filterSettings`.", reload=True)
