"""National numbers outside Europe: the United States, Canada, Brazil, India (scrubbing.md 15.4)."""

from __future__ import annotations

from typing import Final

from scrubjay.core.scrub.check_digits import digits_of, letters_and_digits_of, luhn, verhoeff, weighted
from scrubjay.core.scrub.detector import RAW_SLASH, Beside, Detector


def is_us_number(text: bytes) -> bool:
    number = letters_and_digits_of(text)
    return number[:3] not in {"000", "666"} and number[0] != "9" and number[3:5] != "00" and number[5:] != "0000"


US_SSN_STRICT = Detector(
    name="national_id_us",
    family="national_id",
    country="us",
    replacement="[id]",
    takes="United States: social security number with dashes; below a key such as `ssn` also without, or with spaces",
    verifies="area not 000, 666, 900–999; no part all zeros",
    screen=(r"[0-9]{3}-[0-9]{2}-[0-9]{4}", r"ssn|social.?security"),
    pattern=r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
    check=is_us_number,
    beside=Beside(
        key=r"(?i)(?:^|[^a-z])ssn(?:$|[^a-z])|social[ _-]?security",
        pattern=r"^([0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4})$",
        examples=(("ssn", "457555462"), ("SSN", "457 55 5462"), ("social_security_number", "457555462")),
        counterexamples=(("ssn", "666555462"), ("session", "457555462"), ("sn", "457555462")),
    ),
    examples=("457-55-5462", "ssn 457-55-5462 end"),
    counterexamples=(
        "000-55-5462",
        "666-55-5462",
        "900-55-5462",
        "457-00-5462",
        "457-55-0000",
        "457-55 5462",
        "457 55 5462",
        "457555462",
    ),
)


def is_canadian_number(text: bytes) -> bool:
    digits = digits_of(text)
    return digits[0] not in {0, 8} and luhn(digits)


CA_SIN = Detector(
    name="national_id_ca",
    family="national_id",
    country="ca",
    replacement="[id]",
    takes="Canada: social insurance number",
    verifies="first digit, Luhn",
    screen=(r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}",),
    pattern=r"\b(?:[0-9]{9}|[0-9]{3}-[0-9]{3}-[0-9]{3}|[0-9]{3} [0-9]{3} [0-9]{3})\b",
    check=is_canadian_number,
    retries=True,
    examples=("130 692 544", "130692544", "130-692-544"),
    counterexamples=("130692545", "046454286", "130-692 544", "13069254"),
)

_CPF_WEIGHTS: Final = (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)
_CNPJ_WEIGHTS: Final = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
_CPF_LENGTH: Final = 11


def is_brazilian_number(text: bytes) -> bool:
    """Two check digits, each mod 11; since 2026 the first twelve places of a company's number may hold letters, worth their code."""
    number = letters_and_digits_of(text)
    values = [ord(character) - ord("0") for character in number]
    weights = _CPF_WEIGHTS if len(values) == _CPF_LENGTH else _CNPJ_WEIGHTS
    size = len(weights) - 1
    for places in (size, size + 1):
        remainder = weighted(values[:places], weights[size + 1 - places :]) % 11
        if values[places] != (0 if remainder < 2 else 11 - remainder):
            return False
    return len(set(number)) > 1


_BR_PERSON: Final = r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}"
_BR_COMPANY: Final = r"[0-9A-Za-z]{2}\.[0-9A-Za-z]{3}\.[0-9A-Za-z]{3}/[0-9A-Za-z]{4}-[0-9]{2}"
_BR_BARE: Final = r"[0-9]{11}|[0-9]{14}"

BR_CPF = Detector(
    name="national_id_br",
    family="national_id",
    country="br",
    replacement="[id]",
    takes="Brazil: CPF and CNPJ with their dots; after these words, or below such a key, also without",
    verifies="two check digits, mod 11; not all digits equal",
    screen=(
        r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}",
        rf"[0-9a-z]{{2}}\.[0-9a-z]{{3}}\.[0-9a-z]{{3}}{RAW_SLASH}[0-9a-z]{{4}}-[0-9]{{2}}",
        "cpf",
        "cnpj",
    ),
    pattern=rf"\b(?:({_BR_PERSON}|{_BR_COMPANY})|(?i:cpf|cnpj)[ :=#]{{0,3}}({_BR_BARE}))\b",
    groups=(1, 2),
    check=is_brazilian_number,
    beside=Beside(
        key=r"(?i)(?:^|[^a-z])(?:cpf|cnpj)(?:$|[^a-z])",
        pattern=rf"^({_BR_BARE})$",
        examples=(("cpf", "39053344705"), ("customer_cnpj", "16727230000197")),
        counterexamples=(("cpf", "39053344706"), ("id", "39053344705")),
    ),
    examples=("390.533.447-05", "CPF 39053344705", "16.727.230/0001-97", "cnpj=16727230000197", "12.ABC.345/01DE-35"),
    counterexamples=("390.533.447-06", "111.111.111-11", "16.727.230/0001-98", "39053344705", "390-533-447-05"),
)

IN_AADHAAR = Detector(
    name="national_id_in",
    family="national_id",
    country="in",
    replacement="[id]",
    takes="India: Aadhaar",
    verifies="first digit, Verhoeff",
    screen=(r"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}",),
    pattern=r"\b[2-9][0-9]{3}(?:[0-9]{8}|-[0-9]{4}-[0-9]{4}| [0-9]{4} [0-9]{4})\b",
    check=lambda text: verhoeff(digits_of(text)),
    retries=True,
    examples=("2341 2341 2346", "234123412346", "2341-2341-2346"),
    counterexamples=("234123412347", "1341 2341 2346", "2341 2341-2346", "23412341234"),
)
