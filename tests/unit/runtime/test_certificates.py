"""The files of a listener's certificate: what can be used, what cannot, and what replaces what."""

from __future__ import annotations

import os
import shutil
import ssl
from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.runtime.certificates import Certificates
from scrubjay.settings.tls import Tls
from support.openssl import Chain, Pair, openssl, unreadable


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def pairs(chain: Chain) -> tuple[Pair, Pair]:
    return chain.leaf("first", days=3), chain.leaf("second", days=5)


@pytest.fixture
def files(tmp_path: Path, pairs: tuple[Pair, Pair]) -> Tls:
    """A pair of a test's own."""
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    shutil.copy(pairs[0].cert, cert)
    shutil.copy(pairs[0].key, key)
    return Tls(cert=str(cert), key=str(key))


def put(files: Tls, *, cert: Path | None = None, key: Path | None = None) -> None:
    """As a new file, so that nobody takes it for the old one."""
    for source, name in ((cert, files.cert), (key, files.key)):
        if source is not None:
            shutil.copy(source, f"{name}.next")
            os.replace(f"{name}.next", str(name))  # noqa: PTH105


def problem(options: Tls) -> str:
    with pytest.raises(ConfigError) as caught:
        Certificates(options)
    return str(caught.value)


def test_what_is_shown_is_said(files: Tls) -> None:
    made = Certificates(files)
    assert str(made.shown).startswith("CN=relay.internal, issued by CN=scrubjay test authority, good until 20")
    assert not made.is_expired
    assert not made.has_changed()
    assert repr(made) == f"<Certificates {made.shown}>"


def test_the_first_of_all_that_ends_counts(chain: Chain, files: Tls) -> None:
    pair = chain.leaf("long", days=60)  # longer than the authority
    authority = Certificates(Tls(cert=str(chain.authority), key=str(chain.folder / "authority.key")))
    assert Certificates(Tls(cert=str(pair.cert), key=str(pair.key))).shown.until_unix == authority.shown.until_unix


def test_what_is_spoken(files: Tls) -> None:
    made = Certificates(files)
    assert made.public is made.internal
    assert made.public.minimum_version is ssl.TLSVersion.TLSv1_2
    assert made.public.verify_mode is ssl.CERT_NONE
    newest = Certificates(Tls(cert=files.cert, key=files.key, min_version="1.3"))
    assert newest.public.minimum_version is ssl.TLSVersion.TLSv1_3
    old = {each["name"] for each in made.public.get_ciphers() if each["protocol"] == "TLSv1.2"}
    assert old
    assert all(name.startswith("ECDHE-") and ("GCM" in name or "CHACHA20" in name) for name in old)


def test_certificates_are_asked_for_on_the_main_listener_alone(chain: Chain, files: Tls) -> None:
    made = Certificates(Tls(cert=files.cert, key=files.key, client_ca=str(chain.root)))
    assert made.public.verify_mode is ssl.CERT_REQUIRED
    assert made.internal.verify_mode is ssl.CERT_NONE


def test_a_new_pair_is_taken_over(files: Tls, pairs: tuple[Pair, Pair]) -> None:
    made = Certificates(files)
    before, context = made.shown, made.public
    put(files, cert=pairs[1].cert, key=pairs[1].key)
    assert made.has_changed()
    made.renew()
    assert made.shown.until_unix > before.until_unix
    assert made.public is not context
    assert not made.has_changed()


def test_half_of_a_pair_waits_for_the_other_half(files: Tls, pairs: tuple[Pair, Pair]) -> None:
    made = Certificates(files)
    before, context = made.shown, made.public
    put(files, cert=pairs[1].cert)
    with pytest.raises(
        ConfigError, match=r"tls\.key: the key in .*tls\.key is not that of the certificate in .*tls\.crt"
    ):
        made.renew()
    assert (made.shown, made.public) == (before, context)
    assert not made.has_changed(), "it is tried once"
    put(files, key=pairs[1].key)
    assert made.has_changed()
    made.renew()
    assert made.shown != before


def test_files_that_are_gone_for_a_moment_change_nothing(files: Tls, pairs: tuple[Pair, Pair]) -> None:
    made = Certificates(files)
    before = made.shown
    Path(str(files.cert)).unlink()
    assert made.has_changed()
    with pytest.raises(ConfigError, match=r"tls\.cert: cannot read .*No such file"):
        made.renew()
    assert made.shown == before
    put(files, cert=pairs[0].cert)
    assert made.has_changed()
    made.renew()


def test_what_is_over_replaces_only_what_is_over(chain: Chain, files: Tls) -> None:
    over = chain.leaf("over", days=-1)
    now_unix = 0.0
    made = Certificates(files, lambda: now_unix)
    now_unix = made.shown.until_unix - 1
    put(files, cert=over.cert, key=over.key)
    with pytest.raises(ConfigError, match="the new certificate has expired already: CN=relay"):
        made.renew()
    now_unix = made.shown.until_unix
    assert made.is_expired
    made.renew()
    assert made.is_expired


def test_what_cannot_be_used_says_why(chain: Chain, files: Tls, pairs: tuple[Pair, Pair], tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("no certificate")
    locked = tmp_path / "locked.key"
    openssl("pkcs8", "-topk8", "-in", str(files.key), "-out", locked, "-passout", "pass:x")
    cert, key = str(files.cert), str(files.key)
    assert problem(Tls(cert="/gone", key=key)).startswith("tls.cert: cannot read /gone: No such file")
    assert problem(Tls(cert=str(tmp_path), key=key)).startswith(f"tls.cert: cannot read {tmp_path}: Is a directory")
    assert problem(Tls(cert=str(nothing), key=key)).startswith(f"tls.cert: no certificate in {nothing} (accepted:")
    assert problem(Tls(cert=cert, key="/gone")).startswith("tls.key: cannot read /gone")
    assert "is not that of the certificate" in problem(Tls(cert=cert, key=str(pairs[1].key)))
    assert "cannot be used" in problem(Tls(cert=cert, key=str(nothing)))
    assert problem(Tls(cert=cert, key=str(locked))).startswith(f"tls.key: the key in {locked} is encrypted")
    assert problem(Tls(cert=cert, key=key, client_ca="/gone")).startswith("tls.client_ca: cannot read /gone")
    assert problem(Tls(cert=cert, key=key, client_ca=str(nothing))).startswith(
        f"tls.client_ca: no authority in {nothing}"
    )


@pytest.mark.timeout(10)
def test_what_never_ends_is_not_read(files: Tls, tmp_path: Path) -> None:
    made = Certificates(files)
    os.mkfifo(tmp_path / "pipe")
    for name in (files.cert, files.key):
        with (tmp_path / "huge").open("wb") as file:
            file.truncate(1 << 40)
        for end, why in (("pipe", "no regular file"), ("huge", "too large")):
            shutil.copy(str(name), tmp_path / "kept")
            os.replace(tmp_path / end, str(name))  # noqa: PTH105
            assert made.has_changed()
            with pytest.raises(ConfigError, match=why):
                made.renew()
            os.replace(str(name), tmp_path / end)  # noqa: PTH105
            os.replace(tmp_path / "kept", str(name))  # noqa: PTH105
    made.renew()


def test_names_that_cannot_be_read_are_no_certificate(chain: Chain) -> None:
    pair = unreadable(chain.leaf("unreadable"))
    assert problem(Tls(cert=str(pair.cert), key=str(pair.key))).startswith(f"tls.cert: no certificate in {pair.cert}")
