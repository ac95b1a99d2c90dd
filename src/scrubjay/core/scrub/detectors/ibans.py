"""Account numbers with the length and structure of their country and right check digits (scrubbing.md 15.4; ISO 13616).

Structures as the IBAN registry has them, then those of countries that use the form without being in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from scrubjay.core.scrub.check_digits import letters_and_digits_of, mod_97_10
from scrubjay.core.scrub.detector import Detector

# What follows country and check digits: so many digits (n), letters (a), or either (c).
_STRUCTURES: Final = """
16n AT BA EE LT XK; 14n DK FI FO GL SD; 18n CR DE ME RS VA; 20n CZ ES SE SK TN; 19n AE IL SO TL; 24n HU PL; 23n BI DJ MR;
21n LY PT ST; 22n IS; 4a20n HN NI SV; 10n11c2n FR MC; 1a10n12c IT SM; 3n13c KZ LU; 4a14n GB IE; 4a16c PK RO; 4a21c PS QA; 4a4n18c JO YE;
5n12c CH LI; 8n16c AL CY; 11n NO; 12n BE; 14n15c RU; 15n SI; 16n MN; 17n HR; 20c MD; 23n1a1c BR; 24c GT; 25n EG; 2a12n FK;
2a16n GE; 2n18c SA; 3n10c2n MK; 3n16c OM; 4a10n NL; 4a13c LV; 4a14c BH; 4a15c GI; 4a15n IQ; 4a16n VG; 4a19n3a MU; 4a20c AZ;
4a20n3a SC; 4a22c KW; 4a24c LC; 4a5n18c MT; 4a6n8c BG; 4c20n DO; 4c4n16c BY; 4n20c LB; 6n16c TR; 6n19c UA; 7n16c GR; 8n12c AD;
23n CF CG CM GA GQ KM MG TD; 21n AO CV MZ; 2a22n CI NE SN TG; 22n DZ IR; 24n MA; 2c22n BF BJ ML; 2c19n GW
"""
_CLASSES: Final = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
_SAMPLES: Final = {"[0-9]": "0", "[A-Z]": "A"}
_PART: Final = re.compile(r"([0-9]+)([nac])")


def _structures() -> dict[str, list[str]]:
    """Character classes of what follows the check digits, by the countries that share them, joined by `|`."""
    out = {}
    for entry in _STRUCTURES.replace("\n", " ").split(";"):
        structure, *countries = entry.split()
        out["|".join(countries)] = [
            _CLASSES[kind] for length, kind in _PART.findall(structure) for _ in range(int(length))
        ]
    return out


def _screen() -> Iterator[str]:
    """Few patterns that are cheap to look for, with a word for countries that they do not cover.

    Digits or letters tell numbers from hex ids, of which events are full, better than the names of countries do.
    """
    yield "[A-Za-z]{2}[0-9]{2} [0-9A-Za-z]{4} [0-9A-Za-z]{4}"
    common = ("[0-9A-Za-z]{2}[0-9]{8}", "[A-Za-z]{4}[0-9A-Za-z]{3}")
    for pattern in common:
        yield f"[A-Za-z]{{2}}[0-9]{{2}}{pattern}"
    for countries, classes in _structures().items():
        # A character that may be either is tried as both.
        samples = ["".join(_SAMPLES.get(one, either) for one in classes) for either in "0A"]
        if not any(all(re.match(pattern, sample) for sample in samples) for pattern in common):
            for country in countries.split("|"):
                yield "".join(f"[{letter}{letter.lower()}]" for letter in country) + "[0-9]{2}[0-9A-Za-z]{11}"


_ALL: Final = re.compile(
    "|".join(f"(?:{countries})[0-9]{{2}}{''.join(classes)}" for countries, classes in _structures().items())
)


def is_iban(text: bytes) -> bool:
    number = letters_and_digits_of(text)
    return _ALL.fullmatch(number) is not None and mod_97_10(number)


IBAN_STRICT = Detector(
    name="iban_strict",
    family="iban_strict",
    replacement="[iban]",
    takes="account numbers in any case, in one or in groups of four with single spaces",
    verifies="length and structure of the country; mod 97",
    screen=tuple(_screen()),
    exact_case=True,
    pattern=(r"\b[A-Za-z]{2}[0-9]{2}(?:[A-Za-z0-9]{11,30}|(?: [A-Za-z0-9]{4}){2,7}(?: [A-Za-z0-9]{1,3})?)\b"),
    check=is_iban,
    retries=True,
    unicode_digits=True,
    examples=(
        "DE02 1203 0000 0000 2020 51",
        "de02120300000000202051",
        "GB33BUKB20201555555555",
        "to ES79 2100 0813 6101 2345 6789 paid from",
        "NL02 ABNA 0123 4567 89",
        "NO8330001234567",
        "MT31MALT01100000000000000000123",
        "BR1500000000000010932840814P2",
    ),
    counterexamples=(
        "DE03120300000000202051",
        "DE0212030000000020205",
        "ZZ02120300000000202051",
        "DE-02120300000000202051",
        "DE02  1203 0000 0000 2020 51",
        "DE02 12030000 0000 2020 51",
        "deadbeef12345678deadbeef12345678",
    ),
)
