"""What a test needs that Python does not bring: a program, a server, a folder of packages.

Owns the one rule for all of them: missing on a developer's machine the test is skipped and says what is missing; with
`CI=true` it fails, so that a continuous integration that forgot to install something cannot be green.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def in_ci() -> bool:
    """True where nothing may be skipped for want of a tool."""
    return os.environ.get("CI", "").lower() == "true"


def require(condition: object, message: str) -> None:
    """Go on if `condition` holds; otherwise skip the test with `message`, or fail it in CI."""
    if condition:
        return
    if in_ci():
        pytest.fail(f"missing in CI: {message}", pytrace=False)
    pytest.skip(message)


def tool(name: str, hint: str = "") -> Path:
    """Absolute path of the program `name`, or skip/fail as `require` does."""
    found = shutil.which(name)
    require(found, f"needs the program {name}{f' ({hint})' if hint else ''}")
    return Path(str(found))


NODE = (20, 19)
"""The oldest that the JavaScript SDKs of the tests run on."""


def node_program() -> Path:
    """Node, new enough."""
    program = tool("node", f"{NODE[0]}.{NODE[1]} or newer")
    version = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    major, minor, *_ = (int(part) for part in version.removeprefix("v").split("."))
    require((major, minor) >= NODE, f"needs node {NODE[0]}.{NODE[1]} or newer, found {version}")
    return program
