"""Releases and their order: `decisions.md` 6.4."""

import itertools

import pytest

from scrubjay.core.releases import Release, Version, parse_release


def version(text: str) -> Version | None:
    release = parse_release(text)
    return None if release is None else release.version


@pytest.mark.parametrize(
    ("text", "package", "short", "build"),
    [
        ("app@1.9.0", "app", "1.9.0", None),
        ("1.9", None, "1.9", None),
        ("7", None, "7", None),
        ("1.2.3.4", None, "1.2.3.4", None),
        ("my app@1.0.0-rc.1+b7.2", "my app", "1.0.0-rc.1", "b7.2"),
        ("app@1.0rc1", "app", "1.0rc1", None),
        ("app@1.0-", "app", "1.0-", None),
        ("app@1.0-+5", "app", "1.0-", "5"),
        (" app@1.0 ", "app", "1.0", None),
    ],
)
def test_parts_of_a_release(text: str, package: str | None, short: str, build: str | None) -> None:
    release = parse_release(text)
    assert release is not None
    assert release.version is not None
    assert (release.package, release.version.short, release.version.build, release.commit) == (
        package,
        short,
        build,
        None,
    )


@pytest.mark.parametrize(
    "text", ["latest", "v1.0", "1.2.3.4.5", "1.", "1.0-rc..1", "1.0-rc.01", "1.0+", "1.0+a_b", "1rc1", "12b", "1٢"]
)
def test_what_is_no_version(text: str) -> None:
    assert parse_release(text) == Release()
    assert parse_release(f"app@{text}") == Release("app")


@pytest.mark.parametrize("text", ["app@", "@1.0"])
def test_half_of_a_pair_is_no_version(text: str) -> None:
    assert parse_release(text) == Release()


@pytest.mark.parametrize("digits", [12, 16, 20, 32, 40, 64])
def test_commits_are_no_versions(digits: int) -> None:
    for commit in ("1" * digits, "aF" * (digits // 2)):
        assert parse_release(commit) == Release(commit=commit)
        assert parse_release(f"app@{commit}") == Release("app", commit=commit)
    assert version("1" * (digits - 1)) is not None


@pytest.mark.parametrize("text", ["", "  ", "a/b@1.0", "a\\b@1.0", "a\n@1.0", "a" * 247 + "@1.0"])
def test_what_is_no_release(text: str) -> None:
    assert parse_release(text) is None


def test_order() -> None:
    ascending = [
        "1.0.0-1",
        "1.0.0-2",
        "1.0.0-10",
        "1.0.0-RC",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-rc",
    ]
    ascending += ["1.0.0", "1.0.0.1", "1.2", "1.9.0", "1.10.0", "20201212", "99999999999999999999.0"]
    versions = [version(text) for text in ascending]
    for earlier, later in itertools.pairwise(versions):
        assert earlier is not None
        assert later is not None
        assert earlier.precedence < later.precedence


@pytest.mark.parametrize(("one", "other"), [("1", "1.0.0.0"), ("1.0+a", "1.0+b"), ("1.0-rc", "1.0rc"), ("1.0-", "1.0")])
def test_equal_precedence(one: str, other: str) -> None:
    left, right = version(one), version(other)
    assert left is not None
    assert right is not None
    assert left.precedence == right.precedence
