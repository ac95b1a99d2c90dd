"""What is said of certificates that are not trusted: real chains, and OpenSSL's own verdict on them."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import SimpleNamespace

import pytest

from scrubjay.runtime.forwarding.presented import chain_of, presented, reason_of
from support.openssl import Chain, Pair, unreadable


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain"))


def shaken(
    pair: Pair, *trusted: Path, name: str = "relay.internal"
) -> tuple[ssl.SSLObject, ssl.SSLCertVerificationError]:
    """A handshake in memory, and how the client's verification of it ended; the server's chain can be read off a second one."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(pair.cert, pair.key)
    careful = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for each in trusted:
        careful.load_verify_locations(each)
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        _shake(server_side, careful, name)
    return _shake(server_side, blind, name), caught.value


def _shake(server_side: ssl.SSLContext, client_side: ssl.SSLContext, name: str) -> ssl.SSLObject:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for each in (client, server):
            try:
                each.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client


def told(pair: Pair, *trusted: Path, name: str = "relay.internal") -> str:
    blind, error = shaken(pair, *trusted, name=name)
    return presented(chain_of(blind), error.verify_code)


def alone(chain: Chain, pair: Pair) -> Pair:
    """The leaf without the authority between it and the root, the most frequent slip."""
    only = chain.folder / "alone.pem"
    only.write_text(pair.cert.read_text().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
    return Pair(only, pair.key)


def test_the_root_that_is_missing_is_named(chain: Chain) -> None:
    text = told(chain.leaf("one"))
    assert text.startswith("it showed CN=relay.internal, issued by CN=scrubjay test authority, good until 20")
    assert text.endswith("; no CN=scrubjay test root is trusted here: put that authority into http.ca_bundle")


def test_a_certificate_that_cannot_be_read_is_nothing_to_tell_of(chain: Chain) -> None:
    assert told(unreadable(chain.leaf("unreadable"))) == ""


def test_an_authority_that_the_server_forgot_is_the_one_that_is_missing(chain: Chain) -> None:
    text = told(alone(chain, chain.leaf("two")), chain.root)
    assert text.endswith("; no CN=scrubjay test authority is trusted here: put that authority into http.ca_bundle")


def test_a_root_that_the_server_shows_itself_is_trusted_no_more_for_that(chain: Chain) -> None:
    pair = chain.leaf("three")
    pair.cert.write_bytes(pair.cert.read_bytes() + chain.root.read_bytes())
    assert "; its root CN=scrubjay test root is not trusted here: put" in told(pair)


def test_what_has_signed_itself(chain: Chain) -> None:
    root = Pair(chain.root, chain.folder / "root.key")
    assert told(root).endswith("; it has signed itself: to trust it, put it into http.ca_bundle")


def test_what_is_over_says_so_by_its_date(chain: Chain) -> None:
    text = told(chain.leaf("four", days=-1), chain.root)
    assert "good until 20" in text
    assert ";" not in text


def test_an_authority_that_is_over_is_named(chain: Chain) -> None:
    blind, _ = shaken(chain.leaf("five"))
    text = presented(chain_of(blind), 10, now_unix=9e9)
    assert "; what is over is CN=scrubjay test authority, since 20" in text


def test_a_wrong_name_needs_no_authority(chain: Chain) -> None:
    assert ";" not in told(chain.leaf("six"), chain.root, name="elsewhere.internal")


@pytest.mark.parametrize("der", [[], [b"no certificate"]])
def test_what_cannot_be_read_is_left_out(der: list[bytes]) -> None:
    assert presented(der, 20) == ""


def test_the_chain_is_had_from_every_python(chain: Chain) -> None:
    blind, _ = shaken(chain.leaf("seven"))
    whole = chain_of(blind)
    assert len(whole) == 2
    newer = SimpleNamespace(get_unverified_chain=lambda: tuple(whole))
    assert chain_of(newer) == whole  # type: ignore[arg-type]
    other = SimpleNamespace(getpeercert=lambda binary_form: whole[0])
    assert chain_of(other) == whole[:1]  # type: ignore[arg-type]
    assert chain_of(SimpleNamespace(getpeercert=lambda binary_form: None)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("WRONG_VERSION_NUMBER", "WRONG_VERSION_NUMBER: the server does not speak TLS there"),
        ("NEVER_HEARD_OF", "NEVER_HEARD_OF"),
        (None, "('odd',)"),
    ],
)
def test_the_word_of_openssl_is_explained(word: str | None, text: str) -> None:
    error = ssl.SSLError("odd")
    error.reason = word  # type: ignore[assignment]
    assert reason_of(error) == text
