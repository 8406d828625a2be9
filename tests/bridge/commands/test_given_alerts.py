import io
from pathlib import Path

import pytest

from recwatch_bridge.commands.given_alerts import read_alerts
from recwatch_bridge.errors import PayloadError

NOW = 1_800_000_000.0


def read(tmp_path: Path, text: str) -> list[tuple[str, str, float, str]]:
    path = tmp_path / "alert.json"
    path.write_text(text, encoding="utf-8")
    return [
        (alert.name, alert.status, alert.starts_at.timestamp(), alert.fingerprint)
        for alert in read_alerts(str(path), NOW).alerts
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"labels": {"alertname": "A"}}',
        '[{"labels": {"alertname": "A"}}]',
        '{"alerts": [{"labels": {"alertname": "A"}}]}',
    ],
)
def test_what_is_left_out_is_filled_in(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == [("A", "firing", NOW, "preview0")]


def test_what_is_given_stays(tmp_path: Path) -> None:
    text = '[{"labels": {}, "status": "resolved", "startsAt": "2026-11-21T03:15:00Z", "fingerprint": "f1"}]'
    assert read(tmp_path, text) == [("Alert", "resolved", 1_795_230_900.0, "f1")]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"labels": {"alertname": "A"}}'))
    assert read_alerts("-", NOW).alerts[0].name == "A"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("3", "body: Input should be an object"),
        ("[]", 'holds no alert: add one, such as {"labels": {"alertname": "A"}}'),
        ("[3]", "alerts.0: "),
        ('[{"labels": 3}]', "alerts.0.labels: "),
        ('{"alerts": 3}', "alerts: "),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(PayloadError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/alert.json: ")
    assert told in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PayloadError, match=r"none.json: cannot be read \(No such file or directory\)"):
        read_alerts(str(tmp_path / "none.json"), NOW)
    (tmp_path / "b.json").write_bytes(b"\xff")
    with pytest.raises(PayloadError, match=r"b.json: cannot be read \(not UTF-8\)"):
        read_alerts(str(tmp_path / "b.json"), NOW)
