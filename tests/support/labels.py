"""Values to plant: personal data of many countries and each form of secret, every one new and labelled with its kind.

Owns how such values look, with check digits computed here and not by the product, so that the two cannot be wrong together; only the
list of words that seeds are made of is the product's. A value
says what of it may be nowhere afterwards (`needles`): all of it, or the part that is secret, such as the password of a database's URL.
Names of people are not among them: no rule can find those.
"""

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits, hexdigits

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from faker import Faker

from scrubjay.core.scrub.detectors.seed_words import WORDS
from support import numbers

LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "pt_BR", "en_IN", "ja_JP", "sv_SE")
ALPHANUMERIC = ascii_letters + digits
URL_SAFE = ALPHANUMERIC + "-_"


@dataclass(frozen=True, slots=True)
class Label:
    """`text` is what a program would say. Of `needles` none may be left, in any spelling."""

    kind: str
    text: str
    needles: tuple[str, ...]


class Source:
    """Where the values of one run come from; the same seed gives the same values."""

    def __init__(self, seed: int) -> None:
        self.turn = Random(seed)
        self.fakers = {locale: Faker(locale) for locale in LOCALES}
        for faker in self.fakers.values():
            faker.seed_instance(self.turn.randrange(2**32))

    def faker(self) -> Faker:
        return self.fakers[self.turn.choice(LOCALES)]

    def some(self, alphabet: str, count: int) -> str:
        return "".join(self.turn.choices(alphabet, k=count))

    def label(self, kind: str) -> Label:
        made = KINDS[kind](self)
        return made if isinstance(made, Label) else Label(kind, made, (made,))


Made = Label | str


def _part(kind: str, text: str, *needles: str) -> Label:
    return Label(kind, text, needles)


def _email(source: Source) -> Made:
    faker = source.faker()
    user = f"{faker.user_name()}{source.turn.choice(('.', '+', '-', '_'))}{source.some(digits, 4)}"
    host = source.turn.choice((faker.free_email_domain(), faker.domain_name(), f"mail.{faker.domain_name()}"))
    if source.turn.random() < 0.2:
        user, host = user.upper(), host.title()
    return _part("email", f"{user}@{host}", f"{user}@")


def _phone(source: Source) -> Made:
    code, prefix, groups = source.turn.choice(numbers.PHONES)
    parts = [source.some(digits, size) for size in groups]
    dash = source.turn.choice((" ", "-", ".", ""))
    area = f"({prefix})" if dash == " " and source.turn.random() < 0.3 else prefix
    text = f"+{code}{dash}{area}{dash}{dash.join(parts)}"
    return _part("phone", text, text, text[-9:])


def _iban(source: Source) -> Made:
    locale = source.turn.choice(("de_DE", "en_GB", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "pt_BR"))
    text = source.fakers[locale].iban()
    if source.turn.random() < 0.5:
        text = " ".join(text[at : at + 4] for at in range(0, len(text), 4))
    return text


def _card(source: Source) -> Made:
    prefix, length = source.turn.choice(numbers.CARDS)
    number = numbers.luhn(prefix + source.some(digits, length - len(prefix) - 1))
    gap = source.turn.choice(("", " ", "-")) if length == 16 else ""
    text = gap.join(number[at : at + 4] for at in range(0, length, 4)) if gap else number
    return _part("card", text, text, text[:9], text[-9:])


def _ipv4(source: Source) -> Made:
    return ".".join(str(source.turn.randint(low, high)) for low, high in ((100, 223), (100, 254), (10, 254), (10, 254)))


def _ipv6(source: Source) -> Made:
    groups = [f"{source.turn.randrange(0x1000, 0xFFFF):x}" for _ in range(7)]
    known = ":".join(groups[:3])
    tail = f"{groups[5]}:{groups[6]}"
    text = source.turn.choice((f"2a02:{':'.join(groups)}", f"2a02:{known}::{tail}", f"fe80::{known}:{tail}%eth0"))
    return _part("ipv6", text, text, tail)


def _national(country: str) -> Callable[[Source], Made]:
    def make(source: Source) -> Made:
        word, number = numbers.NATIONAL[country](source.turn, source.fakers)
        return _part(f"national_id_{country}", f"{word} {number}", number)

    return make


def _passport(source: Source) -> Made:
    number = source.turn.choice((f"C{source.some(digits, 8)}", source.some(digits, 9), f"AB{source.some(digits, 7)}"))
    return _part("passport", f"passport number {number}", number)


def _jwt(source: Source) -> Made:
    def part(content: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    claims = {"sub": source.some(digits, 12), "iat": 1763000000}
    signature = source.some(URL_SAFE, 43)
    text = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}.{signature}"
    return _part("jwt", text, signature, part(claims))


def _aws(source: Source) -> Made:
    return source.turn.choice(("AKIA", "ASIA")) + source.some(ascii_uppercase + "234567", 16)


def _aws_secret(source: Source) -> Made:
    secret = source.some(ALPHANUMERIC + "/+", 40)
    return _part("aws_secret", f"aws_secret_access_key={secret}", secret)


def _gcp(source: Source) -> Made:
    return "AIza" + source.some(URL_SAFE, 35)


def _azure(source: Source) -> Made:
    key = base64.b64encode(source.turn.randbytes(64)).decode()
    text = f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={key};EndpointSuffix=core.windows.net"
    return _part("azure", text, key)


def _github(source: Source) -> Made:
    if source.turn.random() < 0.3:
        return f"github_pat_{source.some(ALPHANUMERIC, 22)}_{source.some(ALPHANUMERIC, 59)}"
    body = source.some(ALPHANUMERIC, 30)
    return (
        source.turn.choice(("ghp_", "gho_", "ghu_", "ghs_", "ghr_")) + body + numbers.base62(zlib.crc32(body.encode()))
    )


def _gitlab(source: Source) -> Made:
    return f"glpat-{source.some(URL_SAFE[:-2], 20)}"


def _slack(source: Source) -> Made:
    if source.turn.random() < 0.3:
        secret = source.some(ALPHANUMERIC, 24)
        hook = (
            f"hooks.slack.com/services/T{source.some(ascii_uppercase, 8)}/B{source.some(ascii_uppercase, 8)}/{secret}"
        )
        return _part("slack", f"https://{hook}", secret)
    return f"xoxb-{source.some(digits, 12)}-{source.some(digits, 13)}-{source.some(ALPHANUMERIC, 24)}"


def _stripe(source: Source) -> Made:
    return source.turn.choice(("sk_live_", "rk_live_", "whsec_")) + source.some(ALPHANUMERIC, 32)


def _npm(source: Source) -> Made:
    body = source.some(ALPHANUMERIC, 30)
    return f"npm_{body}{numbers.base62(zlib.crc32(body.encode()))}"


def _pypi(source: Source) -> Made:
    return f"pypi-AgEIcHlwaS5vcmc{source.some(URL_SAFE, 150)}"


def _entropy(source: Source) -> Made:
    secret = source.some(ALPHANUMERIC, 32)
    return _part("entropy", f"{source.turn.choice(('client_secret', 'api_key', 'access_token'))}={secret}", secret)


def _database(source: Source) -> Made:
    password = source.some(ALPHANUMERIC, 7) + source.turn.choice("!$*-_") + source.some(ALPHANUMERIC, 5)
    scheme = source.turn.choice(("postgresql", "mysql", "mongodb+srv", "redis", "amqps"))
    return _part("database", f"{scheme}://shop:{password}@db-{source.some(digits, 3)}.internal:5432/orders", password)


def _private_key(source: Source) -> Made:
    key = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return _part("private_key", key.strip(), *key.splitlines()[1:3])


def _seed(source: Source) -> Made:
    return numbers.seed_words(source.turn, WORDS)


def _bearer(source: Source) -> Made:
    token = source.some(URL_SAFE, 28)
    return _part("bearer", f"Bearer {token}", token)


def _basic(source: Source) -> Made:
    password = source.some(ALPHANUMERIC, 12)
    coded = base64.b64encode(f"{source.some(ascii_lowercase, 6)}:{password}".encode()).decode()
    return _part("basic", f"Basic {coded}", coded.rstrip("="), password)


def _password(source: Source) -> Made:
    secret = f"{source.faker().color_name().replace(' ', '')}-{source.some(hexdigits, 8)}"
    return _part("password", f"{source.turn.choice(('password', 'passwd', 'pwd'))}={secret}", secret)


KINDS: dict[str, Callable[[Source], Made]] = {
    "email": _email, "phone": _phone, "iban": _iban, "card": _card, "ipv4": _ipv4, "ipv6": _ipv6, "passport": _passport,
    **{f"national_id_{country}": _national(country) for country in numbers.NATIONAL},
    "jwt": _jwt, "aws": _aws, "aws_secret": _aws_secret, "gcp": _gcp, "azure": _azure, "github": _github, "gitlab": _gitlab,
    "slack": _slack, "stripe": _stripe, "npm": _npm, "pypi": _pypi, "entropy": _entropy, "database": _database,
    "private_key": _private_key, "seed": _seed, "bearer": _bearer, "basic": _basic, "password": _password,
}  # fmt: skip
