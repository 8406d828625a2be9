import re
from typing import Any

from recwatch_dashboards.looks import ACT, BLUE, ORANGE, WELL, Line
from recwatch_dashboards.panels import bars, lines, states
from recwatch_dashboards.queries import Query


def overrides(panel: Any) -> dict[str, dict[str, Any]]:
    return {
        override.matcher.options: {part.id_val: part.value for part in override.properties}
        for override in panel.field_config.overrides or []
    }


def test_what_stands_beside_the_first_query_is_left_out_without_it() -> None:
    queries = [Query("x > 1", "x"), Query("vector(1)", "whole", Line.THRESHOLD, beside=True), Query("y", "y")]

    panel: Any = lines("t", "d.", "s", queries, empty="none").build()

    assert [target.expr for target in panel.targets] == ["x > 1", "vector(1) and on () (x > 1)", "y"]


def test_what_ended_well_and_what_did_not_have_the_same_two_colours_everywhere() -> None:
    panel: Any = bars("t", "d.", [Query("a", "a")], empty="none").build()

    colours = {
        end: next(
            part["color"]["fixedColor"]
            for pattern, part in overrides(panel).items()
            if re.search(pattern.strip("/"), f"als {end}")
        )
        for end in ("completed", "failed", "success", "error")
    }
    assert colours == {"completed": BLUE, "success": BLUE, "failed": ORANGE, "error": ORANGE}


def test_states_are_named_and_say_in_the_description_why_there_may_be_none() -> None:
    panel: Any = states(
        "t", "d.", Query("a", "a"), [("well", WELL), ("bad", ACT)], empty="nobody asked"
    ).build()

    (mapping,) = panel.field_config.defaults.mappings
    assert {value: (state.text, state.color) for value, state in mapping.options.items()} == {
        "0": ("well", WELL),
        "1": ("bad", ACT),
    }
    assert panel.description == "d. Empty: nobody asked."
