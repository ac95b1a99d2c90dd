"""Phone numbers in the international form, and in any form below a key that says so (scrubbing.md 15.4; ITU-T E.164)."""

from __future__ import annotations

import re
from typing import Final

from scrubjay.core.scrub.check_digits import digits_of
from scrubjay.core.scrub.detector import SPACE, Beside, Detector
from scrubjay.core.scrub.detectors.calling_codes import NATIONAL_LENGTHS

_GAP: Final = r"[ ().\x{a0}\x{202f}\x{2009}\x{2011}/-]"
_MAX_DIGITS: Final = 15
_NATIONAL_DIGITS: Final = range(7, 13)
# Money has two digits behind its last dot and groups of three before it; a date has its year in front or behind.
_AMOUNT_OR_DATE: Final = re.compile(
    rb"\+?(?:[0-9]{1,3}(?:[. ][0-9]{3})*[.][0-9]{1,2}|[0-9]+\.[0-9]{1,3}|"
    rb"(?:19|20)[0-9]{2}([./-])[0-9]{2}\1[0-9]{2}|[0-9]{2}([./-])[0-9]{2}\2(?:19|20)[0-9]{2})"
)
_ADDRESS: Final = re.compile(rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


def is_phone(text: bytes) -> bool:
    if _AMOUNT_OR_DATE.fullmatch(text) or _ADDRESS.fullmatch(text):
        return False
    digits = digits_of(text)
    if not text.startswith(b"+"):
        return len(digits) in _NATIONAL_DIGITS
    # A zero in parentheses is for callers from inside the country.
    number = "".join(map(str, digits_of(text.replace(b"(0)", b"")) if b"(0)" in text else digits))
    if len(number) > _MAX_DIGITS or number[1:] == number[:-1]:
        return False
    return any(len(number) - size in NATIONAL_LENGTHS.get(number[:size], ()) for size in (1, 2, 3))


PHONE = Detector(
    name="phone",
    family="phone",
    replacement="[phone]",
    takes="`+` and 8 to 15 digits with spaces, dashes, dots, slashes or parentheses; below a key such as `phone` also national forms",
    verifies="length that goes with the calling code; not a date, a version or an amount",
    # A run of the bytes in which such a number can be spelled, white space outside ASCII as escapes or UTF-8; a key and its end.
    screen=(
        r"\+[1-9][0-9 ().\\/ua-f\x80-\xff-]{7}",
        r"(?:phone|mobile|msisdn|telefon|fax)(?:[\\\"=&]|[ _-]?(?:n[uor]|e164))",
    ),
    # A plus inside a word is none: `1.4.0+20240501` is a version.
    pattern=rf"(?:^|[^0-9A-Za-z_])(\+[1-9](?:{_GAP}{{0,2}}[0-9]){{7,14}})\b",
    groups=(1,),
    check=is_phone,
    retries=True,
    unicode_digits=True,
    beside=Beside(
        key=(
            r"(?i)(?:^|[^a-z])(?:(?:tele|cell|mobile|home|work|office|customer|contact|user)?[_-]?phone|mobile|msisdn|telefon|fax)"
            r"(?:[_-]?(?:number|no|nr|e164))?$|phoneNumber"
        ),
        pattern=rf"^[{SPACE}]*(\+?\(?[0-9](?:{_GAP}{{0,2}}[0-9]){{6,14}})[{SPACE}]*$",
        examples=(
            ("phone", "030 1234567"),
            ("phone_number", "(555) 123-4567"),
            ("mobile", "07700 900123"),
            ("phoneNumber", "5551234567"),
        ),
        counterexamples=(
            ("phone", "iPhone 12"),
            ("phone", "2024-05-01"),
            ("phone", "192.0.2.14"),
            ("phones", "030 1234567"),
            ("megaphone", "5551234567"),
        ),
    ),
    examples=(
        "+49 30 1234567",
        "+1 (555) 123-4567",
        "+33.6.12.34.56.78",
        "call +442071838750 now",
        "+44 (0)20 7183 8750",
        "tel:+4915123456789",
        "+55 11 91234-5678",
        "+33\u00a06\u00a012\u00a034\u00a056\u00a078",
    ),
    counterexamples=(
        "+2024-05-01",
        "030 1234567",
        "+12",
        "+999 1234567890",
        "+1.234.567.89",
        "+4912",
        "+00:00",
        "+1 555",
        "+11111111111",
        "+20240501T10",
        "api@1.4.0+491234567890",
    ),
)
