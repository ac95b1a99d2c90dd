"""The command line: one file per verb or group of verbs (`upstream-and-operations.md` 3)."""

from scrubjay.cli.program import main

__all__ = ["main"]
