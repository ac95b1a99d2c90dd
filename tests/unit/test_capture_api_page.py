"""`docs/capture-api.md`: its tables are those of the code, and its examples are understood."""

import json
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from urllib.parse import parse_qsl, urlsplit

import pytest

from scrubjay.core.capture.expectations import parse_assertion
from scrubjay.core.capture.filters import FILTERS, OPEN_NAMES
from scrubjay.core.capture.moments import TIMES
from scrubjay.core.capture.query import OPTIONS, PAGING, WAITING, parse_query
from scrubjay.core.capture.search import search
from scrubjay.runtime.endpoints import capture
from scrubjay.runtime.endpoints.capture.exporting import FORMS

PAGE = (Path(__file__).parents[2] / "docs" / "capture-api.md").read_text(encoding="utf-8")
NOW = 1_800_000_000.0
ADDRESSES = re.findall(r"['\"](http://127\.0\.0\.1:8969/api/capture/(?:events|wait)\?[^'\"]+)['\"]", PAGE)
SEARCHES = re.search(r"```search\n(.*?)```", PAGE, re.DOTALL)[1].splitlines()
(ASSERTION,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("name", FILTERS)
def test_each_filter_stands_there_with_its_values(name: str) -> None:
    one = FILTERS[name]
    values = ", ".join(f"`{word}`" for word in one.words)
    assert f"\n| `{name}` | {one.says} | {values}{' ' if values else ''}|\n" in PAGE


@pytest.mark.parametrize(("name", "says"), {**OPEN_NAMES, **TIMES, **OPTIONS}.items())
def test_each_other_name_stands_there(name: str, says: str) -> None:
    assert f"\n| `{name}` | {says} |" in PAGE


def test_no_filter_stands_there_that_is_none() -> None:
    table = PAGE.partition("## Filters")[2].partition("## Search")[0]
    told = set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))
    assert told == {*FILTERS, *OPEN_NAMES, *TIMES, *OPTIONS, "q"}


def test_the_routes_are_those_that_are_served() -> None:
    sources = [import_module(f"{capture.__name__}.{module.name}").__file__ for module in iter_modules(capture.__path__)]
    served = {
        f"{method} {path.replace('{{', '{').replace('}}', '}')}"
        for source in sources
        for method, path in re.findall(r'Route\("(\w+)", f"\{BASE\}([^"]+)"', Path(source).read_text(encoding="utf-8"))
    }
    told = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`]*)`", PAGE.partition("## Filters")[0]))
    assert told == served


def test_each_form_of_export_stands_there() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| `GET /events/{id}/export`"))
    assert set(re.findall(r"`(?:as=)?(\w+)`", row)) == set(FORMS)


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_address_is_understood(address: str) -> None:
    address = address.replace("$mark", "01a20300-ae0d-7136-a7a0-000000000001")
    also = WAITING if "/wait?" in address else PAGING
    assert parse_query(parse_qsl(urlsplit(address).query), now_unix=NOW, also=also).conditions


@pytest.mark.parametrize("text", SEARCHES)
def test_each_search_is_understood(text: str) -> None:
    assert search(text, NOW)


def test_the_expectations_are_understood() -> None:
    assert len(parse_assertion(json.loads(ASSERTION), now_unix=NOW).expectations) == 3
