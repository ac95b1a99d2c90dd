"""A server and a place for a spool. What is about transports runs on both event loops: the worker's is uvloop, and differs in more than speed."""

import asyncio

import pytest
import uvloop

from support.mini_upstream import MiniUpstream

ABOUT_TRANSPORTS = {"test_forwarding.py", "test_http_client.py"}


def pytest_asyncio_loop_factories(config, item):
    loops = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return loops if item.path.name in ABOUT_TRANSPORTS else {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def server():
    async with MiniUpstream() as upstream:
        yield upstream


@pytest.fixture(params=["memory", "spool"])
def folder(request, tmp_path):
    """Where the spool is; None: everything waits in memory."""
    return tmp_path / "spool" if request.param == "spool" else None
