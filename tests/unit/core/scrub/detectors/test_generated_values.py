"""Values that Faker makes up by the rules of their issuers: taken as they come, left with another check digit (scrubbing.md 15.4)."""

from __future__ import annotations

import pytest
from faker import Faker

from scrubjay.core.scrub.detectors import DETECTORS
from support import detecting

COUNT = 60
# Detector, locale, provider.
WITH_CHECK = [
    ("iban_strict", "de_DE", "iban"), ("iban_strict", "fr_FR", "iban"), ("iban_strict", "nl_NL", "iban"), ("iban_strict", "pl_PL", "iban"),
    ("iban_strict", "it_IT", "iban"), ("iban_strict", "es_ES", "iban"), ("iban_strict", "fi_FI", "iban"), ("iban_strict", "de_CH", "iban"),
    ("national_id_fr", "fr_FR", "ssn"), ("national_id_es", "es_ES", "nif"), ("national_id_es", "es_ES", "nie"),
    ("national_id_it", "it_IT", "ssn"), ("national_id_nl", "nl_NL", "ssn"), ("national_id_be", "nl_BE", "ssn"),
    ("national_id_pl", "pl_PL", "pesel"), ("national_id_se", "sv_SE", "ssn"), ("national_id_fi", "fi_FI", "ssn"),
    ("national_id_br", "pt_BR", "cpf"), ("national_id_br", "pt_BR", "cnpj"), ("national_id_ca", "en_CA", "ssn"),
]  # fmt: skip
CARDS = ("visa", "visa13", "visa19", "mastercard", "amex", "discover", "diners")


def values(locale: str, provider: str) -> list[str]:
    people = Faker(locale)
    people.seed_instance(7)
    return [getattr(people, provider)() for _ in range(COUNT)]


def with_another_end(value: str) -> str:
    """The next digit, or letter, in place of the last one."""
    last = value[-1]
    return value[:-1] + (str((int(last) + 1) % 10) if last.isdigit() else "A" if last == "Z" else chr(ord(last) + 1))


@pytest.mark.parametrize(("name", "locale", "provider"), WITH_CHECK)
def test_numbers_with_check_digits(name: str, locale: str, provider: str) -> None:
    detector = DETECTORS[name]
    for value in values(locale, provider):
        assert detecting.taken(detector, f"{provider} {value}.") == [value]
        assert value not in detecting.taken(detector, f"{provider} {value[:-2]}."), value
        assert not detecting.taken(detector, f"{provider} {with_another_end(value)}."), value


@pytest.mark.parametrize("network", CARDS)
def test_cards(network: str) -> None:
    people = Faker()
    people.seed_instance(11)
    detector = DETECTORS["card"]
    for _ in range(COUNT):
        number = people.credit_card_number(card_type=network)
        is_bar_code = len(number) == 13 and not detecting.takes(detector, number)
        grouped = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
        assert is_bar_code or detecting.taken(detector, f"{number}, {grouped}!") == [number, grouped]
        assert not detecting.taken(detector, with_another_end(number))


def test_numbers_without_check_digits() -> None:
    assert all(detecting.taken(DETECTORS["national_id_us"], value) == [value] for value in values("en_US", "ssn"))
    assert all(
        detecting.taken(DETECTORS["passport"], f"passport {value}") == [value]
        for value in values("en_US", "passport_number")
    )
    assert not any(detecting.takes(DETECTORS["national_id_gb"], value) for value in values("en_GB", "ssn"))  # prefix ZZ


@pytest.mark.parametrize(
    ("locale", "code"),
    [
        ("de_DE", "+49"),
        ("fr_FR", "+33"),
        ("es_ES", "+34"),
        ("it_IT", "+39"),
        ("nl_NL", "+31"),
        ("pl_PL", "+48"),
        ("sv_SE", "+46"),
    ],
)
def test_phone_numbers(locale: str, code: str) -> None:
    """Those in the international form; those without it below a key that says so."""
    international = [value for value in values(locale, "phone_number") if value.startswith(code)]
    assert international
    detector = DETECTORS["phone"]
    for value in international:
        assert "".join(detecting.taken(detector, f"call {value}, please")) == value
    for value in values(locale, "phone_number"):
        assert detecting.scrubbed(detector, {"phone": value}) == {"phone": "[phone]"}, value
