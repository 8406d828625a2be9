"""The overview shows each step of the loop."""

from recwatch_dashboards.overview import UID, overview, sections


def test_its_address_is_what_the_alerts_link_to() -> None:
    assert overview().build().uid == UID == "recwatch-overview"


def test_each_step_of_the_loop_has_its_panel() -> None:
    titles = {panel.build().title for section in sections() for panel, _ in section.panels}

    assert titles >= {
        "Requests",
        "Error rate",
        "Latency",
        "Fallback rate",
        "Drift",
        "Effect against threshold: $check",
        "Alerts",
        "Messages",
        "Retraining runs that ended",
        "Promotions and rollbacks",
        "Versions in service",
        "Training runs",
        "Training duration",
    }
