import pytest
from playwright.sync_api import Browser

from recwatch_dashboards.seen import READ, Seen, complaints, is_loading

BOARD = {
    "panels": [
        {"type": "row", "title": "A question"},
        {"type": "timeseries", "title": "Latency"},
        {"type": "state-timeline", "title": "Alerts"},
        {"type": "timeseries", "title": "$check: p-value"},
        {"type": "row", "title": "Closed", "collapsed": True, "panels": [{"type": "table", "title": "Runs"}]},
    ]
}

# As Grafana 11.6 writes it: PanelChrome, PanelStatus, PanelDataErrorView.
PAGE = """
<section data-testid="data-testid Panel header Latency">
  <div data-testid="header-container"><h2>Latency</h2></div>
  <div data-testid="data-testid panel content"><canvas></canvas><div>als</div></div>
</section>
<section data-testid="data-testid Panel header Alerts">
  <div aria-label="Panel loading bar"></div>
  <div data-testid="data-testid panel content">
    <div data-testid="data-testid Panel data error message">No data in response</div></div>
</section>
<section data-testid="data-testid Panel header ks: p-value">
  <button data-testid="data-testid Panel status error" title="bad_data: parse error"></button>
  <div data-testid="data-testid panel content"></div>
</section>
"""


def seen(**changes: Seen) -> list[Seen]:
    panels = {
        "latency": Seen("Latency", "", loading=False, drawn=True, text="als"),
        "alerts": Seen("Alerts", "", loading=False, drawn=False, text="No data in response"),
        "p_value": Seen("ks: p-value", "", loading=False, drawn=False, text="the check has not run yet"),
    }
    return list({**panels, **changes}.values())


def latency(*, error: str = "", loading: bool = False, drawn: bool = False, text: str = "") -> Seen:
    return Seen("Latency", error, loading=loading, drawn=drawn, text=text)


def test_a_page_that_shows_or_explains_everything_is_fine() -> None:
    assert complaints(seen(), BOARD) == []
    assert not is_loading(seen(), BOARD)


@pytest.mark.parametrize(
    ("panel", "said"),
    [
        (latency(error="bad_data: x", text="No data"), "Latency: bad_data: x"),
        (latency(loading=True), "Latency: still loads"),
        (latency(text="No data"), "Latency: is empty and does not say why"),
        (latency(), "Latency: is blank"),
    ],
)
def test_it_says_what_is_wrong_with_a_panel(panel: Seen, said: str) -> None:
    assert complaints(seen(latency=panel), BOARD) == [said]


def test_panels_that_are_missing_or_of_another_dashboard_are_told() -> None:
    other = Seen("Mine", "", loading=False, drawn=True, text="")

    assert complaints([*seen()[1:], other], BOARD) == [
        "Latency: is not there",
        "Mine: is not of this dashboard",
    ]
    assert is_loading(seen()[1:], BOARD)
    assert is_loading(seen(latency=latency(loading=True)), BOARD)
    assert is_loading(seen(latency=latency()), BOARD)
    assert not is_loading(seen(latency=latency(error="x")), BOARD)


def test_a_repeated_panel_is_told_by_its_own_title() -> None:
    twice = [
        *seen(),
        Seen("psi: p-value", "timeout", loading=False, drawn=False, text=""),
    ]

    assert complaints(twice, BOARD) == ["psi: p-value: timeout"]


@pytest.mark.all
def test_a_browser_reads_what_grafana_writes(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content(PAGE)
    read = [Seen(**panel) for panel in page.evaluate(READ)]
    page.close()

    assert read == [
        Seen("Latency", "", loading=False, drawn=True, text="als"),
        Seen("Alerts", "", loading=True, drawn=False, text="No data in response"),
        Seen("ks: p-value", "bad_data: parse error", loading=False, drawn=False, text=""),
    ]
