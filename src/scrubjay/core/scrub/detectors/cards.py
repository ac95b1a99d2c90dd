"""Payment cards with a known prefix, a length that goes with it, and the Luhn digit (scrubbing.md 15.4; ISO/IEC 7812)."""

from __future__ import annotations

import re
from typing import Final

from scrubjay.core.scrub.check_digits import digits_of, is_bar_code, luhn
from scrubjay.core.scrub.detector import Detector

# First and last prefix of a range, and the lengths that its cards have. Ranges as the networks publish them.
_RANGES: Final = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)), ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)), ("37", "37", (15,)),  # American Express
    ("6011", "6011", range(16, 20)), ("644", "649", range(16, 20)), ("65", "65", range(16, 20)),  # Discover
    ("300", "305", range(14, 20)), ("3095", "3095", range(14, 20)), ("36", "36", range(14, 20)),
    ("38", "39", range(14, 20)),  # Diners Club
    ("3528", "3589", range(16, 20)),  # JCB
    ("62", "62", range(16, 20)),  # UnionPay
    ("5018", "5018", range(12, 20)), ("5020", "5020", range(12, 20)), ("5038", "5038", range(12, 20)),
    ("5893", "5893", range(12, 20)), ("6304", "6304", range(12, 20)), ("6759", "6759", range(12, 20)),
    ("6761", "6763", range(12, 20)),  # Maestro
)  # fmt: skip


_GAPS: Final = re.compile(rb"[ -]")
_BAR_CODE_DIGITS: Final = 13


def is_card(text: bytes) -> bool:
    digits = digits_of(text)
    number = "".join(map(str, digits))
    return (
        any(first <= number[: len(first)] <= last and len(number) in lengths for first, last, lengths in _RANGES)
        and len(set(digits)) > 1
        and luhn(digits)
        and _is_grouped([len(group) for group in _GAPS.split(text)])
        and not (len(digits) == _BAR_CODE_DIGITS and is_bar_code(digits))
    )


def _is_grouped(groups: list[int]) -> bool:
    """Whether digits stand together as people write them: all in one, in groups of one size and a rest, or 4-6-5 and 4-6-4."""
    return (len({*groups[:-1]}) < 2 and groups[-1] <= max(4, groups[0])) or groups in ([4, 6, 5], [4, 6, 4])


CARD = Detector(
    name="card",
    family="card",
    replacement="[card]",
    takes="payment cards of 12 to 19 digits, a single space or dash between any two",
    verifies=(
        "prefix and length of Visa, Mastercard, Amex, Discover, Diners, "
        "JCB, UnionPay, Maestro; Luhn; not all digits equal, not a bar code"
    ),
    screen=(r"[0-9](?:[ -]?[0-9]){11}",),
    pattern=r"\b[2-6](?:[ -]?[0-9]){11,18}\b",
    check=is_card,
    retries=True,
    unicode_digits=True,
    examples=(
        "4242424242424242", "3782 822463 10005", "5555-5555-5555-4444", "pays with 6011 1111 1111 1117 12/27", "4222222222222",
        "12 3530111333300000", "6200000000000005", "6759649826438453", "2223003122003222", "\uff14\uff12\uff14\uff12424242424242",
    ),
    counterexamples=(
        "4242424242424241", "4444444444444444", "x4242424242424242", "1234567812345670", "4242  4242 4242 4242", "4242.4242.4242.4242",
        "42424 2424242 4242",
        "4006381333924",
    ),
)  # fmt: skip
