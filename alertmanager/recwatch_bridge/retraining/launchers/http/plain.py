"""A small service of one's own: three requests, described in docs/bridge.md."""

import json

from recwatch_bridge.retraining.launchers.base import Handle, Order
from recwatch_bridge.retraining.launchers.http.exchange import (
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
    web_address,
)
from recwatch_bridge.text import one_line

_NOT_THERE = 404
_THERE_ALREADY = 409


class PlainApi:
    """POST, GET and DELETE of runs.

    Args:
        url: the service's root.
        token: a bearer token, or None.
    """

    lost = "the service does not know the run"

    def __init__(self, url: str, *, token: str | None) -> None:
        self._runs = f"{url}/runs"
        self._authorization = None if token is None else f"Bearer {token}"
        self.secrets: tuple[str, ...] = () if token is None else (token,)

    def start(self, order: Order) -> Steps[Handle]:
        """POST the run; a 409 says that it is there."""
        body = {"run_id": order.run_id, "model": order.model, "reason": order.reason}
        answer = yield Request("POST", self._runs, body=body, authorization=self._authorization, starts=True)
        if answer.ok or answer.status == _THERE_ALREADY:
            return {"accepted": True}
        if is_unclear(answer):
            raise UnclearError(answer.why)
        raise refusal("the service did not take the run", answer)

    def look(self, order: Order, handle: Handle) -> Steps[Found | None]:
        """GET the run."""
        answer = yield self._about("GET", order)
        if answer.status == _NOT_THERE:
            return None
        told = usable(answer)
        page = web_address(told.get("log_url")) or handle.get("log_url")
        known: Handle = {"accepted": True, **({"log_url": page} if page else {})}
        match told.get("state"):
            case "queued" | "running" as state:
                return Found("at work", known, f"the run: {state}")
            case "succeeded":
                result = told.get("result")
                if not isinstance(result, dict):
                    missing = "the service says succeeded without a result: answer with an object at `result`"
                    return Found("failed", known, "the run: succeeded", error=missing)
                return Found("succeeded", known, "the run: succeeded", result=json.dumps(result).encode())
            case "failed":
                why = told.get("error")
                said = f": {one_line(why, 500)}" if isinstance(why, str) and why else ""
                return Found("failed", known, "the run: failed", error=f"the service says failed{said}")
        raise UnusableError("its `state` is none of queued, running, succeeded and failed")

    def stop(self, order: Order, handle: Handle) -> Steps[str | None]:  # noqa: ARG002 - the run id is enough
        """DELETE the run; one that is not there is stopped."""
        answer = yield self._about("DELETE", order)
        if answer.ok or answer.status == _NOT_THERE:
            return None
        raise UnusableError(answer.why, retry_after(answer.headers))

    def _about(self, method: str, order: Order) -> Request:
        return Request(method, f"{self._runs}/{segment(order.run_id)}", authorization=self._authorization)
