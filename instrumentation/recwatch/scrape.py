"""Answer a scrape: what the endpoints for ASGI, WSGI and Django have in common."""

import gzip
import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from prometheus_client import CollectorRegistry

from recwatch.exposition import render
from recwatch.metrics import DroppedWrites

__all__ = ["Scrape", "answer", "takes_gzip"]

_QUALITY = re.compile(r"q\s*=\s*([01](?:\.\d*)?)")


@dataclass(frozen=True)
class Scrape:
    """The answer to a scrape."""

    status: int
    headers: dict[str, str]
    body: bytes


def answer(
    registry: CollectorRegistry, *, accept: str = "", accept_encoding: str = "", query: str = ""
) -> Scrape:
    """Write the metrics as text or OpenMetrics, compressed where the scraper takes it. Raises nothing.

    What cannot be written at all is answered with a 500, so that it shows in Prometheus's `up`.

    Args:
        registry: what to write.
        accept: the request's header Accept.
        accept_encoding: the request's header Accept-Encoding.
        query: the query string; `name[]=http_requests_total` picks samples.
    """
    try:
        body, content_type = render(registry, accept, parse_qs(query).get("name[]", []))
    except Exception as error:  # noqa: BLE001 - a scrape must never break the service
        DroppedWrites.of(registry).drop("metrics", "scrape", error)
        return _scrape(500, "text/plain; charset=utf-8", f"{error}\n".encode(), {})
    if takes_gzip(accept_encoding):
        return _scrape(200, content_type, gzip.compress(body, compresslevel=1), {"Content-Encoding": "gzip"})
    return _scrape(200, content_type, body, {})


def _scrape(status: int, content_type: str, body: bytes, headers: dict[str, str]) -> Scrape:
    always = {
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "Vary": "Accept, Accept-Encoding",
    }
    return Scrape(status, {**always, **headers}, body)


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a header Accept-Encoding takes gzip: and not at quality 0 (RFC 9110, 12.5.3)."""
    qualities = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameters = part.partition(";")
        found = _QUALITY.search(parameters)
        qualities[coding.strip()] = float(found[1]) if found else 1.0
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0
