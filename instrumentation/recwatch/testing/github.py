"""GitHub Actions as a trainer's launcher sees it: dispatches, runs, artifacts."""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from recwatch.testing.faults import FaultyServer

__all__ = ["GithubServer", "WorkflowRun", "zipped"]


@dataclass
class WorkflowRun:
    """A run of the workflow.

    Attributes:
        number: its id.
        title: its name, as the workflow's `run-name` makes it.
        inputs: of the dispatch.
        status: `queued`, `in_progress` or `completed`.
        conclusion: of a completed one.
        artifacts: names and contents of zip files.
    """

    number: int
    title: str
    inputs: dict[str, str]
    status: str = "queued"
    conclusion: str | None = None
    artifacts: dict[str, bytes] = field(default_factory=dict)

    def finish(self, conclusion: str = "success", *, result: object = None) -> None:
        """Complete the run; a result becomes the artifact that the bridge looks for."""
        if result is not None:
            name = f"recwatch-{self.inputs['run_id']}"
            self.artifacts[name] = zipped({"result.json": json.dumps(result).encode()})
        self.status, self.conclusion = "completed", conclusion


class GithubServer(FaultyServer):
    """The part of GitHub's REST API that starts a workflow and fetches what it left.

        with GithubServer(token="t") as github:
            start_something_at(github.url)
            github.runs[0].finish(result={"version": "v2"})

    As with the real one, a dispatch is answered without saying which run it made, and an artifact is
    a redirect to another host, which refuses requests that show the API's token.

    Args:
        token: the one that it takes.
        workflow: the file name of the only workflow.
        run_name: the workflow's `run-name`; `{run_id}` is the input.
        host: the address to listen on.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        *,
        token: str,
        workflow: str = "retrain.yml",
        run_name: str = "retrain {run_id}",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host=host, port=port)
        self.runs: list[WorkflowRun] = []
        self._token = token
        self._workflow = workflow
        self._run_name = run_name

    def _routes(self) -> Sequence[Route]:
        actions = "/repos/{owner}/{repository}/actions"
        return [
            Route(f"{actions}/workflows/{{workflow}}/dispatches", self._dispatch, methods=["POST"]),
            Route(f"{actions}/workflows/{{workflow}}/runs", self._list),
            Route(f"{actions}/runs/{{number:int}}", self._get),
            Route(f"{actions}/runs/{{number:int}}/cancel", self._cancel, methods=["POST"]),
            Route(f"{actions}/runs/{{number:int}}/artifacts", self._artifacts),
            Route(f"{actions}/artifacts/{{number:int}}/zip", self._archive),
            Route("/storage/{number:int}", self._storage),
        ]

    async def _dispatch(self, request: Request) -> Response:
        asked = json.loads(await request.body())
        if not self._knows(request):
            return _refused(401, "Bad credentials")
        if request.path_params["workflow"] != self._workflow:
            return _refused(404, "Not Found")
        if set(asked["inputs"]) - {"run_id", "model", "reason"} or "ref" not in asked:
            return _refused(422, "Unexpected inputs provided")
        number = 1000 + len(self.runs)
        self.runs.append(WorkflowRun(number, self._run_name.format(**asked["inputs"]), asked["inputs"]))
        return Response(status_code=204)

    async def _list(self, request: Request) -> Response:
        if not self._knows(request):
            return _refused(401, "Bad credentials")
        size, page = int(request.query_params["per_page"]), int(request.query_params["page"])
        newest = list(reversed(self.runs))[size * (page - 1) : size * page]
        runs = [self._told(run) for run in newest]
        return JSONResponse({"total_count": len(self.runs), "workflow_runs": runs})

    async def _get(self, request: Request) -> Response:
        run = self._run(request)
        return _refused(404, "Not Found") if run is None else JSONResponse(self._told(run))

    async def _cancel(self, request: Request) -> Response:
        run = self._run(request)
        if run is None:
            return _refused(404, "Not Found")
        if run.status == "completed":
            return _refused(409, "Cannot cancel a workflow run that is completed.")
        run.finish("cancelled")
        return JSONResponse({}, 202)

    async def _artifacts(self, request: Request) -> Response:
        run = self._run(request)
        if run is None:
            return _refused(404, "Not Found")
        artifacts = [
            {"id": run.number * 10 + place, "name": name, "size_in_bytes": len(content), "expired": False}
            for place, (name, content) in enumerate(run.artifacts.items())
        ]
        return JSONResponse({"total_count": len(artifacts), "artifacts": artifacts})

    async def _archive(self, request: Request) -> Response:
        if not self._knows(request):
            return _refused(401, "Bad credentials")
        number = request.path_params["number"]
        return RedirectResponse(f"http://localhost:{self.port}/storage/{number}?sig=secret", 302)

    async def _storage(self, request: Request) -> Response:
        if "authorization" in request.headers:
            return _refused(400, "Authentication information is not given in the correct format.")
        number = request.path_params["number"]
        run = next(run for run in self.runs if run.number == number // 10)
        return Response(list(run.artifacts.values())[number % 10], media_type="application/zip")

    def _knows(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self._token}"

    def _run(self, request: Request) -> WorkflowRun | None:
        number = request.path_params["number"]
        return next((run for run in self.runs if self._knows(request) and run.number == number), None)

    def _told(self, run: WorkflowRun) -> dict[str, Any]:
        return {
            "id": run.number,
            "display_title": run.title,
            "status": run.status,
            "conclusion": run.conclusion,
            "event": "workflow_dispatch",
            "html_url": f"{self.url}/example/shop/actions/runs/{run.number}",
        }


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip file with these files in it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return archive.getvalue()


def _refused(code: int, message: str) -> Response:
    return JSONResponse({"message": message}, code)
