"""A server and a place for a spool. These tests run on both event loops: the worker's is uvloop, whose transports differ in more than speed."""

import asyncio

import pytest
import uvloop

from support.mini_upstream import MiniUpstream


def pytest_asyncio_loop_factories(config, item):
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def server():
    async with MiniUpstream() as upstream:
        yield upstream


@pytest.fixture(params=["memory", "spool"])
def folder(request, tmp_path):
    """Where the spool is; None: everything waits in memory."""
    return tmp_path / "spool" if request.param == "spool" else None
