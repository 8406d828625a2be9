"""The report from a real bridge, whose process was killed when it was due."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from recwatch.testing import PrometheusServer, wait_until

Start = Callable[..., Any]


def test_a_bridge_that_was_killed_sends_it_when_it_is_back_and_once(workplace: Any, start: Start) -> None:
    database = workplace.folder / "data" / "bridge.db"

    def last_report() -> float | None:
        with closing(sqlite3.connect(database)) as connection:
            row = connection.execute("SELECT at FROM facts WHERE name = 'report'").fetchone()
        return None if row is None else float(row[0])

    with PrometheusServer() as prometheus:
        a_minute_ago = datetime.now(UTC) - timedelta(minutes=1)
        workplace.settings["prometheus_url"] = prometheus.url
        workplace.settings["report"] = {"schedule": f"{a_minute_ago:%H:%M}", "period": "1d"}
        bridge = start()
        wait_until(lambda: last_report() is not None)
        assert workplace.mail.messages == []  # a new database waits for its first time
        bridge.kill()
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("UPDATE facts SET at = at - 172800 WHERE name = 'report'")
        bridge = start()
        email = workplace.mail.wait_for(lambda email: email["Subject"].startswith("[REPORT]"), timeout=60)
        bridge.kill()
        start()
        asked = len(prometheus.messages)
    assert email["Subject"] == "[REPORT] 1 day: 1 critical, 1 warning"
    [file] = email.iter_attachments()
    assert f"1 day until {a_minute_ago:%Y-%m-%d %H:%M} UTC" in file.get_content()
    # Killed before it noted that the mail server took it, the bridge sends the same message again.
    assert {found["Message-ID"] for found in workplace.mail.messages} == {email["Message-ID"]}
    assert sum(message.asked.get("query") == "vector(1)" for message in prometheus.messages[:asked]) == 1
