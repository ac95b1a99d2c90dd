"""The official client of the Model Context Protocol, in conversation with a sink: `python mcp_client.py URL SCRUBJAY`.

Over HTTP and by `scrubjay mcp`, each with a handshake and without one, it lists the tools and calls all of them, taking ids from what earlier
ones told, as a model does. Prints one JSON object per conversation.
"""

import asyncio
import json
import re
import sys

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

_, url, scrubjay = sys.argv
WAYS = {"http": f"{url}/mcp", "stdio": StdioServerParameters(command=scrubjay, args=["mcp", "--url", url])}


async def converse(way: str, mode: str) -> dict[str, object]:
    async with Client(WAYS[way], mode=mode) as client:
        listed = await client.list_tools()
        told: dict[str, list[str]] = {}

        async def call(name: str, **arguments: object) -> str:
            result = await client.call_tool(name, arguments)
            assert not result.is_error, result
            told[name] = [block.text for block in result.content]
            return "\n".join(told[name])

        errors = await call("search_errors", filters={"timeWindow": 3600})
        record = re.search(r"\*\*Record:\*\* `([^`]+)`", errors)[1]
        await call("search_logs", filters={"limit": 5, "offset": 0})
        trace = re.search(r"- ([0-9a-f]{32}): GET", await call("search_traces"))[1]
        await call("get_traces", traceId=trace[:8])
        await call("get_event", id=record)
        await call("get_scrub_report", id=record)
        await call("search", query="type:[error,log]")
        refused = await client.call_tool("get_event", {"id": "nope"})
        return {
            "way": way,
            "mode": mode,
            "version": client.protocol_version,
            "server": client.server_info.name,
            "tools": [tool.name for tool in listed.tools],
            "told": told,
            "refused": refused.is_error,
        }


async def main() -> None:
    for one in await asyncio.gather(*(converse(way, mode) for way in WAYS for mode in ("legacy", "auto"))):
        print(json.dumps(one))


asyncio.run(main())
