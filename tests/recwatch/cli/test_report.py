"""`recwatch report`, against a Prometheus that answers what a test says."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recwatch.report.questions import QUESTIONS
from recwatch.testing import PrometheusServer, free_port
from recwatch.testing.prometheus import Question

Command = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer() as started:
        yield started


def test_a_report_is_written(recwatch: Command, server: PrometheusServer, home: Path) -> None:
    answer = recwatch("report", "--prometheus-url", server.url)
    assert (answer.code, answer.out, answer.err) == (0, "report.html: 7 days: 1 critical, 1 warning\n", "")
    html = (home / "report.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert f"127.0.0.1:{server.port}" in html
    assert [path.name for path in home.iterdir()] == ["report.html"]


def test_the_address_comes_from_the_environment_too(recwatch: Command, server: PrometheusServer) -> None:
    answer = recwatch("report", "--period", "1d", "-o", "day.html", RECWATCH_PROMETHEUS_URL=server.url)
    assert (answer.code, answer.out) == (0, "day.html: 1 day: 1 critical, 1 warning\n")
    assert len(server.messages) > len(QUESTIONS)


def test_the_token_is_read_from_its_file(recwatch: Command, server: PrometheusServer, home: Path) -> None:
    (home / "token").write_text("secret\n", encoding="ascii")
    argv = ("report", "--prometheus-url", server.url, "--format", "text", "--prometheus-token-file", "token")
    assert recwatch(*argv).code == 0
    assert {question.authorization for question in server.messages} == {"Bearer secret"}


def test_text_goes_to_standard_output(recwatch: Command, server: PrometheusServer, home: Path) -> None:
    for question in QUESTIONS:
        if question.name in ("watchdog", "budget"):
            server.values[question.template] = 1.0
    answer = recwatch(
        "report", "--prometheus-url", server.url, "--format", "text", "--end", "2026-11-16T07:00"
    )
    assert answer.out.splitlines()[:3] == [
        "recwatch, 7 days until 2026-11-16 07:00 UTC",
        "",
        "Nothing needs attention.",
    ]
    assert not list(home.iterdir())


def test_an_end_that_is_yet_to_come_is_refused(recwatch: Command, server: PrometheusServer) -> None:
    answer = recwatch("report", "--prometheus-url", server.url, "--end", "2101-01-01T12:00")
    message = "--end: 2101-01-01 12:00 UTC is in the future: choose a time that is over"
    assert (answer.code, answer.err) == (1, f"recwatch: {message}\n")
    assert server.messages == []


def test_json_is_the_whole_report(recwatch: Command, server: PrometheusServer) -> None:
    answer = recwatch("--json", "report", "--prometheus-url", server.url, "--end", "2026-11-16T08:00+01:00")
    report = json.loads(answer.out)
    assert report["end"] == datetime(2026, 11, 16, 7, tzinfo=UTC).timestamp()
    assert [section["name"] for section in report["sections"]][:2] == ["slo", "traffic"]
    assert (report["gaps"], answer.code) == (0, 0)


def test_html_on_standard_output(recwatch: Command, server: PrometheusServer) -> None:
    answer = recwatch("report", "--prometheus-url", server.url, "-o", "-")
    assert answer.out.startswith("<!doctype html>")
    assert answer.out.endswith("</html>")


class Forgetful(PrometheusServer):
    """Answers no question but the first and those after the third."""

    def _accept(self, message: Question) -> None:
        super()._accept(message)
        if len(self.messages) == 2:
            self.fail_next(500, 2)


def test_a_report_with_holes_says_so(recwatch: Command, home: Path) -> None:
    with Forgetful() as server:
        answer = recwatch("report", "--prometheus-url", server.url)
    assert answer.code == 3
    assert answer.out.startswith("report.html: 7 days: 1 critical, 1 warning; incomplete: 2 questions")
    assert answer.err == "recwatch: the report has holes: 2 questions have no answer (it says which)\n"
    assert "This report has holes" in (home / "report.html").read_text(encoding="utf-8")


def test_no_prometheus_is_one_line(recwatch: Command, home: Path) -> None:
    answer = recwatch("report", "--prometheus-url", f"http://127.0.0.1:{free_port()}")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("recwatch: no answer from Prometheus at 127.0.0.1:")
    assert answer.err.count("\n") == 1
    assert not list(home.iterdir())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["--prometheus-url", "host:9090"],
            "the address of Prometheus cannot be used: write it as http://127.0.0.1:9090",
        ),
        (
            ["--period", "5m"],
            "a report is about 1h at least and 92d at most: choose another period, such as 7d",
        ),
        (
            ["--prometheus-token-file", "gone"],
            "--prometheus-token-file: gone: No such file or directory: name a file that holds the token",
        ),
    ],
)
def test_what_makes_no_report(recwatch: Command, argv: list[str], message: str) -> None:
    answer = recwatch("report", *argv)
    assert (answer.code, answer.err) == (1, f"recwatch: {message}\n")


def test_a_file_that_cannot_be_written_is_told(
    recwatch: Command, server: PrometheusServer, home: Path
) -> None:
    (home / "folder").mkdir()
    answer = recwatch("report", "--prometheus-url", server.url, "-o", "folder")
    assert answer.err == "recwatch: folder is a folder: name a file with -o, such as folder/report.html\n"
    answer = recwatch("report", "--prometheus-url", server.url, "-o", "gone/report.html")
    assert answer.err.startswith("recwatch: gone/report.html cannot be written: No such file or directory")


def test_a_misspelt_model_is_no_calm_report(recwatch: Command, server: PrometheusServer, home: Path) -> None:
    answer = recwatch("report", "--prometheus-url", server.url, "--model", "nope")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "recwatch: Prometheus has no series of model 'nope' in this time: it has none of any model\n"
    )
    assert not list(home.iterdir())


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01", "07:00"])
def test_times_that_are_none(recwatch: Command, time: str) -> None:
    answer = recwatch("report", "--end", time)
    assert answer.code == 2
    assert "is not a time: write it as 2026-11-21T07:00" in answer.err


def test_without_jinja2_it_says_what_to_install(
    recwatch: Command, monkeypatch: pytest.MonkeyPatch, server: PrometheusServer
) -> None:
    monkeypatch.delitem(sys.modules, "recwatch.report.page", raising=False)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    answer = recwatch("report", "--prometheus-url", server.url)
    assert answer.code == 1
    assert "pip install 'recwatch[report]'" in answer.err
    assert server.messages == []
    assert recwatch("report", "--prometheus-url", server.url, "--format", "text").code == 0
