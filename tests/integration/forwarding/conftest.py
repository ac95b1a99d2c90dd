"""These tests run on both event loops: the worker's is uvloop, whose transports differ in more than speed."""

import asyncio

import uvloop


def pytest_asyncio_loop_factories(config, item):
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
