import json
from datetime import UTC, datetime
from pathlib import Path

from recwatch_demo.timeline import Step, Timeline

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_step_is_asked_only_after_those_it_waits_for() -> None:
    answers: dict[str, str | None] = {"first": None, "second": "too early"}
    timeline = Timeline(
        [
            Step("first", "First", lambda: answers["first"]),
            Step("second", "Second", lambda: answers["second"], after=("first",)),
        ],
        now=lambda: NOON,
    )
    assert timeline.look() == []
    assert [step.name for step in timeline.missing] == ["first", "second"]
    answers.update(first="seen", second="seen too")
    assert [(entry.step, entry.evidence) for entry in timeline.look()] == [
        ("first", "seen"),
        ("second", "seen too"),
    ]
    assert timeline.missing == []
    assert timeline.look() == []


def test_it_is_written_as_step_time_and_evidence(tmp_path: Path) -> None:
    timeline = Timeline([Step("only", "Only", lambda: "it was there")], now=lambda: NOON)
    timeline.look()
    timeline.note("round_2", "Round 2", "again")
    timeline.write(tmp_path / "new" / "timeline.json")
    assert json.loads((tmp_path / "new" / "timeline.json").read_text(encoding="utf-8")) == [
        {"step": "only", "at": "2026-01-01T12:00:00.000+00:00", "evidence": "it was there"},
        {"step": "round_2", "at": "2026-01-01T12:00:00.000+00:00", "evidence": "again"},
    ]
