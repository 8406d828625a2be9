"""The overview shows each step of the loop."""

from recwatch_dashboards.overview import UID, build, sections


def test_its_address_is_what_the_alerts_link_to() -> None:
    assert build().build().uid == UID == "recwatch-overview"


def test_each_step_of_the_loop_has_its_panel() -> None:
    titles = {panel.build().title for section in sections() for panel, _ in section.panels}

    assert titles >= {
        "Alerts firing",
        "Least budget left",
        "Error budget left",
        "Drifting checks",
        "Last training",
        "Requests a minute",
        "Error rate",
        "Average latency",
        "Fallback rate",
        "Drift",
        "Alerts",
        "Messages",
        "Retraining runs that ended",
        "Promotions and rollbacks",
        "Versions in service",
        "Last retraining",
        "Trainings",
    }
