"""Panels that answer: is the data drifting?"""

from grafana_foundation_sdk.builders import statetimeline, timeseries

from recwatch_dashboards.panels import LOOK, WELL, Query, drawn_as_threshold, lines, states


def drift_states() -> statetimeline.Panel:
    """Show what each check found over time."""
    return states(
        "Drift",
        "What each check found, for each model that it speaks for.",
        Query(
            'service_check_model:drift_detected:max{model=~"$model", check=~"$check"}', "{{check}} {{model}}"
        ),
        [("no drift", WELL), ("drift", LOOK)],
        empty="no check has run",
    )


def drift_effect() -> timeseries.Panel:
    """Show a check's effect size and its threshold; one panel a check, because their scales differ."""
    panel = lines(
        "Effect against threshold: $check",
        "What the check finds, beyond chance where that can be told, and its threshold in drift.yml."
        " A correlation or a cosine is bad when low, the others when high. Drift is told only where the"
        " difference is significant too and both windows hold enough rows.",
        "none",
        [
            Query('drift_effect_size{check=~"$check"}', "{{feature}} {{segment}}"),
            Query('max by (check) (drift_threshold{check=~"$check"})', "threshold"),
        ],
        empty="the check has not run yet",
    )
    return drawn_as_threshold(panel, "threshold").repeat("check").repeat_direction("h").max_per_row(4)
