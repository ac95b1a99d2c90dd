"""What scrubbing did: reports, originals, rules with what they did, and rules that are only tried (`capture.md` 8, 9.1).

Originals leave here and nowhere else, and only in mode `full`, which no address but loopback has. What a report is, is
`core.capture`'s business; trying rules is `runtime.capturing.trying`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from aiohttp import web

from scrubjay.core.capture.item import json_of
from scrubjay.core.capture.query import BadQuery
from scrubjay.core.capture.report import Report
from scrubjay.core.capture.rulebook import RuleSum
from scrubjay.core.capture.store import Found
from scrubjay.errors import ConfigError
from scrubjay.runtime.capturing.rules import rows
from scrubjay.runtime.capturing.trying import candidate, try_rules
from scrubjay.runtime.endpoints.capture.bodies import json_body, no_parameters
from scrubjay.runtime.endpoints.capture.site import BASE, SAMPLE_KEY, Site
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import answer, error_reply

MAX_TRIED: Final = 100
"""Records of one dry run."""
_MEDIA_PREFIXES: Final = ("image/", "video/")
_MEDIA: Final = ("text/plain", "application/json")
_OTHER_MEDIA: Final = "application/octet-stream"
_UNSHOWN_IMAGES: Final = "image/svg"
"""A picture that is a program."""


def routes(site: Site) -> list[Route]:
    guard, api = site.guard, _Scrubbing(site)
    return [
        Route("GET", f"{BASE}/events/{{id}}/report", guard(api.report), "capture"),
        Route("GET", f"{BASE}/events/{{id}}/original", guard(api.original), "capture"),
        Route("GET", f"{BASE}/events/{{id}}/attachments/{{n}}", guard(api.attachment), "capture"),
        Route("GET", f"{BASE}/rules", guard(api.rules), "capture"),
        Route("POST", f"{BASE}/dry-run", guard(api.dry_run), "capture"),
    ]


class _Scrubbing:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._sink = site.sink
        self._store = site.sink.store

    async def report(self, request: Request) -> web.Response:
        no_parameters(request)
        found = self._store.find(request.match_info["id"])
        if found is None:
            return _missing()
        return answer(_of_record(await self._sink.report(found), found).document())

    async def original(self, request: Request) -> web.Response:
        """The payload as it came: as JSON where it is some, else its bytes."""
        no_parameters(request)
        found = self._store.find(request.match_info["id"])
        if found is None:
            return _missing()
        if self._sink.originals != "full":
            return error_reply(
                409, "originals", f"originals are not kept: capture.originals is {self._sink.originals!r}"
            )
        original = found.item.original()
        if original is None:
            return error_reply(
                409, "originals", "this original is not kept: it was too large, or it came by a recording"
            )
        document = json_of(original)
        if document is not None:
            return answer(document)
        return _file(original, _OTHER_MEDIA, found.id)

    async def attachment(self, request: Request) -> web.Response:
        """The n-th attachment of the record's envelope, from 0."""
        no_parameters(request)
        found = self._store.find(request.match_info["id"])
        number = request.match_info["n"]
        items = [] if found is None else [one for one in found.captured.items if one.type == "attachment"]
        if not number.isascii() or not number.isdigit() or len(number) > 4 or int(number) >= len(items):
            return error_reply(404, "not_found", "no such attachment; its envelope may have been evicted")
        item = items[int(number)]
        payload = item.payload()
        if payload is None:
            return error_reply(410, "payload_omitted", "this attachment is not kept")
        headers = item.headers
        return _file(payload, _media_type(headers.get("content_type")), headers.get("filename"))

    async def rules(self, request: Request) -> web.Response:
        """Of the plan for a key, or of those for which none is written."""
        unknown = [name for name in request.query if name != "key"]
        if unknown:
            raise BadQuery(f"unknown parameter {unknown[0][:80]!r}; accepted: key")
        plan = self._site.ports.plans.find(request.query.get("key", SAMPLE_KEY)) or self._sink.fallback()
        book = self._store.rulebook
        known = rows(plan.scrub) if plan.scrub is not None else []
        listed = [row | book.rules.get(row["id"], RuleSum()).document() for row in known]
        named = {row["id"] for row in known}
        listed += [
            {"id": name, "origin": "other", "detectors": [], "selector": "", "redaction": "", **one.document()}
            for name, one in book.rules.items()
            if name not in named
        ]
        return answer(
            {
                "rules": listed,
                "unused": [row["id"] for row in listed if not row["hits"]],
                "paths": book.paths(),
                "suspects": dict(book.suspects),
                "by_project": book.projects(),
                "pending": self._sink.pending,
            }
        )

    async def dry_run(self, request: Request) -> web.Response:
        no_parameters(request)
        asked = await json_body(request, self._site)
        if not isinstance(asked, Mapping) or not set(asked) <= {"rules", "ids"} or "rules" not in asked:
            raise BadQuery('a dry run is {"rules": {...} | "text" | "current", "ids": [...]}')
        founds = self._chosen(asked.get("ids", []))
        try:
            tried = candidate(asked["rules"], self._site.settings)
        except ConfigError as error:
            return error_reply(400, "bad_rules", str(error))
        reports = []
        for found in founds:
            before = await self._sink.report(found)
            plan = self._sink.plan_for(found.captured.facts.key) if tried is None else tried.plan
            report = await asyncio.to_thread(try_rules, plan, found)
            reports.append(
                {
                    "id": found.id,
                    "report": _of_record(report, found).document(),
                    "before_report": _of_record(before, found).document(),
                }
            )
        told: dict[str, Any] = {"reports": reports}
        if tried is not None:
            told |= {"fragment": tried.fragment(), "test": await asyncio.to_thread(tried.test, founds)}
        return answer(told)

    def _chosen(self, ids: object) -> list[Found]:
        """Raises `BadQuery`."""
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids) or len(ids) > MAX_TRIED:
            raise BadQuery(f"ids: at most {MAX_TRIED} ids of records, captures or events")
        founds = [self._store.find(one) for one in ids]
        if None in founds:
            raise BadQuery(f"no such record: {ids[founds.index(None)][:80]!r}; it may have been evicted")
        return [found for found in founds if found is not None]


def _of_record(report: Report, found: Found) -> Report:
    """Of an entry in a container only its part."""
    changes, suspects = report.of_part(found.record.part)
    return replace(report, changes=changes, suspects=suspects)


def _missing() -> web.Response:
    return error_reply(404, "not_found", "no such record; it may have been evicted")


def _media_type(given: object) -> str:
    media_type = given.partition(";")[0].strip().lower() if isinstance(given, str) else ""
    if media_type.startswith(_UNSHOWN_IMAGES) or not media_type.isascii() or not media_type.isprintable():
        return _OTHER_MEDIA
    return media_type if media_type in _MEDIA or media_type.startswith(_MEDIA_PREFIXES) else _OTHER_MEDIA


def _file(body: bytes, media_type: str, name: object) -> web.Response:
    shown = "".join(c if c.isalnum() or c in "._-" else "_" for c in name[:100]) if isinstance(name, str) else ""
    response = web.Response(body=body, content_type=media_type)
    disposition = (
        f'attachment; filename="{shown.encode("ascii", "replace").decode().replace("?", "_") or "attachment"}"'
    )
    response.headers["Content-Disposition"] = disposition
    return response
