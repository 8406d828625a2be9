"""Airflow, versions 2 and 3: a DAG run whose id is the run's, its result an XCom of one task."""

import base64
import json
from typing import Any, Literal

from recwatch_bridge.retraining.launchers.base import Handle, LaunchError, Order
from recwatch_bridge.retraining.launchers.http.exchange import (
    Answer,
    Found,
    Request,
    Steps,
    UnclearError,
    UnusableError,
    is_unclear,
    refusal,
    retry_after,
    segment,
    usable,
)
from recwatch_bridge.text import one_line

_MINUTE = 60.0
_UNAUTHORIZED = 401
_NOT_THERE = 404
_THERE_ALREADY = 409


class AirflowApi:
    """Airflow's REST API: `/api/v1` with basic authentication (2), `/api/v2` with a fetched token (3).

    Args:
        url: the root of Airflow's web server (2) or API server (3).
        version: of Airflow.
        dag: the DAG's id.
        result_task: the task that returns the result.
        user: who logs in.
        password: the user's.
    """

    lost = "Airflow has no DAG run with this run id"

    def __init__(
        self, url: str, *, version: Literal[2, 3], dag: str, result_task: str, user: str, password: str
    ) -> None:
        self._root = url
        self._old = version == 2  # noqa: PLR2004 - the first of the two
        self._runs = f"{url}/api/v{version - 1}/dags/{segment(dag)}/dagRuns"
        self._page = f"{url}/dags/{segment(dag)}"
        self._result_task = result_task
        self._login = {"username": user, "password": password}
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._authorization = f"Basic {basic}" if self._old else None
        self.secrets: tuple[str, ...] = (password, basic)

    def start(self, order: Order) -> Steps[Handle]:
        """Trigger the DAG; a 409 says that the run is there."""
        conf = {"run_id": order.run_id, "model": order.model, "reason": order.reason}
        body: dict[str, Any] = {"dag_run_id": order.run_id, "conf": conf}
        if not self._old:
            body["logical_date"] = None
        try:
            answer = yield from self._ask("POST", self._runs, body=body, starts=True)
        except UnusableError as error:  # of the login
            told = f"Airflow did not take the DAG run: {error}"
            raise LaunchError(told, retry_after=error.retry_after or None) from None
        if answer.ok or answer.status == _THERE_ALREADY:
            return {"accepted": True, "log_url": self._page_of(order)}
        if is_unclear(answer):
            raise UnclearError(answer.why)
        raise refusal("Airflow did not take the DAG run", answer)

    def look(self, order: Order, handle: Handle) -> Steps[Found | None]:  # noqa: ARG002 - the run id is enough
        """Look at the DAG run, and fetch what the result's task returned."""
        answer = yield from self._ask("GET", self._run(order))
        if answer.status == _NOT_THERE:
            return None
        state = usable(answer).get("state")
        known: Handle = {"accepted": True, "log_url": self._page_of(order)}
        told = f"DAG run: {one_line(str(state), 40)}"
        if state in ("queued", "running"):
            return Found("at work", known, told)
        if state == "failed":
            return Found("failed", known, told, error="the DAG run failed")
        if state != "success":
            raise UnusableError("the DAG run's `state` is none of queued, running, success and failed")
        task = self._result_task
        where = f"{self._run(order)}/taskInstances/{segment(task)}/xcomEntries/return_value"
        # Version 2 refuses parameters that it does not know, and knows this one from 2.10 on only.
        query = {} if self._old else {"stringify": "false"}
        answer = yield from self._ask("GET", where, query=query)
        if answer.status == _NOT_THERE:
            return Found("succeeded", known, told, error=f"the task {task} returned nothing")
        result = read_xcom(usable(answer).get("value"))
        if result is None:
            missing = f"what the task {task} returned is no JSON object: let it return json.dumps(result)"
            return Found("failed", known, told, error=missing)
        return Found("succeeded", known, told, result=result)

    def stop(self, order: Order, handle: Handle) -> Steps[str | None]:  # noqa: ARG002 - the run id is enough
        """Set the DAG run to failed, which ends its tasks."""
        answer = yield from self._ask("PATCH", self._run(order), body={"state": "failed"})
        if answer.ok:
            return None
        if answer.status == _NOT_THERE:
            return self.lost
        raise UnusableError(answer.why, retry_after(answer.headers))

    def _ask(self, method: str, url: str, **more: Any) -> Steps[Answer]:
        """Ask with the token that there is, and once more with a new one where that has run out.

        A request that was refused for its token did nothing, so that one that starts a run may be repeated.
        """
        fresh = self._authorization is None
        if fresh:
            yield from self._log_in()
        answer = yield Request(method, url, authorization=self._authorization, **more)
        if answer.status == _UNAUTHORIZED and not self._old and not fresh:
            yield from self._log_in()
            answer = yield Request(method, url, authorization=self._authorization, **more)
        return answer

    def _log_in(self) -> Steps[None]:
        answer = yield Request("POST", f"{self._root}/auth/token", body=self._login)
        if not answer.ok:
            wait = retry_after(answer.headers)
            # Nothing is started by a login: one that met an outage is worth another try.
            raise UnusableError(f"the login: {answer.why}", wait or (_MINUTE if is_unclear(answer) else 0.0))
        token = answer.mapping().get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise UnusableError("the login: the answer holds no access_token")
        self._authorization = f"Bearer {token}"
        self.secrets = (self._login["password"], token)

    def _run(self, order: Order) -> str:
        return f"{self._runs}/{segment(order.run_id)}"

    def _page_of(self, order: Order) -> str:
        if self._old:
            return f"{self._page}/grid?dag_run_id={segment(order.run_id)}"
        return f"{self._page}/runs/{segment(order.run_id)}"


def read_xcom(value: object) -> bytes | None:
    """Return the text of the result file that an XCom holds: an object, or JSON text once or twice over."""
    for _ in range(2):
        if not isinstance(value, str):
            break
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return json.dumps(value).encode() if isinstance(value, dict) else None
