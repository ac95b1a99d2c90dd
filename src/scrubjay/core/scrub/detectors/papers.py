"""Numbers of passports and driving licences, which count beside a telling word only (scrubbing.md 15.4).

The forms are those of the countries that have a national number here; nothing but the word tells them from other numbers.
"""

from __future__ import annotations

import re
from typing import Final

from scrubjay.core.scrub.check_digits import letters_and_digits_of
from scrubjay.core.scrub.detector import SPACE, Beside, Detector

_QUOTES: Final = r"[\"'\\]{0,3}"
_BETWEEN: Final = (
    rf"(?:[{SPACE}]?(?:no|nr|num|number|nummer|numero|n[úu]mero|num[ée]ro|id|#))?\.?"
    rf"{_QUOTES}[{SPACE}]{{0,2}}[:=#]?[{SPACE}]{{0,2}}{_QUOTES}"
)

_PASSPORT_WORDS: Final = (
    "passport|reisepass|passeport|pasaporte|passaporto|passaporte|paspoort|paszport|passnummer|passinumero"
)
_PASSPORT: Final = re.compile(
    "[A-Z]?[0-9]{8,9}"  # US, GB, SE, IN
    "|[CFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8,9}"  # DE
    "|[0-9]{2}[A-Z]{2}[0-9]{5}"  # FR
    "|[A-Z]{2}[0-9]{6,7}"  # BE, BR, CA, FI, IT, PL, SE
    "|[A-Z]{3}[0-9]{6}[A-Z]?"  # ES
    "|[A-Z]{2}[0-9A-Z]{6}[0-9]"  # NL
    "|[A-Z][0-9]{7}"  # IN
)
_FEWEST_DIGITS: Final = 3


def _has_form(text: bytes, forms: re.Pattern[str]) -> bool:
    number = letters_and_digits_of(text)
    return forms.fullmatch(number) is not None and sum(map(str.isdigit, number)) >= _FEWEST_DIGITS


def is_passport(text: bytes) -> bool:
    return _has_form(text, _PASSPORT)


PASSPORT = Detector(
    name="passport",
    family="passport",
    replacement="[id]",
    takes="the number after the word passport, in nine languages, or below such a key",
    verifies="form of US, GB, DE, FR, ES, IT, NL, PL, BR, IN, BE, SE, FI, CA",
    screen=(
        "passport",
        "reisepass",
        "passeport",
        "pasaporte",
        "passaport",
        "paspoort",
        "paszport",
        "passnummer",
        "passinumero",
    ),
    pattern=rf"(?i)(?:{_PASSPORT_WORDS})[_-]?{_BETWEEN}([0-9A-Za-z]{{8,10}})\b",
    groups=(1,),
    check=is_passport,
    beside=Beside(
        key=rf"(?i)(?:{_PASSPORT_WORDS})(?:[ _-]?(?:no|nr|num|number|id))?$",
        pattern=rf"^[{SPACE}]*([0-9A-Za-z]{{8,10}})[{SPACE}]*$",
        examples=(("passport", "C01X00T47"), ("passport_number", "925076473"), ("passportNo", "AB1234567")),
        counterexamples=(("passport", "required"), ("number", "925076473"), ("passport_strategy", "AB1234567")),
    ),
    examples=(
        "passport no. 925076473",
        "Passport number: AB1234567",
        "Reisepass C01X00T47",
        '"passport": "14CV28143"',
        "pasaporte=AAA000001",
    ),
    counterexamples=("order 925076473", "passport office", "passport.js 12", "passport strategies", "passport 1234"),
)

_LICENCE_WORDS: Final = (
    "driv(?:er|ing)[’'`]?s?[ _-]?licen[cs]e|f(?:ü|ue)hrerschein|permis de conduire|"
    "(?:carn[ée]t?|permiso) de conducir|patente di guida|rijbewijs|prawo jazdy|"
    "körkort|ajokortti|carteira de motorista|cnh"
)
_LICENCE: Final = re.compile(
    "[A-Z]{0,2}[0-9]{6,14}"  # US by state, CA, SE, NL, FR, BR, BE
    "|[A-Z9]{5}[0-9]{6}[A-Z9]{2}[0-9A-Z]{3}(?:[0-9]{2})?"  # GB
    "|[0-9A-Z][0-9]{2}[0-9A-Z]{6}[0-9][0-9A-Z]"  # DE
    "|[A-Z]{2}[0-9]{7}[A-Z]|U1[0-9A-Z]{7}[A-Z]"  # IT
    "|[0-9]{8}[A-Z]|[XYZ][0-9]{7}[A-Z]"  # ES
    "|[A-Z]{2}[0-9]{13}"  # IN
    "|[A-Z][0-9]{4}[0-9]{5}[0-9]{5}"  # Ontario
)


def is_licence(text: bytes) -> bool:
    return _has_form(text, _LICENCE)


_LICENCE_NUMBER: Final = r"[0-9A-Za-z](?:[ /-]?[0-9A-Za-z]){5,19}"

LICENCE = Detector(
    name="licence",
    family="licence",
    replacement="[id]",
    takes="the number after the words for a driving licence, in eleven languages, or below such a key",
    verifies="form of US, GB, DE, FR, ES, IT, NL, PL, BR, IN, BE, SE, CA",
    screen=(
        r"driv(?:er|ing)",
        "hrerschein",
        "conduire",
        "conducir",
        "patente di",
        "rijbewijs",
        "jazdy",
        "rkort",
        "ajokortti",
        "motorista",
        "cnh",
    ),
    pattern=rf"(?i)(?:{_LICENCE_WORDS}){_BETWEEN}({_LICENCE_NUMBER})\b",
    groups=(1,),
    check=is_licence,
    retries=True,
    beside=Beside(
        key=r"(?i)driv(?:er|ing)[’'`]?s?[ _-]?licen[cs]e(?:[ _-]?(?:no|nr|num|number|id))?$|f(?:ü|ue)hrerschein|rijbewijs|^cnh$",
        pattern=rf"^[{SPACE}]*({_LICENCE_NUMBER})[{SPACE}]*$",
        examples=(("driver_license", "D1234567"), ("drivingLicenceNumber", "MORGA657054SM9IJ")),
        counterexamples=(("license", "D1234567"), ("driver_license", "valid"), ("driver_licenses", "1234567")),
    ),
    examples=(
        "driving licence MORGA657054SM9IJ",
        "Driver's License: D1234567",
        "Führerschein Nr. B072RRE2I55",
        "CNH 04463004100",
        "driver license no. S514-778-616-977 seen",
        "rijbewijs 5035842309",
    ),
    counterexamples=(
        "license D1234567",
        "driver version 12345678",
        "driving licence expired",
        "MIT license 20240501",
        "driver license 12",
    ),
)
