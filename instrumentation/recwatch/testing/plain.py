"""A service of one's own as a trainer's launcher sees it: the three requests of docs/bridge.md."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from recwatch.testing.faults import FaultyServer

__all__ = ["PlainRun", "PlainServer"]


@dataclass
class PlainRun:
    """A run of the trainer.

    Attributes:
        asked: the body that started it: `run_id`, `model` and `reason`.
        state: `queued`, `running`, `succeeded` or `failed`.
        result: of one that succeeded.
        error: of one that failed.
    """

    asked: dict[str, str]
    state: str = "queued"
    result: object = None
    error: str | None = None

    def finish(self, result: object) -> None:
        """Let it succeed."""
        self.state, self.result = "succeeded", result

    def fail(self, error: str) -> None:
        """Let it fail."""
        self.state, self.error = "failed", error


class PlainServer(FaultyServer):
    """A service that starts a trainer, tells how it does, and stops it.

    Args:
        token: the bearer token that it takes.
        host: the address to listen on.
        port: 0 takes a free one.

    Attributes:
        runs: by run id.
    """

    def __init__(self, *, token: str, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host=host, port=port)
        self.runs: dict[str, PlainRun] = {}
        self._token = token

    def _routes(self) -> Sequence[Route]:
        return [
            Route("/runs", self._post, methods=["POST"]),
            Route("/runs/{run_id}", self._get),
            Route("/runs/{run_id}", self._delete, methods=["DELETE"]),
        ]

    async def _post(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return JSONResponse({"error": "who are you?"}, 401)
        asked = json.loads(await request.body())
        if asked["run_id"] in self.runs:
            return JSONResponse({}, 409)
        self.runs[asked["run_id"]] = PlainRun(asked)
        return JSONResponse({}, 202)

    async def _get(self, request: Request) -> Response:
        run = self.runs.get(request.path_params["run_id"])
        if run is None:
            return JSONResponse({}, 404)
        told = {"state": run.state, "result": run.result, "error": run.error}
        return JSONResponse({key: value for key, value in told.items() if value is not None})

    async def _delete(self, request: Request) -> Response:
        run = self.runs.get(request.path_params["run_id"])
        if run is not None:
            run.fail("stopped")
        return Response(status_code=404 if run is None else 204)
