"""The page: strict HTML, whole in itself, and text where there is text."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from recwatch.report.building import build
from recwatch.report.document import Report
from recwatch.report.page import page
from recwatch.report.period import period_until
from recwatch.report.series import Answers, Series

END = 1_794_812_400.0
PERIOD = period_until(END, timedelta(days=7))
HOSTILE = "</title><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>\"'&"
_VOID = {"meta", "br", "img", "link", "input", "hr"}
_OWN_END = {"path", "rect"}


class Strict(HTMLParser):
    """Fails on a tag that is not closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"{tag} says something twice"
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _OWN_END
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def read(html: str) -> Strict:
    found = Strict()
    found.feed(html)
    found.close()
    assert found.open == []
    return found


Build = Callable[..., Answers]


def course(labels: dict[str, str], count: int = 168) -> Series:
    times = tuple(PERIOD.start + PERIOD.step * (number + 1) for number in range(count))
    return Series(labels, times, tuple(0.123456 + number % 13 / 7 for number in range(count)))


@pytest.fixture
def crowd(answers: Build) -> Callable[[int], Report]:
    """Builds a report about so many models, each with all that there is to tell."""

    def build_for(count: int, name: str = "model") -> Report:
        models = [{"service": "shop", "model": f"{name}_{number}"} for number in range(count)]
        checks = [
            {"check": f"check_{number}", "type": "ks", "feature": "x", "segment": "all"}
            for number in range(count)
        ]
        alerts = [{"alertname": "Slow", "severity": "critical", **one} for one in models]
        quality = [{"model": one["model"], "metric": "ndcg@10"} for one in models]
        same = {
            **{name: [(one, 1_000.0) for one in models] for name in ("requests", "errors")},
            "latency": [(one | {"le": le}, 1_000.0) for one in models for le in ("0.25", "+Inf")],
            "budget": [(one | {"slo": "latency"}, 0.1) for one in models],
            **{name: [(one, 1.0) for one in checks] for name in ("effect_size", "threshold", "detected")},
            **{name: [(one, 0.2) for one in quality] for name in ("quality", "training_metric")},
            **{name: [(one, 90.0) for one in alerts] for name in ("firing", "fired_minutes", "fired_times")},
        }
        courses = {
            **{
                name: [course(one) for one in models]
                for name in ("p50_course", "p95_course", "p99_course", "rate_course")
            },
            "error_course": [course(one) for one in models],
            "budget_course": [course(one | {"slo": "latency"}) for one in models],
            **{name: [course(one) for one in quality] for name in ("quality_course", "training_course")},
            **{f"drift course of check_{number}": [course({})] for number in range(count)},
            "fired_course": [course(one) for one in alerts],
            "versions": [course({"model": one["model"], "version": "v1"}) for one in models],
        }
        return build(answers(same, same, **courses), PERIOD, source="Prometheus at prometheus.example:9090")

    return build_for


def test_the_page_is_well_formed_and_whole_in_itself(crowd: Callable[[int], Report]) -> None:
    html = page(crowd(3))
    found = read(html)
    assert html.startswith("<!doctype html>")
    names = {tag for tag, _ in found.tags}
    assert names & {"script", "img", "link", "iframe", "object", "form", "base"} == set()
    for tag, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert not {"src", "srcset", "action", "xlink:href"} & set(attributes), tag
        assert str(attributes.get("href", "#")).startswith("#"), attributes
    assert re.findall(r"url\(|@import|https?://", html) == []


def test_links_lead_to_sections(crowd: Callable[[int], Report]) -> None:
    found = read(page(crowd(2)))
    ids = [str(attributes["id"]) for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {str(attributes["href"])[1:] for tag, attributes in found.tags if tag == "a"}
    assert links <= set(ids)
    assert {"slo", "traffic", "errors", "drift", "quality", "training", "alerts", "retraining"} <= links


def test_hostile_names_are_text(crowd: Callable[..., Report]) -> None:
    report = crowd(1, HOSTILE)
    html = page(replace(report, models=(HOSTILE,), source=HOSTILE))
    found = read(html)
    assert {tag for tag, _ in found.tags} & {"script", "img"} == set()
    assert "".join(found.text).count(HOSTILE) >= 10
    labels = [attributes["aria-label"] for tag, attributes in found.tags if tag == "svg"]
    assert any(HOSTILE in (label or "") for label in labels)


def test_twenty_models_stay_small_and_more_have_tables_alone(crowd: Callable[[int], Report]) -> None:
    twenty, hundred = crowd(20), crowd(100)
    assert len(page(twenty).encode()) < 500 * 1024
    slo = next(section for section in hundred.sections if section.name == "slo")
    assert (len(slo.tables[0].rows), len(slo.pictures)) == (100, 10)
    assert slo.remarks == ("Pictures of the 10 objectives of 100 that need most attention.",)
    # What is added is rows of tables.
    assert len(page(hundred).encode()) < 1024 * 1024


def test_an_empty_report_says_why(answers: Build) -> None:
    found = read(page(build(answers({}), PERIOD, source="Prometheus")))
    text = " ".join(found.text)
    assert "Watchdog, an alert that always fires, does not" in text
    assert "Nothing, as of" not in text
    assert text.count("Not measured") == 5


def test_holes_are_told_at_the_top_and_in_their_section(answers: Build) -> None:
    given = Answers(answers({}).now, {}, {"requests": "it said <no>", "p99": "it took too long"})
    report = build(given, PERIOD, source="Prometheus")
    text = " ".join(read(page(report)).text)
    assert "2 of its questions have no answer" in text
    assert "requests: it said <no>" in text
    [traffic] = [section for section in report.sections if section.name == "traffic"]
    assert traffic.remarks == ("Not known, as something is missing.",)


def test_figures_that_need_no_colour(crowd: Callable[[int], Report]) -> None:
    found = read(page(crowd(1)))
    marks = [attributes for tag, attributes in found.tags if tag == "b" and attributes.get("class") == "mark"]
    assert len(marks) >= 3
