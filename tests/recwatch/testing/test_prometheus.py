from typing import Any

import pytest
import requests

from recwatch.testing import PrometheusServer


def ask(server: PrometheusServer, path: str, **asked: str) -> Any:
    return requests.post(f"{server.url}/api/v1/{path}", data=asked, timeout=10).json()["data"]


def test_it_answers_what_is_laid_down() -> None:
    with PrometheusServer() as server:
        server.fire({"alertname": "Broken"}, value=0.5)
        server.values["up"] = 1.0
        server.series["up"] = [({"job": "a"}, [(1.0, 2.0), (9.0, 3.0)])]
        server.rules = [{"name": "Broken"}]
        (alert,) = ask(server, "alerts")["alerts"]
        assert (alert["labels"], alert["state"], float(alert["value"])) == (
            {"alertname": "Broken"},
            "firing",
            0.5,
        )
        assert ask(server, "query", query="up")["result"][0]["value"][1] == "1.0"
        assert ask(server, "query", query="down")["result"] == []
        server.default = float("nan")
        assert ask(server, "query", query="down")["result"][0]["value"][1] == "NaN"
        (series,) = ask(server, "query_range", query="up", start="0", end="5", step="1")["result"]
        assert series == {"metric": {"job": "a"}, "values": [[1.0, "2.0"]]}
        assert ask(server, "rules")["groups"][0]["rules"] == [{"name": "Broken"}]


def test_it_keeps_what_it_is_asked() -> None:
    with PrometheusServer() as server:
        headers = {"Authorization": "Bearer secret"}
        requests.get(f"{server.url}/api/v1/query?query=up", headers=headers, timeout=10)
        (question,) = server.messages
        assert (question.path, question.asked) == ("/api/v1/query", {"query": "up"})
        assert question.authorization == "Bearer secret"


@pytest.mark.parametrize("code", [302, 503])
def test_it_refuses_on_request_and_then_behaves(code: int) -> None:
    with PrometheusServer() as server:
        server.fail_next(code)
        url = f"{server.url}/api/v1/alerts"
        codes = [requests.get(url, timeout=10, allow_redirects=False).status_code for _ in range(2)]
        assert codes == [code, 200]
        assert requests.get(server.url, timeout=10).status_code == 404
