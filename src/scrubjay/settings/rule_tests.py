"""Files of rule tests: rules, or where they are, and cases with what is expected of them (`docs/testing-rules.md`).

Owns the form of the file and the words of its errors. What a case means is `core.scrub.rule_tests`' business; which rules are meant
where a file brings none, the command's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from scrubjay.errors import ConfigError
from scrubjay.settings.document import compose, locate, read_text, to_plain
from scrubjay.settings.project import DataScrubbing, ProjectConfig, ProjectOptions, ScrubjayOptions
from scrubjay.settings.project_files import SUFFIXES
from scrubjay.settings.project_parsing import plain_problem

_VALUES: Final = ("expect", "expect_whole")
_OTHERS: Final = ("must_contain", "must_not_contain", "removed", "kept", "rules", "unchanged", "dropped")


def _says(text: str) -> Meta:
    return Meta(description=text)


class RuleTest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case: an input, and what is expected of what leaves."""

    name: Annotated[str, Meta(min_length=1, description="What is tested, in words.")]
    input: Annotated[Any, _says("The payload, as JSON or YAML.")] = UNSET
    text: Annotated[str | UnsetType, _says("Or a text, which is put into an event at the path `at`.")] = UNSET
    at: Annotated[str, _says("Where the text stands.")] = "extra.text"
    envelope: Annotated[str | UnsetType, _says("Or a file with an envelope, relative to this one.")] = UNSET
    type: Annotated[str, _says("The item's type.")] = "event"
    headers: Annotated[dict[str, Any], _says("Further headers of the item, such as `filename`.")] = field(
        default_factory=dict
    )
    item: Annotated[int, Meta(ge=0, description="Of an envelope, the item that paths and `expect` are about.")] = 0
    expect: Annotated[Any, _says("What leaves; members that are not named may be anything, null may be absent.")] = (
        UNSET
    )
    expect_whole: Annotated[Any, _says("What leaves, with nothing besides; `_meta` only if it is named.")] = UNSET
    must_contain: Annotated[tuple[str | int | float, ...], _says("Texts that must be in what leaves.")] = ()
    must_not_contain: Annotated[
        tuple[str | int | float, ...], _says("Texts that may not, percent-encoded, base64, hex or escaped neither.")
    ] = ()
    removed: Annotated[tuple[str, ...], _says("Paths of which the value may not be left.")] = ()
    kept: Annotated[tuple[str, ...], _says("Paths of which the value must leave as it came.")] = ()
    rules: Annotated[tuple[str, ...], _says("Rules that must have found something.")] = ()
    unchanged: Annotated[bool, _says("Nothing may be changed.")] = False
    dropped: Annotated[bool | str, _says("The item must be dropped; a text names the reason.")] = False

    @property
    def expects_something(self) -> bool:
        return any(getattr(self, name) is not UNSET for name in _VALUES) or any(getattr(self, name) for name in _OTHERS)


class RuleTestFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Cases, and the rules that they are about. Without rules: those of the configuration."""

    tests: Annotated[tuple[RuleTest, ...], Meta(min_length=1, description="The cases.")]
    project: Annotated[
        str | int | None,
        _says("A project file, relative to this one, or a project of the configuration by id or slug."),
    ] = None
    pii_config: Annotated[dict[str, Any] | None, _says("As in a project file.")] = None
    datascrubbing_settings: Annotated[DataScrubbing | None, _says("As in a project file; missing: all on.")] = None
    profile: Annotated[str | None, _says("`strict` or `parity`.")] = None
    scrub: Annotated[dict[str, Any], _says("As `config.scrubjay.scrub` in a project file.")] = field(
        default_factory=dict
    )

    @property
    def has_rules(self) -> bool:
        return bool(self.scrub) or any(
            value is not None for value in (self.pii_config, self.datascrubbing_settings, self.profile)
        )

    def own_project(self) -> ProjectConfig:
        """The file's own rules as a project."""
        scrub = self.scrub if self.profile is None else {**self.scrub, "profile": self.profile}
        return ProjectConfig(
            config=ProjectOptions(
                pii_config=self.pii_config,
                datascrubbing_settings=self.datascrubbing_settings,
                scrubjay=ScrubjayOptions(scrub=scrub),
            )
        )

    @property
    def project_path(self) -> str | None:
        """The project file that is named, if one is."""
        return self.project if isinstance(self.project, str) and self.project.endswith(SUFFIXES) else None


def read_rule_tests(path: Path) -> RuleTestFile:
    """Raises: ConfigError with path and line."""
    where = str(path)
    text = read_text(path)
    root = compose(text, where)
    try:
        tests = msgspec.convert(to_plain(root, where), RuleTestFile)
    except msgspec.ValidationError as error:
        problem, dotted, steps = plain_problem(error)
        raise ConfigError(problem, where=where, path=dotted, line=locate(root, steps)) from None

    def refuse(problem: str, *steps: str | int, accepted: str = "") -> ConfigError:
        dotted = ".".join(map(str, steps))
        return ConfigError(problem, where=where, path=dotted, line=locate(root, steps), accepted=accepted)

    if tests.project is not None and tests.has_rules:
        raise refuse("a file has rules of its own, or names a project", "project")
    for index, test in enumerate(tests.tests):
        given = sum(value is not UNSET for value in (test.input, test.text, test.envelope))
        if given != 1:
            raise refuse("a case has one input", "tests", index, accepted="`input`, `text` or `envelope`")
        if not test.expects_something:
            raise refuse(
                "a case that expects nothing cannot fail", "tests", index, accepted=", ".join((*_VALUES, *_OTHERS))
            )
    return tests
