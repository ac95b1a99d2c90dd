"""The relay's identity."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.credentials import FILE_NAME, check, generate, read_credentials, write_credentials

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
LONG_SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe_884Qvh1w3RjnS8CZZ-TWMJulDV8d3IZkElUxuA"
PUBLIC = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
IDENTITY = "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001"
FIELDS = {"secret_key": SECRET, "public_key": PUBLIC, "id": IDENTITY}
VARIABLES = {"RELAY_ID": IDENTITY, "RELAY_PUBLIC_KEY": PUBLIC, "RELAY_SECRET_KEY": SECRET}


def store(folder: Path, fields: object = FIELDS) -> None:
    (folder / FILE_NAME).write_text(fields if isinstance(fields, str) else json.dumps(fields), encoding="utf-8")


def test_a_pair_is_read_in_each_of_its_forms() -> None:
    made = check(FIELDS, "here")
    assert made.dump() == FIELDS
    assert check({**FIELDS, "secret_key": LONG_SECRET}, "here") == made
    assert check({**FIELDS, "id": IDENTITY.replace("-", "").upper()}, "here") == made
    assert SECRET not in repr(made)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("secret_key", SECRET + "=", "bad encoding"),
        ("secret_key", SECRET.replace("A", "+", 1), "bad encoding"),
        ("secret_key", SECRET[:-2], "bad encoding"),
        ("secret_key", SECRET[:-3], "bad key"),
        ("secret_key", "", "bad key"),
        ("secret_key", SECRET + SECRET, "bad encoding"),
        ("secret_key", LONG_SECRET.replace("ElUxuA", "ElUxuQ"), "does not belong"),
        ("public_key", SECRET, "does not belong"),
        ("public_key", LONG_SECRET, "bad key"),
        ("id", "not a relay", "no UUID"),
    ],
)
def test_operations_36_bad_keys(name: str, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        check({**FIELDS, name: text}, "here")
    assert caught.value.where == "here"
    assert caught.value.path == name
    assert not text or name == "id" or text not in str(caught.value)


def test_generated_pairs_are_their_own_and_differ() -> None:
    one, other = generate(), generate()
    assert check(one.dump(), "here") == one
    assert one != other


def test_operations_16_the_file_is_its_owner_s(tmp_path: Path) -> None:
    made = generate()
    path = write_credentials(tmp_path / "new", made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_credentials(tmp_path / "new", {}) == made
    path.chmod(0o644)
    again = generate()
    write_credentials(tmp_path / "new", again)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_credentials(tmp_path / "new", {}) == again


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write the file"):
        write_credentials(tmp_path / "file", generate())


def test_variables_override_single_fields(tmp_path: Path) -> None:
    store(tmp_path)
    other = "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de002"
    found = read_credentials(tmp_path, {"RELAY_ID": other})
    assert found is not None
    assert (found.id, found.public_key) == (other, PUBLIC)


def test_operations_9_without_a_file_all_variables_or_none() -> None:
    assert read_credentials(None, {}) is None
    found = read_credentials(None, VARIABLES)
    assert found is not None
    assert found.dump() == FIELDS
    with pytest.raises(ConfigError, match=r"RELAY_PUBLIC_KEY, RELAY_SECRET_KEY missing"):
        read_credentials(None, {"RELAY_ID": IDENTITY})


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        ("{", "malformed JSON"),
        ([], "not an object"),
        ({**FIELDS, "id": 5}, "id: `5`: not a text"),
        ({**FIELDS, "secret_key": 987654}, r"secret_key: `\*\*\*`: not a text"),
        ({"id": IDENTITY}, "public_key, secret_key missing"),
        ({**FIELDS, "secret_key": "${NO_SUCH_VAR}"}, "NO_SUCH_VAR is not set"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, stored: object, problem: str) -> None:
    store(tmp_path, stored)
    with pytest.raises(ConfigError, match=problem):
        read_credentials(tmp_path, {})


def test_the_secret_may_stand_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    store(tmp_path, {**FIELDS, "secret_key": "${file:secret}", "id": "${ID}"})
    found = read_credentials(tmp_path, {"ID": IDENTITY})
    assert found is not None
    assert found.dump() == FIELDS


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{\n"id": 5}', ":2: id: "),
        ('{\n\n"id": "${NO_SUCH_VAR}"}', ":3: id: "),
        ('{\n"id": "x",\n"public_key": "y",\n"secret_key": "z"}', ":2: id: `x`: no UUID (accepted: a UUID)"),
        ('{"id": "x",\n"publickey": "y",\n"secret_key": "z"}', ":2: publickey: the credentials are incomplete"),
        ('{"id": "x",\n"publickey": "y",\n"secret_key": "z"}', "did you mean `public_key`?"),
        ('{"id": "x"\n"public_key": "y"}', ":2: malformed JSON: "),
        ('{"id":\t"x", "public_key": "y", "secret_key": "z"}', "credentials.json:1: id: "),
    ],
)
def test_errors_of_the_file_name_line_and_member(tmp_path: Path, text: str, place: str) -> None:
    store(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_credentials(tmp_path, {})
    assert place in str(caught.value)


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    store(tmp_path, FIELDS)
    with pytest.raises(ConfigError, match="environment variable RELAY_ID: id: `x`: no UUID"):
        read_credentials(tmp_path, {"RELAY_ID": "x"})


def test_a_pair_that_does_not_belong_together_says_what_would(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        check({**FIELDS, "public_key": generate().public_key}, "here")
    assert caught.value.accepted == FIELDS["public_key"]


def test_each_replica_has_an_id_of_its_own(tmp_path: Path) -> None:
    store(tmp_path, FIELDS)
    found = [
        read_credentials(tmp_path, {"RELAY_ID": f"{IDENTITY}+pod", "HOSTNAME": pod})
        for pod in ("relay-0", "relay-1", "relay-0")
    ]
    ids = [one.id for one in found if one is not None]
    assert ids[0] == ids[2] != ids[1] != IDENTITY
    named = read_credentials(tmp_path, {"RELAY_ID": f"{IDENTITY}+pod", "POD_NAME": "relay-1", "HOSTNAME": "node"})
    assert named is not None
    assert named.id == ids[1]


@pytest.mark.parametrize(
    ("env", "problem"),
    [({"RELAY_ID": f"{IDENTITY}+pod"}, "no name of a pod"), ({"RELAY_ID": "x+pod", "HOSTNAME": "h"}, "`x`: no UUID")],
)
def test_replicas_without_an_id(tmp_path: Path, env: dict[str, str], problem: str) -> None:
    store(tmp_path, FIELDS)
    with pytest.raises(ConfigError, match=problem):
        read_credentials(tmp_path, env)
