"""What is said at a registration, and the token between its steps; the reference's own library reads what we write, and we what it writes."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from typing import Any

import pytest
from sentry_relay import auth

from scrubjay.core.envelope import encode_json
from scrubjay.core.relays.registration import (
    RANDOM_BYTES,
    TOKEN_AGE_S,
    Applicant,
    challenge,
    check_registered,
    make_token,
    read_token,
    response,
    token_of,
)
from scrubjay.core.signatures import sign
from scrubjay.errors import BadSignature, UpstreamError
from scrubjay.settings.credentials import generate
from scrubjay.settings.keys import encode

REFERENCE: Any = auth
ID = "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001"
PUBLIC = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
SECRET_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
SECRET = b"upstream-secret"
MADE_UNIX = 1767323046
APPLICANT = Applicant(ID, PUBLIC)
TOKEN = make_token(SECRET, APPLICANT, b"\x11" * RANDOM_BYTES, MADE_UNIX)


def test_operations_37_the_first_body_is_the_specification_s_to_the_byte() -> None:
    body = encode_json(challenge(ID, PUBLIC, "26.10.0"))
    assert body == f'{{"relay_id":"{ID}","public_key":"{PUBLIC}","version":"26.10.0"}}'.encode()
    expected = "mYYuaXirqqH7OZN-MtR_kwN7XK-DZuBI28mxQ2Le4Y2y9XJLk2XVJFFk2VdlGondEAKt3xBBDx3nM3chZPi5Bw"
    assert sign(SECRET_KEY, body, 1767323045.678901).startswith(f"{expected}.")


def test_operations_37_the_reference_registers_us() -> None:
    ours, theirs = generate(), "a secret of theirs"
    secret_key = ours.secret_key.reveal()
    asked = encode_json(challenge(ours.id, ours.public_key, "26.10.0"))
    now_unix = MADE_UNIX
    said = REFERENCE.create_register_challenge(asked, sign(secret_key, asked, now_unix), theirs, max_age=0)
    token = token_of({"relay_id": str(said["relay_id"]), "token": said["token"]}, ours.id)
    assert token == said["token"]
    answered = encode_json(response(ours.id, token, "26.10.0"))
    registered = REFERENCE.validate_register_response(answered, sign(secret_key, answered, now_unix), theirs, max_age=0)
    assert (str(registered["relay_id"]), registered["token"]) == (ours.id, token)
    assert REFERENCE.PublicKey.parse(ours.public_key).verify(answered, sign(secret_key, answered, now_unix))
    check_registered({"relay_id": registered["relay_id"].hex}, ours.id)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (None, "no object"),
        ([], "no object"),
        ({}, "another relay"),
        ({"relay_id": 7, "token": "t"}, "another relay"),
        ({"relay_id": "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de002", "token": "t"}, "another relay"),
        ({"relay_id": ID}, "no token"),
        ({"relay_id": ID, "token": ""}, "no token"),
        ({"relay_id": ID, "token": 7}, "no token"),
    ],
)
def test_answers_that_are_none(reply: object, problem: str) -> None:
    with pytest.raises(UpstreamError, match=problem):
        token_of(reply, ID)


def test_the_last_answer_names_us() -> None:
    check_registered({"relay_id": ID.upper()}, ID)
    with pytest.raises(UpstreamError, match="another relay"):
        check_registered({"relay_id": str(uuid.UUID(int=1))}, ID)


def test_a_token_is_the_specification_s_to_the_byte() -> None:
    state, _, mac = TOKEN.partition(":")
    assert mac == "kadNpZL1OWPPEfEF2AAaIArIIKxaPniDGhYiUc6ZH4FfDzNie84TYTlm3VmDgDrQnUueDjOf2f6_iyOrCBKkZw"
    assert read_token(SECRET, TOKEN, MADE_UNIX + TOKEN_AGE_S) == APPLICANT
    assert state.isascii()


def test_the_reference_s_library_takes_our_token_and_we_take_its() -> None:
    key, public = REFERENCE.SecretKey.parse(SECRET_KEY), REFERENCE.PublicKey.parse(PUBLIC)
    body = json.dumps({"relay_id": ID, "token": TOKEN, "version": "26.10.0"}).encode()
    assert REFERENCE.validate_register_response(body, key.sign(body), SECRET.decode(), max_age=0)["token"] == TOKEN
    asked = json.dumps({"relay_id": ID, "public_key": str(public), "version": "26.10.0"}).encode()
    theirs = REFERENCE.create_register_challenge(asked, key.sign(asked), SECRET.decode(), max_age=0)["token"]
    assert read_token(SECRET, theirs, 0, max_age_s=float("inf")) == APPLICANT


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("", "invalid"),
        (TOKEN.replace(":", "."), "invalid"),
        (TOKEN + "é", "invalid"),
        (TOKEN + "A" * 4096, "invalid"),
        (TOKEN + "A", "unverifiable"),
        ("A" + TOKEN, "unverifiable"),
        (make_token(b"another", APPLICANT, b"", MADE_UNIX), "unverifiable"),
    ],
)
def test_tokens_that_vouch_for_nobody(token: str, problem: str) -> None:
    with pytest.raises(BadSignature, match=problem):
        read_token(SECRET, token, MADE_UNIX)


@pytest.mark.parametrize("late_s", [TOKEN_AGE_S + 1, -TOKEN_AGE_S - 1])
def test_a_token_is_good_for_a_minute(late_s: float) -> None:
    with pytest.raises(BadSignature, match="too old"):
        read_token(SECRET, TOKEN, MADE_UNIX + late_s)


@pytest.mark.parametrize(
    "state", [b"[]", b"{", b'{"relay_id":"x"}', b'{"relay_id":"x","public_key":"y","timestamp":"z"}']
)
def test_whoever_knows_the_secret_may_write_nonsense(state: bytes) -> None:
    text = encode(state)
    mac = encode(hmac.new(SECRET, text.encode(), hashlib.sha512).digest())
    with pytest.raises(BadSignature, match="invalid"):
        read_token(SECRET, f"{text}:{mac}", MADE_UNIX)
