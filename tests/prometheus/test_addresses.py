from typing import Any

from recwatch_rules.addresses import GRAFANA, RUNBOOKS, Addresses


def groups(dashboard: str, runbook: str) -> list[dict[str, Any]]:
    return [
        {
            "name": "a",
            "rules": [
                {"record": "a:b:c", "expr": "1"},
                {"alert": "A", "annotations": {"dashboard_url": dashboard, "runbook_url": runbook}},
            ],
        }
    ]


def test_addresses_are_put_in_place_of_the_packs() -> None:
    given = groups(f"{GRAFANA}/d/x?var-model={{{{ $labels.model }}}}", f"{RUNBOOKS}/A.md")

    found = Addresses("https://grafana.example/", "https://wiki.example/runbooks").put(given)

    assert found == groups(
        "https://grafana.example/d/x?var-model={{ $labels.model }}", "https://wiki.example/runbooks/A.md"
    )
    assert given == groups(f"{GRAFANA}/d/x?var-model={{{{ $labels.model }}}}", f"{RUNBOOKS}/A.md")


def test_an_address_of_somebody_else_stays() -> None:
    theirs = groups("http://localhost:30001/d/x", "https://theirs.example/A.md")

    assert Addresses("https://grafana.example", "https://wiki.example").put(theirs) == theirs


def test_every_alert_of_the_pack_begins_with_these_addresses(alerts: list[dict[str, Any]]) -> None:
    for alert in alerts:
        assert alert["annotations"]["dashboard_url"].startswith(f"{GRAFANA}/d/"), alert["alert"]
        assert alert["annotations"]["runbook_url"].startswith(f"{RUNBOOKS}/"), alert["alert"]
