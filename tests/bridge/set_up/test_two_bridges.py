"""Two bridges on a real PostgreSQL: an alert that both get is told once, and trained for once."""

from typing import Any

import pytest

from recwatch.testing import wait_until


@pytest.mark.all
def test_told_once_and_trained_once(
    *, workplace: Any, set_up: Any, start: Any, postgresql_url: str, alert: Any, group: Any
) -> None:
    secrets = {"postgresql_password": "not-asked-for-here", "reload_token": "a"}
    set_up("A trainer: a command", "PostgreSQL and two bridges", secrets=secrets)
    settings = workplace.settings
    assert settings["store"].startswith("postgresql+psycopg://")
    settings.update(store=postgresql_url, runs_dir="runs")
    del settings["models"]["als"]["reload_url"], settings["models"]["als"]["reload_token_file"]
    bridges = [start(), start()]
    for bridge in bridges:
        assert bridge.post("/notify/email", group(alert())).status_code == 200
        assert bridge.post("/actions/retrain", group(alert())).status_code == 200
    for bridge in bridges:
        wait_until(bridge.run_in("promoted"), timeout=90)
    workplace.mail.wait_for(lambda message: "Model promoted: als" in message["Subject"], timeout=90)
    subjects = [message["Subject"] for message in workplace.mail.messages]
    assert subjects.count("[WARNING] DriftDetected: rating_scale has drifted") == 1
    assert len(workplace.starts()) == 1
    bridges[0].kill()
    later = group(alert(fingerprint="f2", annotations={"summary": "said to the other"}))
    assert bridges[1].post("/notify/email", later).status_code == 200
    workplace.mail.wait_for(lambda message: "said to the other" in message["Subject"], timeout=90)
