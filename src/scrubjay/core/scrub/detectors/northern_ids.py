"""National numbers of northern and eastern Europe: Sweden, Finland, Poland (scrubbing.md 15.4)."""

from __future__ import annotations

from typing import Final

from scrubjay.core.scrub.check_digits import digits_of, is_date, luhn, weighted
from scrubjay.core.scrub.detector import Beside, Detector


def is_swedish_number(text: bytes) -> bool:
    """Coordination numbers have 60 added to the day."""
    digits = digits_of(text)[-10:]
    year, month, day = (digits[at] * 10 + digits[at + 1] for at in (0, 2, 4))
    return luhn(digits) and is_date(year, month, day - 60 if day > 60 else day)


SE_PERSONNUMMER = Detector(
    name="national_id_se",
    family="national_id",
    country="se",
    replacement="[id]",
    takes="Sweden: personnummer and samordningsnummer, with their `-` or `+`; below a key of that name also without",
    verifies="date of birth, Luhn",
    screen=(r"[0-9]{6}[+-][0-9]{4}", r"person_?n(?:umme)?r"),
    pattern=r"\b(?:(?:19|20)[0-9]{2}|[0-9]{2})[01][0-9][0-9]{2}[+-][0-9]{4}\b",
    check=is_swedish_number,
    beside=Beside(
        key=r"(?i)person_?n(?:umme)?r",
        pattern=r"^((?:19|20)?[0-9]{10})$",
        examples=(("personnummer", "8112189876"), ("person_nr", "198112189876")),
        counterexamples=(("personnummer", "8112189875"), ("number", "8112189876")),
    ),
    examples=("811218-9876", "19811218-9876", "670919+9530", "701063-2391"),
    counterexamples=("811218-9875", "811318-9876", "8112189876", "811218 9876"),
)

_HETU_LETTERS: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def is_finnish_number(text: bytes) -> bool:
    number = text.decode().upper()
    is_day = is_date(int(number[4:6]), int(number[2:4]), int(number[:2]))
    return is_day and number[-1] == _HETU_LETTERS[int(number[:6] + number[7:10]) % 31]


FI_HETU = Detector(
    name="national_id_fi",
    family="national_id",
    country="fi",
    replacement="[id]",
    takes="Finland: henkilötunnus",
    verifies="date of birth, character by mod 31",
    screen=(r"[0-9]{6}[+a-fu-y-][0-9]{3}[0-9a-y]",),
    pattern=r"\b[0-3][0-9][01][0-9]{3}[+A-FU-Ya-fu-y-][0-9]{3}[0-9A-FHJ-NPR-Ya-fhj-npr-y]\b",
    check=is_finnish_number,
    examples=("131052-308T", "131052-308t", "010594Y9021", "131052A308T"),
    counterexamples=("131052-308U", "131352-308T", "131052 308T", "131052308T"),
)

_PESEL_WEIGHTS: Final = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)


def is_polish_number(text: bytes) -> bool:
    """The century is in the month: 80 for the 19th, then 0, 20, 40, 60."""
    digits = digits_of(text)
    year, month, day = (digits[at] * 10 + digits[at + 1] for at in (0, 2, 4))
    return weighted(digits, _PESEL_WEIGHTS) % 10 == 0 and is_date(year, month % 20, day)


PL_PESEL = Detector(
    name="national_id_pl",
    family="national_id",
    country="pl",
    replacement="[id]",
    takes="Poland: PESEL",
    verifies="date of birth, weighted sum",
    screen=(r"[0-9]{11}",),
    pattern=r"\b[0-9]{11}\b",
    check=is_polish_number,
    examples=("44051401359", "PESEL: 02070803628.", "02220812348"),
    counterexamples=("44051401358", "44451401359", "4405140135", "440514 01359"),
)
