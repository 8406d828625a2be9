"""Post webhooks as Alertmanager does, each alert new: `python -m benchmarks.bridge_load HOST PORT TOKEN ...`.

A process of its own, so that it does not share the bridge's interpreter. Each connection is kept and sends
its next webhook when the last one was answered. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import math
import sys
from dataclasses import asdict, dataclass
from time import perf_counter

_ALERT = """
{"status": "firing", "fingerprint": "%(id)s",
"labels": {"alertname": "RecommenderErrors", "severity": "critical", "model": "%(model)s",
"n": "%(id)s", "action": "retrain",
"service": "recommender", "instance": "10.0.0.7:8000", "route": "/users/{id}/recommendations"},
"annotations": {"summary": "als fails 7.5 %% of its requests", "value": "0.075", "threshold": "0.05",
"description": "Of the requests of the last 5 minutes 7.5 %% failed, 5 %% are the limit.",
"runbook_url": "https://example.com/runbooks/RecommenderErrors",
"recommendation": "See the log of the service."},
"startsAt": "2026-11-21T03:15:00.123Z", "endsAt": "0001-01-01T00:00:00Z",
"generatorURL": "http://prometheus.example:9090/graph?g0.expr=job%%3Arecommender_errors%%3Aratio_rate5m"}
""".replace("\n", " ")
_GROUP = """
{"version": "4", "groupKey": "{}:{alertname=\\"RecommenderErrors\\"}", "truncatedAlerts": 0,
"receiver": "team", "status": "firing", "alerts": [%s], "groupLabels": {"alertname": "RecommenderErrors"},
"commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager.example:9093"}
""".replace("\n", " ")


@dataclass(frozen=True)
class Load:
    """What the load met; times in seconds."""

    accepted: int
    refused: int
    left: int
    """Webhooks for which there was no time."""
    seconds: float
    median: float
    p99: float
    longest: float


def webhook(ids: list[str], model: str = "") -> bytes:
    """A webhook's body with an alert for each id."""
    return (_GROUP % ",".join(_ALERT % {"id": name, "model": model} for name in ids)).encode()


class _Client:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._left = iter(range(arguments.webhooks))
        self._end = perf_counter() + arguments.within
        self.latencies: list[float] = []
        self.refused = 0

    async def run(self) -> None:
        await asyncio.gather(*(self._post_all() for _ in range(self._arguments.connections)))

    async def _post_all(self) -> None:
        chosen = self._arguments
        reader, writer = await asyncio.open_connection(chosen.host, chosen.port)
        while perf_counter() < self._end and (number := next(self._left, None)) is not None:
            body = webhook([f"{chosen.prefix}{number:010x}{alert:x}" for alert in range(chosen.group)])
            sink = ("email", "slack")[number % 2]
            head = (
                f"POST /notify/{sink} HTTP/1.1\r\nHost: bridge\r\nAuthorization: Bearer {chosen.token}\r\n"
                f"User-Agent: Alertmanager/0.28.0\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            begun = perf_counter()
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            self.latencies.append(perf_counter() - begun)
            self.refused += not answer.startswith(b"HTTP/1.1 200")
        writer.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bridge_load")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("token")
    parser.add_argument("--webhooks", type=int, required=True)
    parser.add_argument("--group", type=int, required=True, help="alerts a webhook")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--within", type=float, default=math.inf, help="seconds; then no more are sent")
    parser.add_argument("--prefix", default="", help="makes the alerts other ones than those of another load")
    chosen = parser.parse_args()
    client = _Client(chosen)
    begun = perf_counter()
    asyncio.run(client.run())
    seconds = perf_counter() - begun
    met = sorted(client.latencies)
    load = Load(
        accepted=len(met) - client.refused,
        refused=client.refused,
        left=chosen.webhooks - len(met),
        seconds=seconds,
        median=met[len(met) // 2] if met else 0.0,
        p99=met[int(len(met) * 0.99)] if met else 0.0,
        longest=met[-1] if met else 0.0,
    )
    json.dump(asdict(load), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
