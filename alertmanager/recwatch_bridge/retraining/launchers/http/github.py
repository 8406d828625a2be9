"""GitHub Actions: a workflow is dispatched, found by its run's name, and leaves its result as an artifact."""

import io
import lzma
import re
import struct
import zipfile
import zlib
from typing import Any

from recwatch_bridge.errors import ResultError
from recwatch_bridge.retraining.launchers.base import Handle, LaunchError, Order
from recwatch_bridge.retraining.launchers.http.exchange import (
    Answer,
    Found,
    Request,
    Steps,
    UnclearError,
    UnusableError,
    is_unclear,
    retry_after,
    segment,
    usable,
    web_address,
)
from recwatch_bridge.retraining.result import MAX_BYTES
from recwatch_bridge.text import one_line

RESULT_FILE = "result.json"
_PAGES = 3
_PAGE = 100
_NOT_THERE = 404
_LIMITED = (403, 429)
_MINUTE = 60.0
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    RuntimeError,
    OSError,
)
"""What reading a broken zip file may raise."""


class GithubApi:
    """The REST API of GitHub, github.com's or a server's own.

    The workflow's `run-name` must hold the run id: an answer to a dispatch names no run (newer ones do).

    Args:
        url: the API's root.
        repository: `owner/name`.
        workflow: its file's name.
        ref: branch or tag to run on.
        token: may read and write the repository's actions.
    """

    lost = "GitHub has no workflow run with the run id in its name: set the workflow's run-name as documented"

    def __init__(self, url: str, *, repository: str, workflow: str, ref: str, token: str) -> None:
        owner, _, name = repository.partition("/")
        self._actions = f"{url}/repos/{segment(owner)}/{segment(name)}/actions"
        self._workflow = f"{self._actions}/workflows/{segment(workflow)}"
        self._ref = ref
        self._authorization = f"Bearer {token}"
        self.secrets: tuple[str, ...] = (token,)

    def start(self, order: Order) -> Steps[Handle]:
        """Dispatch the workflow with the inputs run_id, model and reason."""
        inputs = {"run_id": order.run_id, "model": order.model, "reason": order.reason}
        body = {"ref": self._ref, "inputs": inputs}
        answer = yield self._request("POST", f"{self._workflow}/dispatches", body=body, starts=True)
        if answer.ok:
            return {"accepted": True, **_number_of(answer)}
        if is_unclear(answer):
            raise UnclearError(answer.why)
        told = f"GitHub did not take the workflow: {answer.why}"
        raise LaunchError(told, retry_after=_wait(answer) or None)

    def look(self, order: Order, handle: Handle) -> Steps[Found | None]:
        """Look at the run, or find it first, and fetch the artifact of one that succeeded."""
        run = yield from self._run(order, handle)
        number = None if run is None else run.get("id")
        if run is None or not isinstance(number, int):
            return None
        page = web_address(run.get("html_url"))
        known: Handle = {"run": number, **({"log_url": page} if page else {})}
        status, conclusion = (_word(run.get(key)) for key in ("status", "conclusion"))
        if status != "completed":
            return Found("at work", known, f"workflow run {number}: {status}")
        told = f"workflow run {number}: {conclusion}"
        if conclusion != "success":
            return Found("failed", known, told, error=f"the workflow run ended with {conclusion}")
        name = f"recwatch-{order.run_id}"
        artifact = yield from self._artifact(number, name)
        if artifact is None:
            return Found("succeeded", known, told, error=f"the workflow run left no artifact {name}")
        archive = yield self._request("GET", f"{self._actions}/artifacts/{artifact}/zip", download=True)
        if not archive.ok:
            raise self._unusable(archive)
        try:
            result = read_archive(archive.body)
        except ResultError as error:
            return Found("failed", known, told, error=f"artifact {name}: {error}")
        return Found("succeeded", known, told, result=result)

    def stop(self, order: Order, handle: Handle) -> Steps[str | None]:
        """Cancel the run; one that has ended cannot be, which is as good."""
        run = yield from self._run(order, handle)
        number = None if run is None else run.get("id")
        if not isinstance(number, int):
            return self.lost
        answer = yield self._request("POST", f"{self._actions}/runs/{number}/cancel")
        if answer.ok or answer.status == 409:  # noqa: PLR2004
            return None
        raise self._unusable(answer)

    def _run(self, order: Order, handle: Handle) -> Steps[dict[str, Any] | None]:
        if "run" in handle:
            answer = yield self._request("GET", f"{self._actions}/runs/{int(handle['run'])}")
            if answer.status != _NOT_THERE:
                return self._usable(answer)
            # GitHub says the same of a repository that the token may no longer see: then nobody can tell.
            self._usable((yield self._list(1, size=1)))
            return None
        named = re.compile(rf"(?<![\w-]){re.escape(order.run_id)}(?![\w-])")
        for page in range(1, _PAGES + 1):
            answer = yield self._list(page)
            runs = _mappings(self._usable(answer).get("workflow_runs"))
            for run in runs:
                if named.search(str(run.get("display_title", ""))) and isinstance(run.get("id"), int):
                    return run
            if len(runs) < _PAGE:
                break
        return None

    def _list(self, page: int, *, size: int = _PAGE) -> Request:
        query = {"event": "workflow_dispatch", "per_page": str(size), "page": str(page)}
        return self._request("GET", f"{self._workflow}/runs", query=query)

    def _artifact(self, run: int, name: str) -> Steps[int | None]:
        query = {"name": name, "per_page": str(_PAGE)}
        answer = yield self._request("GET", f"{self._actions}/runs/{run}/artifacts", query=query)
        numbers = [
            artifact["id"]
            for artifact in _mappings(self._usable(answer).get("artifacts"))
            if artifact.get("name") == name and isinstance(artifact.get("id"), int)
        ]
        # A run that was repeated leaves one an attempt; the newest counts.
        return max(numbers, default=None)

    def _request(self, method: str, url: str, **more: Any) -> Request:
        return Request(method, url, authorization=self._authorization, **more)

    def _usable(self, answer: Answer) -> dict[str, Any]:
        if not answer.ok:
            raise self._unusable(answer)
        return usable(answer)

    def _unusable(self, answer: Answer) -> UnusableError:
        return UnusableError(answer.why, _wait(answer))


def read_archive(archive: bytes) -> bytes:
    """Return the result file of an artifact.

    Raises:
        ResultError: when it is no zip file with a file `result.json` of a size that can be used.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened, opened.open(RESULT_FILE) as file:
            result = file.read(MAX_BYTES + 1)
    except KeyError:
        raise ResultError(f"it holds no file {RESULT_FILE} at its root") from None
    except _BROKEN as error:
        raise ResultError(f"it is no zip file that can be read ({type(error).__name__})") from None
    if len(result) > MAX_BYTES:
        raise ResultError(f"its {RESULT_FILE} is larger than {MAX_BYTES} bytes: leave out `pairs`")
    return result


def _wait(answer: Answer) -> float:
    """GitHub tells of its limits by 403 or 429, not always with a Retry-After: then a minute."""
    wait = retry_after(answer.headers)
    return wait or (_MINUTE if answer.status in _LIMITED else 0.0)


def _number_of(answer: Answer) -> Handle:
    """Newer versions of the API name the run at once."""
    try:
        number = answer.mapping().get("workflow_run_id")
    except UnusableError:
        return {}
    return {"run": number} if isinstance(number, int) else {}


def _mappings(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _word(value: object) -> str:
    return one_line(value, 40) if isinstance(value, str) else "unknown"
