"""Phone numbers as they are written inside a country, each country a switch of its own (scrubbing.md 15.4; ITU-T E.164).

Nothing but separators, a leading zero and the length tells them from other numbers, so none is on unless it is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from scrubjay.core.scrub.check_digits import digits_of
from scrubjay.core.scrub.detector import Detector
from scrubjay.core.scrub.detectors.calling_codes import NATIONAL_LENGTHS

_DATE: Final = re.compile(rb"[0-9]{2}([./-])[0-9]{2}\1(?:[0-9]{4}|[0-9]{2})(?:[ T].*)?")
_FEWEST_DIGITS: Final = 7
_START: Final = r"(?:^|[^0-9A-Za-z_.,+/-])"
_END: Final = r"(?:[^0-9A-Za-z_-]|$)"
# The zero that is dialled inside the country, then groups of digits.
_WITH_ZERO: Final = rf"{_START}(\(?0[1-9](?:[ ./()-]{{0,2}}[0-9]){{5,11}}){_END}"
_WITH_ZERO_SCREEN: Final = r"0[1-9][0-9 ().\\/-]{5}"


def _has_length(code: str) -> Callable[[bytes], bool]:
    lengths = NATIONAL_LENGTHS[code]

    def check(text: bytes) -> bool:
        number = "".join(map(str, digits_of(text))).removeprefix("0")
        return len(number) in lengths and len(number) >= _FEWEST_DIGITS and _DATE.fullmatch(text) is None

    return check


def _with_zero(
    country: str, code: str, name: str, examples: tuple[str, ...], counterexamples: tuple[str, ...] = ()
) -> Detector:
    return Detector(
        name=f"phone_national_{country}",
        family="phone_national",
        country=country,
        replacement="[phone]",
        takes=f"{name}: 0 and the number, with spaces, dashes, dots, slashes or parentheses",
        verifies="length; not a date",
        screen=(_WITH_ZERO_SCREEN,),
        pattern=_WITH_ZERO,
        groups=(1,),
        check=_has_length(code),
        retries=True,
        examples=examples,
        counterexamples=(
            "01.02.2024",
            "01-02-2024 10:15",
            "0.123456789",
            "x0301234567",
            "+0301234567",
            *counterexamples,
        ),
    )


def _grouped(country: str, code: str, name: str, screen: str, pattern: str, examples: tuple[str, ...]) -> Detector:
    return Detector(
        name=f"phone_national_{country}",
        family="phone_national",
        country=country,
        replacement="[phone]",
        takes=f"{name}: the number in its usual groups",
        verifies="length; not a date",
        screen=(screen,),
        pattern=rf"{_START}({pattern}){_END}",
        groups=(1,),
        check=_has_length(code),
        examples=examples,
        counterexamples=("2024-05-01", "1234567890", "192.168.100.200", "v212-555-0147"),
    )


_NORTH_AMERICA: Final = r"\(?[2-9][0-9]{2}(?:\) ?|[ .-])[2-9][0-9]{2}[.-][0-9]{4}"

DE = _with_zero("de", "49", "Germany", ("030 1234567", "0171/1234567", "(089) 123 456-78"))
FR = _with_zero("fr", "33", "France", ("01 23 45 67 89", "06.12.34.56.78"), ("01 23 45 67",))
GB = _with_zero("gb", "44", "Great Britain", ("020 7183 8750", "07700 900123", "(01632) 960123"))
NL = _with_zero("nl", "31", "the Netherlands", ("020-1234567", "06 12345678"))
BE = _with_zero("be", "32", "Belgium", ("02 123 45 67", "0470/12.34.56"))
SE = _with_zero("se", "46", "Sweden", ("08-123 456 78", "070-123 45 67"))
FI = _with_zero("fi", "358", "Finland", ("09 1234 5678", "040 123 4567"))
IN = _with_zero("in", "91", "India", ("011 2345 6789", "09876 543210"))
US = _grouped("us", "1", "United States", r"[0-9]{3}[.-][0-9]{4}", _NORTH_AMERICA, ("(212) 555-0147", "212.555.0147"))
CA = _grouped("ca", "1", "Canada", r"[0-9]{3}[.-][0-9]{4}", _NORTH_AMERICA, ("(416) 555-0147", "416-555-0147"))
BR = _grouped(
    "br",
    "55",
    "Brazil",
    r"[0-9]{4}-[0-9]{4}",
    r"\(?[1-9][0-9]\)? ?9?[0-9]{4}-[0-9]{4}",
    ("(11) 91234-5678", "11 2345-6789"),
)
ES = _grouped(
    "es", "34", "Spain", r"[0-9]{2}[ .-][0-9]{2,3}[ .-][0-9]{2}", r"[6-9][0-9]{2}(?:[ .-][0-9]{3}){2}|[6-9][0-9]{2}(?: [0-9]{2}){3}",
    ("612 345 678", "912 34 56 78"),
)  # fmt: skip
IT = _grouped(
    "it",
    "39",
    "Italy",
    r"[0-9]{2}[ -][0-9]{6}",
    r"(?:0[0-9]{1,3}|3[0-9]{2})[ -][0-9]{6,8}",
    ("06 12345678", "347 1234567"),
)
PL = _grouped(
    "pl", "48", "Poland", r"[0-9]{2}[ -][0-9]{2,3}[ -][0-9]{2}", r"[1-9][0-9]{2}(?:[ -][0-9]{3}){2}|[1-9][0-9] [0-9]{3}(?: [0-9]{2}){2}",
    ("601 234 567", "22 123 45 67"),
)  # fmt: skip
