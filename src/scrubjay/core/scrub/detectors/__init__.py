"""The registry of detectors, by the name that programs and tests use."""

from scrubjay.core.scrub.detectors import contact, numbers, secrets

DETECTORS = {
    detector.name: detector
    for detector in (
        contact.EMAIL, contact.IPV4, contact.IPV6, contact.MAC, contact.USERPATH,
        numbers.CREDITCARD, numbers.IBAN, numbers.US_SSN, numbers.UUID, numbers.IMEI,
        secrets.BEARER, secrets.PEMKEY, secrets.URL_AUTH, secrets.URL_PASSWORD, secrets.TOKEN_KEY, secrets.PASSWORD, secrets.COOKIES,
    )
}  # fmt: skip
