"""National numbers of southern Europe: Spain and Italy (scrubbing.md 15.4)."""

from __future__ import annotations

from typing import Final

from scrubjay.core.scrub.check_digits import letters_and_digits_of
from scrubjay.core.scrub.detector import Detector

_DNI_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"


def is_spanish_number(text: bytes) -> bool:
    """The letter follows from the number; the X, Y, Z of foreigners counts as 0, 1, 2."""
    number = letters_and_digits_of(text)
    digits = str("XYZ".index(number[0])) + number[1:-1] if number[0] in "XYZ" else number[:-1]
    return number[-1] == _DNI_LETTERS[int(digits) % 23]


ES_DNI = Detector(
    name="national_id_es",
    family="national_id",
    country="es",
    replacement="[id]",
    takes="Spain: DNI and NIE, in small letters only with a dash before the last",
    verifies="letter by mod 23",
    screen=(r"[0-9XYZ]-?[0-9]{7}[ -]?[A-Z]", r"[0-9xyz]-?[0-9]{7}-[a-z]"),
    exact_case=True,
    pattern=r"\b(?:(?:[0-9]{8}|[XYZ]-?[0-9]{7})[ -]?[A-Z]|(?:[0-9]{8}|[xyz]-?[0-9]{7})-[a-z])\b",
    check=is_spanish_number,
    examples=("54362315K", "dni: 12345678-z", "X-2482300-W", "y-0000001-s", "Y0000001S", "00000000T"),
    counterexamples=("54362315X", "X2482300A", "5436231K", "A2482300W", "54362315k"),
)

# Letters that stand for digits where two people would have the same code; the last digits are replaced first, those of the date never.
_LETTER: Final = "[A-Za-z]"
_DIGIT: Final = "[0-9LMNP-Vlmnp-v]"
_MONTH: Final = "[A-EHLMPRSTa-ehlmprst]"
_CODE: Final = f"{_LETTER}{{6}}[0-9]{{2}}{_MONTH}[0-7][0-9]{_LETTER}{_DIGIT}{{3}}{_LETTER}"
# What characters at odd places, counted from one, are worth; the letters A to J are worth what the digits 0 to 9 are.
_ODD_VALUES: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def is_italian_code(text: bytes) -> bool:
    code = text.decode().upper()
    places = [int(character) if character.isdigit() else ord(character) - ord("A") for character in code]
    total = sum(_ODD_VALUES[place] for place in places[:-1:2]) + sum(places[1:-1:2])
    return total % 26 == places[-1]


IT_CODICE_FISCALE = Detector(
    name="national_id_it",
    family="national_id",
    country="it",
    replacement="[id]",
    takes="Italy: codice fiscale",
    verifies="check letter",
    screen=(r"[a-z]{2}[0-9]{2}[a-ehlmprst][0-7][0-9][a-z][0-9lmnp-v]{3}[a-z]",),
    pattern=rf"\b{_CODE}\b",
    check=is_italian_code,
    examples=("RCCMNL83S18D969H", "CF rccmnl83s18d969h.", "MRTMTT91D08F205J"),
    counterexamples=("RCCMNL83S18D969A", "RCCMNL83F18D969H", "RCCMNL83S18D96H"),
)
