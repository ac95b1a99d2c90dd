"""Check digits: functions from the digits of a number to whether it is one (scrubbing.md 15.4).

Owns the arithmetic alone; what a number looks like, and which of these it must pass, is for the detectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_NOT_DIGITS: Final = bytes(byte for byte in range(256) if not 0x30 <= byte <= 0x39)
_NOT_ALPHANUMERIC: Final = bytes(
    byte for byte in range(256) if not (0x30 <= byte <= 0x39 or 0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A)
)
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def digits_of(text: bytes) -> list[int]:
    """The decimal digits of a text, whatever stands between them."""
    return [byte - 0x30 for byte in text.translate(None, _NOT_DIGITS)]


def letters_and_digits_of(text: bytes) -> str:
    """The ASCII letters, in upper case, and digits of a text."""
    return text.translate(None, _NOT_ALPHANUMERIC).decode().upper()


def luhn(digits: Sequence[int]) -> bool:
    """ISO/IEC 7812-1: every second digit from the right is doubled."""
    odd, even = digits[-1::-2], digits[-2::-2]
    return (sum(odd) + sum(_DOUBLED[digit] for digit in even)) % 10 == 0


def is_bar_code(digits: Sequence[int]) -> bool:
    """GS1 (EAN): every second digit from the right counts three times, the check digit being the first of the others."""
    return (sum(digits[-1::-2]) + 3 * sum(digits[-2::-2])) % 10 == 0


def mod_97_10(text: str) -> bool:
    """ISO 7064 MOD 97-10 with the country and check digits in front, as IBANs have them."""
    moved = text[4:] + text[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def mod_11_10(digits: Sequence[int]) -> bool:
    """ISO 7064 MOD 11,10."""
    carry = 10
    for digit in digits[:-1]:
        carry = ((carry + digit) % 10 or 10) * 2 % 11
    return (carry + digits[-1]) % 10 == 1


def weighted(values: Sequence[int], weights: Sequence[int]) -> int:
    """The sum of values times weights; what is longer of the two is cut."""
    return sum(value * weight for value, weight in zip(values, weights, strict=False))


# The dihedral group of order ten, and the permutation that Verhoeff put before it.
_DIHEDRAL: Final = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED: Final = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def verhoeff(digits: Sequence[int]) -> bool:
    """Verhoeff's scheme, the check digit last."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_DIHEDRAL[check][int(_PERMUTED[place % 8][digit])])
    return check == 0


def is_date(year: int, month: int, day: int) -> bool:
    """Whether a month has such a day. Leap years count by fours, which is right where only two digits of a year are known."""
    if not 1 <= month <= 12 or day < 1:
        return False
    longest = (29 if year % 4 == 0 else 28) if month == 2 else 30 if month in {4, 6, 9, 11} else 31
    return day <= longest
