"""National numbers of western Europe: Germany, France, Belgium, the Netherlands, Great Britain (scrubbing.md 15.4)."""

from __future__ import annotations

from collections import Counter
from typing import Final

from scrubjay.core.scrub.check_digits import digits_of, is_date, letters_and_digits_of, mod_11_10, weighted
from scrubjay.core.scrub.detector import Detector


def is_german_tax_id(text: bytes) -> bool:
    """Of the first ten digits exactly one stands there twice or three times (the rule since 2016 and the one before)."""
    digits = digits_of(text)
    repeated = [count for count in Counter(digits[:10]).values() if count > 1]
    return repeated in ([2], [3]) and mod_11_10(digits)


DE_TAX_ID = Detector(
    name="national_id_de",
    family="national_id",
    country="de",
    replacement="[id]",
    takes="Germany: Steuer-ID",
    verifies="one repeated digit, ISO 7064 mod 11,10",
    screen=(r"[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",),
    pattern=r"\b[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b",
    check=is_german_tax_id,
    retries=True,
    examples=("36 574 261 809", "IdNr 36574261809,", "65929970489"),
    counterexamples=("36574261808", "11111111111", "36-574-261-809", "x36574261809", "12345678901"),
)


# The departments of Corsica count as these in the check digits.
_CORSICA: Final = {"2A": "19", "2B": "18"}


def is_french_insurance_number(text: bytes) -> bool:
    number = letters_and_digits_of(text)
    department = _CORSICA.get(number[5:7], number[5:7])
    return 97 - int(number[:5] + department + number[7:13]) % 97 == int(number[13:])


FR_NIR = Detector(
    name="national_id_fr",
    family="national_id",
    country="fr",
    replacement="[id]",
    takes="France: numéro de sécurité sociale (NIR)",
    verifies="month and department, 97 − n mod 97",
    screen=(r"[0-9] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9ab] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",),
    pattern=(
        r"\b[1-478] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?(?:[0-9]{2}|2[ABab]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\b"
    ),
    check=is_french_insurance_number,
    examples=("2 95 10 99 126 111 93", "295109912611193", "1 85 05 2A 016 005 08"),
    counterexamples=("295109912611199", "2951399126111", "995109912611193", "2-95-10-99-126-111-93"),
)


def is_belgian_number(text: bytes) -> bool:
    """Who was born from 2000 on has a 2 before the nine digits; months have 20 or 40 added for foreigners."""
    digits = digits_of(text)
    body, check = int("".join(map(str, digits[:9]))), digits[9] * 10 + digits[10]
    if check not in (97 - body % 97, 97 - (2_000_000_000 + body) % 97):
        return False
    year, month, day = (digits[at] * 10 + digits[at + 1] for at in (0, 2, 4))
    return month % 20 == 0 or is_date(year, month % 20, day)


BE_NATIONAL_NUMBER = Detector(
    name="national_id_be",
    family="national_id",
    country="be",
    replacement="[id]",
    takes="Belgium: national number",
    verifies="date of birth, mod 97",
    screen=(r"[0-9]{2}\.?[0-9]{2}\.?[0-9]{2}[ -]?[0-9]{3}[. ]?[0-9]{2}",),
    pattern=r"\b[0-9]{2}\.?[0-6][0-9]\.?[0-3][0-9][ -]?[0-9]{3}[. ]?[0-9]{2}\b",
    check=is_belgian_number,
    examples=("85.07.30-033.28", "85073003328", "17.07.30-033.84"),
    counterexamples=("85.07.30-033.29", "85133003328", "85-07-30-033-28"),
)


def is_dutch_service_number(text: bytes) -> bool:
    digits = digits_of(text)
    return len(set(digits)) > 1 and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


NL_BSN = Detector(
    name="national_id_nl",
    family="national_id",
    country="nl",
    replacement="[id]",
    takes="the Netherlands: burgerservicenummer (BSN)",
    verifies="the eleven test",
    screen=(r"[0-9]{4}\.?[0-9]{2}\.?[0-9]{3}", r"[0-9]{3} [0-9]{3} [0-9]{3}"),
    pattern=r"\b(?:[0-9]{4}\.[0-9]{2}\.[0-9]{3}|[0-9]{9}|[0-9]{3} [0-9]{3} [0-9]{3})\b",
    check=is_dutch_service_number,
    retries=True,
    examples=("BSN 111222333", "1112.22.333", "111 222 333"),
    counterexamples=("111222334", "11122233", "x111222333", "000000000"),
)

_ISSUED: Final = frozenset(
    first + second
    for first in "ABCEGHJKLMNOPRSTWXYZ"
    for second in "ABCEGHJKLMNPRSTWXYZ"
) - {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}  # fmt: skip


def is_british_insurance_number(text: bytes) -> bool:
    return letters_and_digits_of(text)[:2] in _ISSUED


GB_NINO = Detector(
    name="national_id_gb",
    family="national_id",
    country="gb",
    replacement="[id]",
    takes="Great Britain: National Insurance number, in small letters only with its spaces",
    verifies="prefixes that are issued",
    screen=(r"[a-z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[a-d]",),
    pattern=r"\b(?:[A-Z]{2}[0-9]{6}[A-D]|[A-Za-z]{2} [0-9]{2} [0-9]{2} [0-9]{2} [A-Da-d])\b",
    check=is_british_insurance_number,
    examples=("AB 12 34 56 C", "ab 12 34 56 c", "nino=JG103759A;"),
    counterexamples=("QQ123456C", "GB123456A", "AB123456E", "AB12345C", "DA123456A", "xAB123456C", "ne524796c"),
)
