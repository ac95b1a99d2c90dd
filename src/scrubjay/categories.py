"""What is counted: the data categories and amounts of them (`decisions.md` 1.1)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class DataCategory(IntEnum):
    """What is counted. The ids are stable on the wire (`decisions.md` 1.1) and never renumbered."""

    UNKNOWN = -1
    DEFAULT = 0
    ERROR = 1
    TRANSACTION = 2
    SECURITY = 3
    ATTACHMENT = 4
    SESSION = 5
    PROFILE = 6
    REPLAY = 7
    TRANSACTION_PROCESSED = 8
    TRANSACTION_INDEXED = 9
    MONITOR = 10
    PROFILE_INDEXED = 11
    SPAN = 12
    MONITOR_SEAT = 13
    FEEDBACK = 14
    METRIC_BUCKET = 15
    SPAN_INDEXED = 16
    PROFILE_DURATION = 17
    PROFILE_CHUNK = 18
    METRIC_SECOND = 19
    REPLAY_VIDEO = 20
    UPTIME = 21
    ATTACHMENT_ITEM = 22
    LOG_ITEM = 23
    LOG_BYTE = 24
    PROFILE_DURATION_UI = 25
    PROFILE_CHUNK_UI = 26
    SEER_AUTOFIX = 27
    SEER_SCANNER = 28
    PREVENT_USER = 29
    PREVENT_REVIEW = 30
    SIZE_ANALYSIS = 31
    INSTALLABLE_BUILD = 32
    TRACE_METRIC = 33
    SEER_USER = 34
    PROFILE_BACKEND = 35
    PROFILE_UI = 36
    TRACE_METRIC_BYTE = 37
    SNAPSHOT_IMAGE = 38

    def __init__(self, _number: int) -> None:
        self.wire = self._name_.lower()
        """The name in headers, configuration and client reports."""

    @classmethod
    def parse(cls, name: str) -> DataCategory:
        """The category of a wire name; any name that is not in the table is `UNKNOWN`."""
        return _BY_NAME.get(name, cls.UNKNOWN)


_BY_NAME: Final = {category.wire: category for category in DataCategory} | {"user_report_v2": DataCategory.FEEDBACK}

Quantities = tuple[tuple[DataCategory, int], ...]
"""What an item counts as: pairs of category and amount (a count, or bytes where the category is one of bytes)."""
