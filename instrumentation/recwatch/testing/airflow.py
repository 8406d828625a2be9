"""Airflow's REST API as a trainer's launcher sees it: DAG runs and what a task returned."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from recwatch.testing.faults import FaultyServer

__all__ = ["AirflowServer", "DagRun"]


@dataclass
class DagRun:
    """A run of the DAG.

    Attributes:
        run_id: its id.
        conf: what it was triggered with.
        state: `queued`, `running`, `success` or `failed`.
        returned: by the task that returns the result; None is nothing.
    """

    run_id: str
    conf: dict[str, Any]
    state: str = "queued"
    returned: object = None

    def finish(self, state: str = "success", *, returned: object = None) -> None:
        """End the run."""
        self.state, self.returned = state, returned


class AirflowServer(FaultyServer):
    """The part of Airflow's REST API that triggers a DAG and reads an XCom, of version 2 or 3.

    Args:
        version: 2 has `/api/v1` with basic authentication, 3 has `/api/v2` with tokens of `/auth/token`.
        dag: the id of the only DAG.
        task: the id of the task that returns something.
        user: who may log in.
        password: the user's.
        host: the address to listen on.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        *,
        version: Literal[2, 3],
        password: str,
        user: str = "recwatch",
        dag: str = "retrain",
        task: str = "result",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.version = version
        self._old = version == 2  # noqa: PLR2004 - the first of the two
        super().__init__(host=host, port=port)
        self.runs: list[DagRun] = []
        self._login = {"username": user, "password": password}
        self._dag = dag
        self._task = task
        self._tokens = 0

    def expire_token(self) -> None:
        """Refuse the tokens that were given out."""
        self._tokens += 1

    def _routes(self) -> Sequence[Route]:
        runs = f"/api/v{self.version - 1}/dags/{{dag}}/dagRuns"
        xcom = f"{runs}/{{run_id}}/taskInstances/{{task}}/xcomEntries/return_value"
        routes = [
            Route(runs, self._trigger, methods=["POST"]),
            Route(f"{runs}/{{run_id}}", self._get),
            Route(f"{runs}/{{run_id}}", self._patch, methods=["PATCH"]),
            Route(xcom, self._xcom),
        ]
        login = Route("/auth/token", self._log_in, methods=["POST"])
        return routes if self._old else [*routes, login]

    async def _log_in(self, request: Request) -> Response:
        if json.loads(await request.body()) != self._login:
            return _refused(401, "Invalid credentials")
        return JSONResponse({"access_token": self._token}, 201)

    async def _trigger(self, request: Request) -> Response:
        asked = json.loads(await request.body())
        if not self._knows(request):
            return _refused(401, "Unauthorized")
        if request.path_params["dag"] != self._dag:
            return _refused(404, f"DAG with dag_id: '{request.path_params['dag']}' not found")
        if not self._old and "logical_date" not in asked:
            return _refused(422, "Field required: logical_date")
        if any(run.run_id == asked["dag_run_id"] for run in self.runs):
            return _refused(409, "DAGRun already exists")
        self.runs.append(DagRun(asked["dag_run_id"], asked["conf"]))
        return JSONResponse(self._told(self.runs[-1]))

    async def _get(self, request: Request) -> Response:
        run = self._run(request)
        return self._missing(request) if run is None else JSONResponse(self._told(run))

    async def _patch(self, request: Request) -> Response:
        run = self._run(request)
        if run is None:
            return self._missing(request)
        run.state = json.loads(await request.body())["state"]
        return JSONResponse(self._told(run))

    async def _xcom(self, request: Request) -> Response:
        run = self._run(request)
        if run is None or request.path_params["task"] != self._task or run.returned is None:
            return self._missing(request)
        if self._old and request.query_params:
            return _refused(400, "Extra query parameter(s) not in spec")
        # Version 2 writes what was returned as Python would.
        value = str(run.returned) if self._old else run.returned
        return JSONResponse({"key": "return_value", "value": value})

    @property
    def _token(self) -> str:
        return f"token-{self._tokens}"

    def _knows(self, request: Request) -> bool:
        user, password = self._login["username"], self._login["password"]
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        expected = f"Basic {basic}" if self._old else f"Bearer {self._token}"
        return request.headers.get("authorization") == expected

    def _run(self, request: Request) -> DagRun | None:
        run_id = request.path_params["run_id"]
        return next((run for run in self.runs if self._knows(request) and run.run_id == run_id), None)

    def _missing(self, request: Request) -> Response:
        return _refused(404, "Not found") if self._knows(request) else _refused(401, "Unauthorized")

    def _told(self, run: DagRun) -> dict[str, Any]:
        return {"dag_id": self._dag, "dag_run_id": run.run_id, "state": run.state, "conf": run.conf}


def _refused(code: int, detail: str) -> Response:
    return JSONResponse({"detail": detail, "status": code}, code)
