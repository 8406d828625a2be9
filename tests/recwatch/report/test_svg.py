from xml.etree import ElementTree as ET

import pytest

from recwatch.report.document import Chart, Lane, Limit, Line, Stretch, Timeline
from recwatch.report.svg import draw

NAN = float("nan")


def chart(*values: float, limits: tuple[Limit, ...] = (), name: str = "p99", title: str = "als") -> Chart:
    line = Line(name, tuple(600.0 * number for number in range(len(values))), values)
    return Chart(title, (line,), "seconds", 0.0, 6_000.0, 600.0, limits)


def parsed(picture: Chart | Timeline) -> ET.Element:
    return ET.fromstring(draw(picture))  # noqa: S314 - our own


def lines(picture: Chart) -> list[str]:
    return [
        path.get("d", "") for path in parsed(picture).iter("path") if path.get("class", "").startswith("l0")
    ]


def test_a_line_goes_through_its_points() -> None:
    # 306 pixels for 6,000 seconds, 136 for 0 to 2 seconds.
    assert lines(chart(0.0, 1.0, 2.0)) == ["M46.0 146.0h0L76.6 78.0L107.2 10.0"]


def test_long_marks_of_the_value_axis_have_room() -> None:
    line = Line("budget left", (0.0, 6_000.0), (-300.0, 1.0))
    picture = parsed(Chart("als", (line,), "ratio", 0.0, 6_000.0, 600.0))
    marks = [text for text in picture.iter("text") if text.get("text-anchor") == "end"]
    assert marks[0].text == "-30,000 %"
    assert min(float(mark.get("x", "")) - 5.6 * len(mark.text or "") for mark in marks) > 0


def test_a_gap_is_no_line() -> None:
    assert lines(chart(1.0, NAN, 2.0)) == ["M46.0 78.0h0M107.2 10.0h0"]
    early, late = Line("p99", (0.0, 3_000.0), (1.0, 2.0)), chart(1.0)
    assert lines(Chart(late.title, (early,), "seconds", 0.0, 6_000.0, 600.0)) == ["M46.0 78.0h0M199.0 10.0h0"]


def test_it_is_told_in_words_as_well() -> None:
    label = parsed(chart(0.25, 0.5, limits=(Limit("limit of p99", 0.4),))).get("aria-label")
    assert label == "als. p99: from 250 ms to 500 ms, last 500 ms. limit of p99: 400 ms."


def test_a_limit_is_drawn_where_it_is_within_sight() -> None:
    def dashed(limit: float) -> int:
        picture = parsed(chart(0.25, 0.5, limits=(Limit("limit", limit),)))
        return len([path for path in picture.iter("path") if path.get("class") == "limit"])

    assert (dashed(0.4), dashed(1.9), dashed(40.0), dashed(float("inf"))) == (1, 1, 0, 0)


@pytest.mark.parametrize("values", [(NAN,), (float("inf"), 1.0), (0.0,), (-1.0, -2.0), (1e300, 1e-300)])
def test_odd_values_give_a_picture(values: tuple[float, ...]) -> None:
    assert parsed(chart(*values)).tag == "svg"
    assert "nan" not in draw(chart(*values)).lower().replace("nano", "")


def test_hostile_names_are_text() -> None:
    hostile = '<script>alert("x")</script>&\'"'
    picture = parsed(chart(1.0, 2.0, name=hostile, title=hostile, limits=(Limit(hostile, 1.5),)))
    assert hostile in (picture.get("aria-label") or "")
    assert not list(picture.iter("script"))
    lane = Lane(hostile, (Stretch(0.0, 50.0, hostile),))
    timeline = parsed(Timeline(hostile, (lane,), 0.0, 100.0))
    assert not list(timeline.iter("script"))
    assert any(hostile in (text.text or "") for text in timeline.iter("text"))


def test_stretches_lie_where_they_were() -> None:
    stretches = (
        Stretch(0.0, 50.0, "v1"),
        Stretch(50.0, 500.0, "v2_a_long_name_of_a_version_of_a_model", "critical"),
    )
    picture = parsed(Timeline("Versions", (Lane("als", stretches),), 0.0, 100.0))
    bars = [(bar.get("x"), bar.get("width"), bar.get("class")) for bar in picture.iter("rect")]
    assert bars == [("2.0", "175.0", "plain"), ("177.0", "175.0", "critical")]
    assert [text.text for text in picture.iter("text") if text.get("class") == "inside"] == [
        "v1",
        "…_name_of_a_version_of_a_model",
    ]


def test_pictures_are_small() -> None:
    many = Line(
        "p99",
        tuple(600.0 * number for number in range(300)),
        tuple(0.1 + number % 7 for number in range(300)),
    )
    assert len(draw(Chart("als", (many,) * 3, "seconds", 0.0, 180_000.0, 600.0))) < 16_000
