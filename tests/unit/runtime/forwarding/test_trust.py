"""Which certificates count (upstream-and-operations 6.9)."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.runtime.forwarding.trust import Trust, TrustOptions
from support.certificates import make_authority


def authorities(context: ssl.SSLContext) -> int:
    return context.cert_store_stats()["x509_ca"]


def test_certificates_are_verified_unless_the_operator_says_otherwise() -> None:
    strict = Trust(TrustOptions(), {}).context
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    lax = Trust(TrustOptions(insecure_skip_verify=True), {}).context
    assert (lax.verify_mode, lax.check_hostname) == (ssl.CERT_NONE, False)


def test_the_operators_authority_is_trusted_beside_the_systems(tmp_path: Path) -> None:
    bundle, _ = make_authority(tmp_path)
    alone = authorities(Trust(TrustOptions(), {}).context)
    assert authorities(Trust(TrustOptions(ca_bundle=str(bundle)), {}).context) == alone + 1


def test_the_variables_authority_is_trusted_beside_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, _ = make_authority(tmp_path)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    alone = authorities(Trust(TrustOptions(), os.environ).context)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    trust = Trust(TrustOptions(), os.environ)
    assert authorities(trust.context) == alone + 1
    assert str(bundle) in repr(trust)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert authorities(Trust(TrustOptions(), os.environ).context) == alone + 1


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"ca_bundle": "{0}"}, "http.ca_bundle"), ({"client_cert": "{0}", "client_key": "{0}"}, "http.client_cert")],
)
def test_certificates_that_cannot_be_used_name_their_setting(
    tmp_path: Path, changes: dict[str, str], path: str
) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("nonsense")
    with pytest.raises(ConfigError) as caught:
        Trust(TrustOptions(**{name: text.format(bad) for name, text in changes.items()}), {})
    assert caught.value.path == path


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", ["ca_bundle", "client_cert", "client_key"])
def test_pipes_are_not_waited_for(tmp_path: Path, name: str) -> None:
    bundle, pair = make_authority(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    files = {"ca_bundle": str(bundle), "client_cert": str(pair), "client_key": str(pair), name: str(tmp_path / "pipe")}
    with pytest.raises(ConfigError, match="no regular file"):
        Trust(TrustOptions(**files), {})


def test_a_changed_file_is_noticed_however_it_was_changed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    make_authority(tmp_path / "a")
    make_authority(tmp_path / "b")
    link = tmp_path / "current"
    link.symlink_to(tmp_path / "a")
    _, pair = link / "ca.pem", link / "server.pem"
    trust = Trust(TrustOptions(str(link / "ca.pem"), str(pair), str(pair)), {})
    assert not trust.has_changed
    link.unlink()
    assert trust.has_changed
    with pytest.raises(ConfigError):
        trust.renew()
    link.symlink_to(tmp_path / "b")
    assert trust.has_changed
    before = trust.context
    trust.renew()
    assert trust.context is not before
    assert not trust.has_changed
