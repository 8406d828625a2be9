"""A Starlette application that uvicorn serves with several workers in tests."""

import os

from prometheus_client import Gauge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from recwatch.asgi import MetricsMiddleware, metrics_endpoint

LIVE = Gauge("test_live_workers", "Workers that answered and live.", multiprocess_mode="livesum")


async def work(_request: Request) -> PlainTextResponse:
    LIVE.set(1)
    return PlainTextResponse(str(os.getpid()))


app = Starlette(routes=[Route("/work/{id}", work)])
app.add_middleware(MetricsMiddleware)
app.add_route("/metrics", metrics_endpoint())
