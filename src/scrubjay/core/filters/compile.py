"""From a project's configuration to its filters (`decisions.md` 7).

Each family compiles its own member; here they are put into their order. Members that no family knows are ignored, as in the reference,
and named, since they may be meant for one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Final

from scrubjay.core.filters import FAMILIES
from scrubjay.core.filters.chain import Filters
from scrubjay.core.filters.family import Source
from scrubjay.core.filters.generic import supports_sampling
from scrubjay.core.filters.own import OWN

__all__ = ["compile_filters", "supports_sampling"]


_NAMES: Final = [family.name for family in FAMILIES if family is not OWN]


def compile_filters(
    settings: Mapping[str, object],
    *,
    own: Sequence[object] = (),
    global_filters: object = None,
    quirks: bool = False,
) -> tuple[Filters | None, list[str]]:
    """The filters in force, None if there are none, and a sentence on each that is disabled or not run as written.

    `settings`: `config.filterSettings`; `own`: `config.scrubjay.filters`; `global_filters`: the member `filters` of the global
    configuration; `quirks`: as the reference does it, even where that is a mistake (`decisions.md` 12).
    """
    source = Source(settings, own, global_filters, quirks)
    source.problems += (_unknown(name) for name, options in settings.items() if options and name not in _NAMES)
    rules = [rule for family in FAMILIES for rule in family.compile(source)]
    return Filters(rules) if rules else None, source.problems


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, _NAMES, n=1)
    hint = f"; did you mean `{close[0]}`?" if close else ""
    return f"filterSettings.{name[:80]} is not known, and ignored{hint}"
