"""Detectors for numbers that name a person, an account or a device (scrubbing.md 10). None checks a check digit, as in the reference."""

from __future__ import annotations

from scrubjay.core.scrub.detector import RAW_OTHER_SPACE, SPACE, Detector

_D, _GAP = "[0-9]", "[- +]?"

CREDITCARD = Detector(
    name="creditcard",
    stand_in="_",
    # Plain spelling; else some gap is another white space, and it has three digits before it, or three after it, or another such
    # gap close by. Split so because one pattern for all of it halves the speed of the whole automaton.
    screen=(
        rf"(?:{_D}{_GAP}){{14}}{_D}",
        rf"{_D}{_GAP}{_D}{_GAP}{_D}{RAW_OTHER_SPACE}{_D}",
        rf"{_D}{RAW_OTHER_SPACE}{_D}{_GAP}{_D}{_GAP}{_D}",
        rf"{_D}{RAW_OTHER_SPACE}{_D}(?:{_GAP}{_D})?{RAW_OTHER_SPACE}{_D}",
    ),
    pattern=rf"\b(?:3[47][0-9]|4[0-9]{{3}}|5[1-5][0-9]{{2}}|65[0-9]{{2}}|6011)(?:[-{SPACE}]?[0-9]){{12}}\b",
    unicode_digits=True,
    examples=("4242424242424242", "3782-822463-10005", "card=4111\t1111\t1111\t1111"),
    counterexamples=("4222222222222", "4242.4242.4242.4242", "x4242424242424242"),
)

# The registry of ISO 13616 as the reference knows it.
_COUNTRIES = (
    "AD|AE|AL|AO|AT|AZ|BA|BE|BF|BG|BH|BI|BJ|BR|BY|CF|CG|CH|CI|CM|CR|CV|CY|CZ|DE|DJ|DK|DO|DZ|EE|EG|ES|FI|FO|FR|GA|GB|GE|GI|GL|GQ|"
    "GR|GT|GW|HN|HR|HU|IE|IL|IQ|IR|IS|IT|JO|KM|KW|KZ|LB|LC|LI|LT|LU|LV|LY|MA|MC|MD|ME|MG|MK|ML|MR|MT|MU|MZ|NE|NI|NL|NO|PK|PL|PS|"
    "PT|QA|RO|RS|RU|SA|SC|SE|SI|SK|SM|SN|ST|SV|TD|TG|TL|TN|TR|UA|VA|VG|XK"
)

IBAN = Detector(
    name="iban",
    stand_in="_",
    screen=tuple(f"{country}[0-9]{{2}}[a-zA-Z0-9]{{11}}" for country in _COUNTRIES.split("|")),
    pattern=rf"\b(?:{_COUNTRIES})[0-9]{{2}}[a-zA-Z0-9]{{11,29}}\b",
    exact_case=True,
    unicode_digits=True,
    examples=("DE02120300000000202051", "GB33bukb20201555555555"),
    counterexamples=("DE02 1203 0000 0000 2020 51", "US02120300000000202051", "de02120300000000202051"),
)

US_SSN = Detector(
    name="us_ssn",
    stand_in="_",
    screen=(r"[0-9]{3}-[0-9]{2}-[0-9]{4}",),
    pattern=r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
    examples=("123-45-6789", "a-123-45-6789"),
    counterexamples=("123456789", "1234-56-7890", "123-45-678"),
)

UUID = Detector(
    name="uuid",
    stand_in="_",
    screen=(r"[a-z0-9]{8}(?:-?[a-z0-9]{4}){3}-?[a-z0-9]{12}",),
    pattern=r"\b[a-zA-Z0-9]{8}(?:-?[a-zA-Z0-9]{4}){3}-?[a-zA-Z0-9]{12}\b",
    examples=("6f1d2c3b-4a59-4e6f-8c7d-0123456789ab", "6f1d2c3b4a594e6f8c7d0123456789ab"),
    counterexamples=("6f1d2c3b-4a59-4e6f-8c7d-0123456789a", "6f1d2c3b--4a59-4e6f-8c7d-0123456789ab"),
)

IMEI = Detector(
    name="imei",
    stand_in="_",
    screen=(r"[0-9]{2}-?[0-9]{6}-?[0-9]{6}-?[0-9]",),
    pattern=r"\b[0-9]{2}-?[0-9]{6}-?[0-9]{6}-?[0-9]{1,2}\b",
    unicode_digits=True,
    examples=("490154203237518", "49-015420-323751-8"),
    counterexamples=("49015420323751", "12345678901234567", "x490154203237518"),
)
