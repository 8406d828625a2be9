"""An ASGI service that logs its requests to the database in RECWATCH_TEST_STORE, once an hour."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from recwatch.asgi import metrics_endpoint
from recwatch.recorder import Recorder
from recwatch.requestlog import RequestLog
from recwatch.serving import RecommenderMetrics

recorder = Recorder([RequestLog(os.environ["RECWATCH_TEST_STORE"])], interval=3600.0)
metrics = RecommenderMetrics("als", recorder=recorder)


async def recommend(request: Request) -> Response:
    with metrics.request(request.path_params["user"]) as watched:
        watched.returned([1, 2, 3])
    return PlainTextResponse("")


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    yield
    recorder.close()


routes = [Route("/recommend/{user}", recommend), Route("/metrics", metrics_endpoint())]
app = Starlette(routes=routes, lifespan=lifespan)
