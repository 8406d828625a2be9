import gzip

import pytest
from prometheus_client import CollectorRegistry, Counter

from recwatch.scrape import answer


def test_an_answer_has_its_length_and_type(registry: CollectorRegistry) -> None:
    Counter("chosen_total", "Chosen.", registry=registry).inc()
    scrape = answer(registry)
    assert scrape.status == 200
    assert scrape.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert scrape.headers["Content-Length"] == str(len(scrape.body))
    packed = answer(registry, accept_encoding="deflate, gzip")
    assert (packed.headers["Content-Encoding"], gzip.decompress(packed.body)) == ("gzip", scrape.body)


@pytest.mark.parametrize(
    ("header", "packed"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("br;q=1.0, *;q=0.1", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("xgzip", False),
    ],
)
def test_it_is_compressed_where_the_scraper_takes_that(
    registry: CollectorRegistry, header: str, *, packed: bool
) -> None:
    headers = answer(registry, accept_encoding=header).headers
    assert ("Content-Encoding" in headers) is packed
    assert headers["Vary"] == "Accept, Accept-Encoding"


def test_samples_are_picked_by_name(registry: CollectorRegistry) -> None:
    for name in ("chosen_total", "other_total"):
        Counter(name, "Chosen or not.", registry=registry).inc()
    text = answer(registry, query="name[]=chosen_total").body.decode()
    assert "chosen_total 1.0" in text
    assert "other" not in text


def test_openmetrics_where_the_scraper_asks_for_it(registry: CollectorRegistry) -> None:
    scrape = answer(registry, accept="application/openmetrics-text; version=1.0.0")
    assert scrape.headers["Content-Type"].startswith("application/openmetrics-text")
    assert scrape.body.endswith(b"# EOF\n")


def test_what_cannot_be_read_at_all_is_a_500_and_a_counted_drop(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", f"{tmp_path}/missing")
    scrape = answer(registry)
    assert (scrape.status, scrape.headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
    assert b"PROMETHEUS_MULTIPROC_DIR names no folder" in scrape.body
