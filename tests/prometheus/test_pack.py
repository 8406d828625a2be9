from pathlib import Path

import pytest

from recwatch_rules.errors import RulesError
from recwatch_rules.pack import Threshold, alerts, read_groups, read_thresholds

STACK = "groups: [{name: stack, rules: [{alert: B, for: 1m}, {record: 'a:b:c'}, {alert: A, for: 1m}]}]"
SERVICE = "groups: [{name: service, rules: [{alert: S, for: 1m}, {alert: S, for: 2m}]}]"


def test_alerts_come_by_component_and_then_as_written(tmp_path: Path) -> None:
    (tmp_path / "stack.yml").write_text(STACK)
    (tmp_path / "service.yml").write_text(SERVICE)
    (tmp_path / "mine.yml").write_text("groups: [{name: mine, rules: [{alert: M}]}]")

    found = alerts(read_groups(tmp_path))

    assert [(alert.name, alert.component) for alert in found] == [
        ("S", "service"),
        ("B", "stack"),
        ("A", "stack"),
        ("M", "mine"),
    ]
    assert found[0].values("for") == ["1m", "2m"]
    assert found[3].values("labels", "action") == [""]


def test_thresholds_have_a_value_and_a_unit(tmp_path: Path) -> None:
    file = tmp_path / "recording.thresholds.yml"
    row = "  - {record: alert:threshold:default, labels: {alert: Slow}, expr: vector(0.2)}"
    file.write_text(f"{row} # seconds: not long\n  - {{record: a, expr: vector(1)}}\n")

    assert read_thresholds(file) == {"Slow": Threshold("0.2", "seconds: not long")}

    of_models = row.replace("Slow}", "Slow, by: model, unit: share}")
    file.write_text(f"{of_models} # ratio\n")
    assert read_thresholds(file) == {"Slow": Threshold("0.2", "ratio", by_model=True)}

    file.write_text(f"{row}\n")
    with pytest.raises(RulesError, match="Slow has no unit: write it as a comment"):
        read_thresholds(file)


def test_every_threshold_of_the_pack_is_found(folder: Path) -> None:
    file = folder / "rules" / "recording.thresholds.yml"

    assert len(read_thresholds(file)) == file.read_text(encoding="utf-8").count("alert:threshold:default, ")


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "no file of rules"), ("a: 1", "`groups` is missing"), ("groups: [", "while parsing")],
)
def test_what_is_no_pack_is_refused(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "x.yml").write_text(text)

    with pytest.raises(RulesError, match=message):
        read_groups(tmp_path)
