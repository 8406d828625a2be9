"""Push metrics of a job that is over to a Pushgateway, so that Prometheus still finds them.

What is pushed is added to the group: a metric of the same name is replaced, every other stays. So a failed
run that leaves out the time of the last success does not delete it.
"""

from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError, URLError

from prometheus_client import pushadd_to_gateway
from prometheus_client.registry import Collector

from recwatch.metrics import DroppedWrites, without_created
from recwatch.redaction import mask_passwords

__all__ = ["REASONS", "TARGET", "push"]

TARGET = "pushgateway"
REASONS = ("refused", "timeout", "unreachable")


def push(
    gateway: str,
    metrics: Collector,
    *,
    job: str,
    grouping_key: Mapping[str, str],
    dropped: DroppedWrites,
    timeout: float = 5.0,
) -> bool:
    """Push to a Pushgateway; one that does not take it costs a count and a log line, never an exception.

    Args:
        gateway: `host:port` or a URL.
        metrics: a registry or a selection of one.
        job: the label `job`.
        grouping_key: the other labels of the group.
        dropped: where a failure is counted, with one of `REASONS`.
        timeout: seconds.

    Returns:
        Whether it was taken.
    """
    address = mask_passwords(gateway)
    if "://" in gateway and not gateway.lower().startswith(("http://", "https://")):
        dropped.drop(TARGET, "unreachable", f"{address}: write host:port, or a URL with http:// or https://")
        return False
    try:
        pushadd_to_gateway(
            gateway,
            job=job,
            registry=without_created(metrics),
            grouping_key=dict(grouping_key),
            timeout=timeout,
        )
    except (OSError, HTTPException, ValueError) as error:
        dropped.drop(TARGET, _reason(error), f"{address}: {error!r}")
        return False
    return True


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return "refused"
    cause = error.reason if isinstance(error, URLError) else error
    return "timeout" if isinstance(cause, TimeoutError) else "unreachable"
