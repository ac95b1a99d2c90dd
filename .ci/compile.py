"""Compiles the modules in which most time is spent, for a wheel that scrubs twice as fast: `SCRUBJAY_COMPILE=1 pip install .`

A hook of the build backend; without the variable it does nothing and the wheel is plain Python. The compiler is mypyc: its input is
the very source that runs otherwise, types and all, so there is one program and not two. It needs a C compiler and the headers of
Python. Which modules are compiled stands in pyproject.toml. The work is done on a copy, for what lies beside a module hides it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VARIABLE = "SCRUBJAY_COMPILE"
SETUP = """
import sys
from mypyc.build import mypycify
from setuptools import setup

setup(name="scrubjay", ext_modules=mypycify(["--config-file=", "--follow-imports=silent", "--ignore-missing-imports", *sys.argv[3:]], opt_level="3"),
      script_args=sys.argv[1:3])
"""


class Compile(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the compiled modules to the wheel, beside their sources, which remain for tracebacks."""

    _workshop: Path | None = None

    def _is_wanted(self) -> bool:
        return self.target_name == "wheel" and os.environ.get(VARIABLE) == "1"

    def dependencies(self) -> list[str]:
        return list(self.config["compiler"]) if self._is_wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not self._is_wanted() or version == "editable":
            return
        self._workshop = Path(tempfile.mkdtemp(prefix="scrubjay-"))
        copy = self._workshop / "src"
        shutil.copytree(Path(self.root) / "src", copy, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        arguments = ["build_ext", "--inplace", *self.config["modules"]]
        command = [sys.executable, "-c", SETUP, *arguments]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)  # noqa: S603 (all ours)
        if done.returncode:
            raise RuntimeError(f"{VARIABLE}=1, but compiling failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        for extension in copy.rglob(f"*{suffix}"):
            if "build" not in extension.relative_to(copy).parts:
                build_data["force_include"][str(extension)] = str(extension.relative_to(copy))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self._workshop is not None:
            shutil.rmtree(self._workshop)
