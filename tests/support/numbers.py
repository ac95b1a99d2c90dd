"""Numbers with check digits, as the authorities define them: cards, national numbers, tokens' checksums, wallet seeds.

Written from the public definitions for the tests alone; shares nothing with the product's own checks.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from random import Random
from string import ascii_lowercase, ascii_uppercase, digits

from faker import Faker

CARDS = (
    ("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15), ("6011", 16), ("65", 16), ("3530", 16),
    ("3589", 16), ("36", 14), ("305", 14), ("6221", 16), ("4", 19),
)  # fmt: skip
"""Prefix and length."""
PHONES = (
    ("1", "415", (3, 4)), ("44", "20", (4, 4)), ("49", "30", (4, 4)), ("33", "6", (2, 2, 2, 2)), ("34", "612", (3, 3)),
    ("39", "347", (3, 4)), ("31", "6", (4, 4)), ("48", "512", (3, 3)), ("55", "11", (5, 4)), ("91", "98765", (5,)),
    ("81", "90", (4, 4)), ("46", "70", (3, 4)),
)  # fmt: skip
"""Country code, a prefix in use there, sizes of the groups after it."""

Fakers = Mapping[str, Faker]


def luhn(body: str) -> str:
    """The number with its check digit."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def _some(turn: Random, count: int) -> str:
    return str(turn.randint(1, 9)) + "".join(turn.choices(digits, k=count - 1))


def _us(turn: Random, _: Fakers) -> tuple[str, str]:
    area = turn.choice([number for number in range(1, 900) if number != 666])
    return "SSN", f"{area:03}-{turn.randint(1, 99):02}-{turn.randint(1, 9999):04}"


def _gb(turn: Random, _: Fakers) -> tuple[str, str]:
    body = "".join(turn.choices(digits, k=6))
    gap = turn.choice(("", " "))
    prefix = turn.choice(("AB", "CE", "JG", "PX", "WK", "ZR"))
    pairs = gap.join(body[at : at + 2] for at in (0, 2, 4))
    return "NI number", f"{prefix}{gap}{pairs}{gap}{turn.choice('ABCD')}"


def _de(turn: Random, _: Fakers) -> tuple[str, str]:
    """Steuer-ID: ten digits of which one occurs twice and one not at all, check digit by ISO 7064 mod 11,10."""
    figures = turn.sample(digits, 9)
    figures.append(turn.choice(figures))
    turn.shuffle(figures)
    while figures[0] == "0" or any(figures[at] == figures[at + 1] for at in range(9)):
        turn.shuffle(figures)
    product = 10
    for figure in figures:
        total = (int(figure) + product) % 10 or 10
        product = 2 * total % 11
    return "Steuer-ID", "".join(figures) + str((11 - product) % 10)


def _fr(turn: Random, _: Fakers) -> tuple[str, str]:
    body = f"{turn.randint(1, 2)}{turn.randint(40, 99)}{turn.randint(1, 12):02}{turn.randint(21, 95)}{_some(turn, 6)}"
    return "numéro de sécurité sociale", f"{body}{97 - int(body) % 97:02}"


def _es(turn: Random, _: Fakers) -> tuple[str, str]:
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    if turn.random() < 0.5:
        number = _some(turn, 8)
        return "DNI", number + letters[int(number) % 23]
    first = turn.randrange(3)
    number = "".join(turn.choices(digits, k=7))
    return "NIE", f"{'XYZ'[first]}{number}{letters[int(str(first) + number) % 23]}"


def _it(_: Random, fakers: Fakers) -> tuple[str, str]:
    return "codice fiscale", fakers["it_IT"].ssn()


def _nl(turn: Random, _: Fakers) -> tuple[str, str]:
    while True:
        body = _some(turn, 8)
        check = sum(int(digit) * weight for digit, weight in zip(body, range(9, 1, -1), strict=True)) % 11
        if check < 10:
            return "BSN", body + str(check)


def _pl(_: Random, fakers: Fakers) -> tuple[str, str]:
    return "PESEL", fakers["pl_PL"].ssn()


def _br(turn: Random, _: Fakers) -> tuple[str, str]:
    body = [turn.randrange(10) for _ in range(9)]
    for start in (10, 11):
        rest = sum(digit * weight for digit, weight in zip(body, range(start, 1, -1), strict=True)) % 11
        body.append(0 if rest < 2 else 11 - rest)
    text = "".join(map(str, body))
    return "CPF", f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"


def _in(turn: Random, _: Fakers) -> tuple[str, str]:
    """Aadhaar: eleven digits, the first 2 to 9, check digit by Verhoeff."""
    body = str(turn.randint(2, 9)) + "".join(turn.choices(digits, k=10))
    check = 0
    for place, digit in enumerate(reversed(body), start=1):
        check = _TURNED[check][_shifted(place, int(digit))]
    number = body + str(next(digit for digit in range(10) if _TURNED[check][digit] == 0))
    return "Aadhaar", f"{number[:4]} {number[4:8]} {number[8:]}"


def _turned(left: int, right: int) -> int:
    """Product in the dihedral group of the pentagon."""
    if left < 5:
        return (left + right) % 5 + (5 if right >= 5 else 0)
    return (left - right) % 5 + (5 if right < 5 else 0)


_TURNED = [[_turned(left, right) for right in range(10)] for left in range(10)]


def _shifted(place: int, digit: int) -> int:
    for _ in range(place % 8):
        digit = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[digit]
    return digit


NATIONAL: dict[str, Callable[[Random, Fakers], tuple[str, str]]] = {
    "us": _us, "gb": _gb, "de": _de, "fr": _fr, "es": _es, "it": _it, "nl": _nl, "pl": _pl, "br": _br, "in": _in,
}  # fmt: skip
"""By country: the word that announces the number, and the number."""


def base62(value: int) -> str:
    """Six digits, as tokens end in their checksum."""
    alphabet = digits + ascii_uppercase + ascii_lowercase
    out = ""
    for _ in range(6):
        value, rest = divmod(value, 62)
        out = alphabet[rest] + out
    return out


def seed_words(turn: Random, words: Sequence[str]) -> str:
    """A wallet's seed of twelve words: 128 random bits, then the first four of their hash."""
    entropy = turn.randbytes(16)
    bits = int.from_bytes(entropy, "big") << 4 | sha256(entropy).digest()[0] >> 4
    return " ".join(words[bits >> shift & 2047] for shift in range(121, -1, -11))
