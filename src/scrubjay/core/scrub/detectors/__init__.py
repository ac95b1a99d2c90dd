"""The registry of detectors, by the name that programs and tests use."""

from scrubjay.core.scrub.detectors import (
    cards,
    closed_gaps,
    cloud,
    connection_strings,
    contact,
    entropy,
    ibans,
    network,
    northern_ids,
    numbers,
    overseas_ids,
    papers,
    phone,
    phone_national,
    private_keys,
    secrets,
    signed,
    southern_ids,
    tokens,
    wallet_seed,
    western_ids,
)  # fmt: skip

DETECTORS = {
    detector.name: detector
    for detector in (
        contact.EMAIL, contact.IPV4, contact.IPV6, contact.MAC, contact.USERPATH,
        numbers.CREDITCARD, numbers.IBAN, numbers.US_SSN, numbers.UUID, numbers.IMEI,
        secrets.BEARER, secrets.PEMKEY, secrets.URL_AUTH, secrets.URL_PASSWORD, secrets.TOKEN_KEY, secrets.PASSWORD, secrets.COOKIES,
        closed_gaps.IPV6_WHOLE, closed_gaps.USERPATH_SPACES, closed_gaps.URL_AUTH_WHOLE, closed_gaps.URL_PASSWORD_WHOLE,
        cards.CARD, ibans.IBAN_STRICT, phone.PHONE, network.IP_STRICT,
        western_ids.DE_TAX_ID, western_ids.FR_NIR, western_ids.BE_NATIONAL_NUMBER, western_ids.NL_BSN, western_ids.GB_NINO,
        southern_ids.ES_DNI, southern_ids.IT_CODICE_FISCALE,
        northern_ids.SE_PERSONNUMMER, northern_ids.FI_HETU, northern_ids.PL_PESEL,
        overseas_ids.US_SSN_STRICT, overseas_ids.CA_SIN, overseas_ids.BR_CPF, overseas_ids.IN_AADHAAR,
        phone_national.DE, phone_national.FR, phone_national.GB, phone_national.NL, phone_national.BE, phone_national.SE, phone_national.FI,
        phone_national.IN, phone_national.US, phone_national.CA, phone_national.BR, phone_national.ES, phone_national.IT, phone_national.PL,
        papers.PASSPORT, papers.LICENCE,
        signed.JWT, signed.BASIC_AUTH, cloud.AWS_KEY, cloud.GOOGLE_KEY, cloud.AZURE_KEY,
        tokens.GITHUB_TOKEN, tokens.GITLAB_TOKEN, tokens.SLACK_TOKEN, tokens.STRIPE_KEY, tokens.NPM_TOKEN, tokens.PYPI_TOKEN,
        tokens.SENDGRID_KEY, tokens.OPENAI_KEY, tokens.SENTRY_TOKEN,
        private_keys.PRIVATE_KEY, connection_strings.CONNECTION_STRING, entropy.SECRET_ENTROPY, wallet_seed.WALLET_SEED,
    )
}  # fmt: skip
