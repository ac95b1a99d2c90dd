"""Sample shop on FastAPI: `python fastapi_app.py PORT`, one endpoint, uvicorn as server."""

import sys
from typing import Any

import shop
import uvicorn
from fastapi import FastAPI, Request, Response

app = FastAPI()


@app.post("/checkout")
async def checkout(request: Request) -> Response:
    """The endpoint of the sample; with raven, which knows no ASGI, it reports by itself."""
    order = await request.json()
    if not shop.WITH_RAVEN:
        shop.checkout(order)
    try:
        shop.checkout(order)
    except shop.PaymentError:
        shop.report_to_raven(await request_interface(request))
    return Response(status_code=500)


async def request_interface(request: Request) -> dict[str, Any]:
    """The request in raven's words."""
    return {
        "method": request.method,
        "url": str(request.url).split("?", 1)[0],
        "query_string": request.url.query,
        "data": (await request.body()).decode(),
        "headers": dict(request.headers),
        "cookies": request.cookies,
        "env": {"REMOTE_ADDR": request.client.host if request.client else ""},
    }


@app.get("/ready")
def ready() -> str:
    return "ready"


@app.get("/flush")
def flush() -> str:
    shop.flush()
    return "flushed"


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
