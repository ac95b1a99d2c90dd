"""The registry of detectors, by the name that programs and tests use."""

from scrubjay.core.scrub.detectors import closed_gaps, contact, numbers, secrets

DETECTORS = {
    detector.name: detector
    for detector in (
        contact.EMAIL, contact.IPV4, contact.IPV6, contact.MAC, contact.USERPATH,
        numbers.CREDITCARD, numbers.IBAN, numbers.US_SSN, numbers.UUID, numbers.IMEI,
        secrets.BEARER, secrets.PEMKEY, secrets.URL_AUTH, secrets.URL_PASSWORD, secrets.TOKEN_KEY, secrets.PASSWORD, secrets.COOKIES,
        closed_gaps.IPV6_WHOLE, closed_gaps.USERPATH_SPACES, closed_gaps.URL_AUTH_WHOLE, closed_gaps.URL_PASSWORD_WHOLE,
    )
}  # fmt: skip
