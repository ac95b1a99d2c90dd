"""Times in sampling rules, in every spelling that the reference takes for RFC 3339 (`decisions.md` 5.2).

More than the standard: one digit where it asks for two, blanks around the parts, years beyond 9999, `UTC` for `Z`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_BLANKS: Final = r"[^\S\x1c-\x1f]*"
"""What Unicode calls white space; Python adds four separators."""
_TIME: Final = re.compile(
    r"_([0-9]{1,4}|[+-][0-9]+)_-_([0-9]{1,2})_-_([0-9]{1,2})[Tt ]_([0-9]{1,2})_:_([0-9]{1,2})_:_([0-9]{1,2})(\.[0-9]+)?_"
    r"(?:[Uu][Tt][Cc]|[Zz]|([-+\u2212])([0-9]{2})(?:_:)*_([0-5][0-9]))_".replace("_", _BLANKS)
)
_YEARS: Final = range(-262_143, 262_143)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_DAY_S: Final = 86_400
_CYCLE_YEARS: Final = 400
_CYCLE_DAYS: Final = 146_097
"""After which the calendar repeats."""


def unix_time(text: object) -> float:
    """Seconds since 1970. Raises `ValueError` for what is no time, or one that never was."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("no time with a zone")
    year, month, day, hour, minute, second, fraction, sign, *zone = match.groups()
    if int(year) not in _YEARS or int(hour) > 23 or int(minute) > 59 or int(second) > 60:
        raise ValueError("no such time")
    # A leap second counts as the first of the next minute.
    since = _days(int(year), int(month), int(day)) * _DAY_S + int(hour) * 3600 + int(minute) * 60 + int(second)
    if sign is not None:
        offset = int(zone[0]) * 3600 + int(zone[1]) * 60
        since += -offset if sign == "+" else offset
        if offset >= _DAY_S or since // _DAY_S not in _RANGE:
            raise ValueError("no such zone")
    return since + float(f"0{fraction or ''}")


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970; Python's own calendar has no years before 1 and after 9999."""
    cycles, year = divmod(year, _CYCLE_YEARS)
    return date(year + _CYCLE_YEARS, month, day).toordinal() + (cycles - 1) * _CYCLE_DAYS - _EPOCH_DAY


_RANGE: Final = range(_days(_YEARS.start, 1, 1), _days(_YEARS.stop, 1, 1))
"""Of days, in universal time."""
