"""Drift: what each check found, how far it is from its threshold, and whether the checks run."""

from grafana_foundation_sdk.builders import dashboard, statetimeline, table, timeseries

from recwatch_dashboards.board import board
from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.looks import ACT, BLUE, LOOK, ORANGE, PINK, WELL, Line
from recwatch_dashboards.panels import bars, lines, states
from recwatch_dashboards.queries import Query, counted, overall_threshold
from recwatch_dashboards.tables import Column, listing
from recwatch_dashboards.variables import checks, models

UID = "recwatch-drift"
FOUND = [("no drift", WELL), ("drift", LOOK)]
_CHOSEN = '{check=~"$check"}'
_NEVER = "no check has run"
_LABELS = "service, check, type, feature, segment"


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    text = "What has each drift check found, how far is it from its threshold, and do the checks run?"
    variables = [models("drift_check_model_info"), checks()]
    return place(
        board(UID, "recwatch drift", text, variables), [_found(), _running(), _fresh(), _each_check()]
    )


def drift_states() -> statetimeline.Panel:
    """Show what each check found over time."""
    return states(
        "Drift",
        "What each check found, for each model that it speaks for. By the type of the check DriftDetected,"
        " PopularityShift, MultivariateDrift, SemanticDrift, FactorDrift, OutputShift, RowCountAnomaly or"
        " DataBroken tells of it.",
        Query(
            "max by (check, model) ("
            'service_check_model:drift_detected:max_every4m{model=~"$model", check=~"$check"})',
            "{{check}} {{model}}",
        ),
        FOUND,
        empty=_NEVER,
    )


def against_threshold(title: str, text: str, chosen: str, *, empty: str) -> timeseries.Panel:
    """Show what is held against the threshold, and the threshold.

    Args:
        title: of the panel.
        text: of the panel.
        chosen: matchers besides that of the check, each with a comma after it.
        empty: why there may be no series.
    """
    return lines(
        title,
        text,
        "none",
        [
            Query(
                "max by (check, feature, segment) ("
                f'service_check_feature_segment:drift_effect_size:max_every4m{{{chosen}check=~"$check"}})',
                "{{check}} {{feature}} {{segment}}",
            ),
            Query(
                f'max by (check) (service_check:drift_threshold:max_every4m{{{chosen}check=~"$check"}})',
                "threshold of {{check}}",
                Line.THRESHOLD,
            ),
        ],
        empty=empty,
        lowest=None,
    )


def freshness() -> timeseries.Panel:
    """Show how old data, models and files of vectors are."""
    return lines(
        "Age",
        "What the checks of the type freshness found: of the newest record, the model in service, its"
        " training data or a file, such as that of the embeddings. Above its line each is too old, and"
        " SourceStale, ModelOld, TrainingDataOld or EmbeddingsOld fires.",
        "s",
        [
            Query(
                f"max by (check, feature) (service_check_feature:drift_age_seconds:max_every4m{_CHOSEN})",
                "{{check}} ({{feature}})",
            ),
            Query(
                f"max by (check) (service_check:drift_age_threshold_seconds:max_every4m{_CHOSEN})",
                "threshold of {{check}}",
                Line.THRESHOLD,
            ),
        ],
        empty="no check of the type freshness has run",
    )


def _found() -> Section:
    return Section("What did the checks find?", [(drift_states(), 24), (_table(), 24)], height=10)


def _table() -> table.Panel:
    def of_check(metric: str) -> str:
        return (
            f"max by ({_LABELS}) (drift_detected{_CHOSEN}) * 0"
            f" + on (service, check) group_left () max by (service, check) ({metric})"
        )

    def own(metric: str) -> str:
        return f"max by ({_LABELS}) ({metric}{_CHOSEN})"

    return listing(
        "All checks",
        "What each check found at its last success. Drift is told only where the effect reaches the"
        " threshold, the"
        " test is significant (p at or below alpha) and both windows hold enough rows.",
        [
            Column("Check", "check"),
            Column("Type", "type"),
            Column("Feature", "feature"),
            Column("Segment", "segment"),
            Column("Found", expr=own("drift_detected"), states=FOUND),
            Column("Statistic", expr=own("drift_statistic"), unit="none"),
            Column("Effect", expr=own("drift_effect_size"), unit="none"),
            Column("Threshold", expr=own("drift_threshold"), unit="none"),
            Column("p", expr=own("drift_p_value"), unit="none"),
            Column("Alpha", expr=of_check(f"drift_alpha{_CHOSEN}"), unit="none"),
            Column("Reference rows", expr=of_check('drift_rows{window="reference", check=~"$check"}')),
            Column("Current rows", expr=of_check('drift_rows{window="current", check=~"$check"}')),
            Column("Rows needed", expr=of_check(f"drift_min_rows{_CHOSEN}")),
            Column(
                "Last success",
                expr=of_check(f"1000 * (drift_check_last_success_timestamp_seconds{_CHOSEN} > 0)"),
                unit="dateTimeFromNow",
            ),
        ],
        empty=_NEVER,
    )


def _running() -> Section:
    success = states(
        "Runs",
        "Whether the last run of each check succeeded. DriftCheckFailing tells of those that do not,"
        " DriftExporterDown where none runs any more.",
        Query(f"min by (check) (service_check:drift_check_success:min_every4m{_CHOSEN})", "{{check}}"),
        [("failed", ACT), ("succeeded", WELL)],
        empty=_NEVER,
    )
    silence = lines(
        "Since the last success",
        "In intervals of the check's own schedule: 1 is on time. DriftCheckSilent fires above the line.",
        "none",
        [
            Query(
                f"max by (check) (service_check:drift_check_silence:intervals_every4m{_CHOSEN})",
                "{{check}}",
            ),
            overall_threshold("DriftCheckSilent"),
        ],
        empty="no check has succeeded yet",
    )
    duration = lines(
        "Duration of a run",
        "How long each check's last run took.",
        "s",
        [
            Query(
                f"max by (check) (service_check:drift_check_duration_seconds:max_every4m{_CHOSEN})",
                "{{check}}",
            )
        ],
        empty=_NEVER,
    )
    failures = bars(
        "Failed runs",
        "Failed runs in 5 minutes, by reason. Of the exporter itself DriftExporterStorageFailing and"
        " DriftExporterConfigNotLoaded tell; Stack health shows it.",
        [counted(f"service_check_reason:drift_check_failures:increase5m{_CHOSEN}", "{{check}} {{reason}}")],
        empty="no run failed in this time",
    )
    return Section("Do the checks run?", [(success, 12), (silence, 12), (duration, 12), (failures, 12)])


def _fresh() -> Section:
    sources = lines(
        "Age of the newest record",
        "Of each window's source when its check last looked, by the time the record was observed."
        " SourceStale fires above the line.",
        "s",
        [
            *(
                Query(
                    "max by (check) (service_check_window:drift_source_age_seconds:max_every4m"
                    f'{{window="{window}", check=~"$check"}})',
                    f"{{{{check}}}} {window}",
                    line,
                )
                for window, line in (("current", Line.SOLID), ("reference", Line.DASHED))
            ),
            overall_threshold("SourceStale"),
        ],
        empty="no check says when its records were observed (observed_at)",
    )
    return Section("Is the data fresh?", [(sources, 12), (freshness(), 12)])


def _each_check() -> Section:
    effect = against_threshold(
        "$check: effect against threshold",
        "What is held against the threshold of drift.yml. A correlation or a cosine is bad when low, the"
        " others when"
        " high; docs/checks says which. Drift is told only where the difference is significant too.",
        "",
        empty="the check has not run yet",
    )
    p_value = lines(
        "$check: p-value against alpha",
        "How often chance alone is as bad; significant at or below the line.",
        "none",
        [
            Query(f"max by (feature, segment) (drift_p_value{_CHOSEN})", "{{feature}} {{segment}}"),
            Query(f"max(drift_alpha{_CHOSEN})", "alpha", Line.THRESHOLD),
        ],
        empty="a check of this type has no p-value, or has not run yet",
    )
    rows = lines(
        "$check: rows of the windows",
        "Below the line nothing can be told of drift. DriftCheckTooFewRows tells where it stays there.",
        "short",
        [
            Query('max(drift_rows{check=~"$check", window="reference"})', "reference", colour=BLUE),
            Query('max(drift_rows{check=~"$check", window="current"})', "current", Line.DASHED, ORANGE),
            Query(f"max(drift_min_rows{_CHOSEN})", "needed", Line.THRESHOLD),
        ],
        empty="the check has not run yet",
    )
    history = lines(
        "$check: statistic",
        "The statistic of the check's type, as docs/checks gives it, before what chance explains is taken"
        " off.",
        "none",
        [
            Query(
                f"max by (feature, segment) (drift_statistic{_CHOSEN})",
                "{{feature}} {{segment}}",
                colour=PINK,
            )
        ],
        empty="the check has not run yet",
        lowest=None,
    )
    panels = [(effect, 6), (history, 6), (p_value, 6), (rows, 6)]
    return Section("How far is it from its threshold? $check", panels, repeat="check")
