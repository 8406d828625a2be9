"""Pipelines: did each run, how long did its stages take?"""

from grafana_foundation_sdk.builders import dashboard

from recwatch_dashboards.board import board
from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.looks import ACT, PLAIN, WELL
from recwatch_dashboards.panels import bars, lines, states
from recwatch_dashboards.queries import Query, counted, overall_threshold
from recwatch_dashboards.tables import Column, listing
from recwatch_dashboards.variables import choice

UID = "recwatch-pipelines"
_CHOSEN = '{pipeline=~"$pipeline"}'
_NONE = "no pipeline has reported yet (recwatch.pipeline)"


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    text = "Did each pipeline run, did it succeed, and how long did its stages take?"
    variables = [choice("pipeline", "Pipeline", "label_values(pipeline_runs_total, pipeline)")]
    return place(board(UID, "recwatch pipelines", text, variables, by_model=False), [_runs(), _stages()])


def _runs() -> Section:
    table = listing(
        "Pipelines now",
        "When a run of each pipeline last completed and last failed, and how many did, as far as its store"
        " (or, without one, its process) knows. PipelineFailed and PipelineSilent tell of what is amiss.",
        [
            Column("Pipeline", "pipeline"),
            Column(
                "Last success", expr=_when("pipeline_last_success_timestamp_seconds"), unit="dateTimeFromNow"
            ),
            Column(
                "Last failure", expr=_when("pipeline_last_failure_timestamp_seconds"), unit="dateTimeFromNow"
            ),
            Column("Completed", expr=_ended("completed")),
            Column("Failed", expr=_ended("failed")),
            Column(
                "Now",
                expr=f"max by (pipeline) (pipeline_in_progress{_CHOSEN} > bool 0)",
                states=[("idle", PLAIN), ("running", WELL)],
            ),
        ],
        empty=_NONE,
    )
    silence = lines(
        "Since the last success",
        "How long ago a run of each pipeline last completed. PipelineSilent fires above the line.",
        "s",
        [
            Query(
                f"service_pipeline:pipeline_age_seconds:max{_CHOSEN}",
                "{{service}} {{pipeline}}",
            ),
            overall_threshold("PipelineSilent"),
        ],
        empty="no run has completed yet",
    )
    ended = bars(
        "Runs that ended",
        "Runs that ended in 5 minutes, by how.",
        [counted(f"service_pipeline_status:pipeline_runs:increase5m{_CHOSEN}", "{{pipeline}} {{status}}")],
        empty="no run ended in this time",
    )
    last = states(
        "Last run",
        "Whether the last run of each pipeline failed.",
        Query(f"service_pipeline:pipeline_failed:last_every4m{_CHOSEN}", "{{service}} {{pipeline}}"),
        [("completed", WELL), ("failed", ACT)],
        empty="no pipeline has reported yet",
    )
    pushed = lines(
        "Since the last push",
        "Since pipelines last pushed to the Pushgateway. PushedMetricsStale fires above the line while a run"
        " goes on.",
        "s",
        [
            Query(
                'time() - max by (pipeline) (push_time_seconds{pipeline!="", pipeline=~"$pipeline"})',
                "{{pipeline}}",
            ),
            overall_threshold("PushedMetricsStale"),
        ],
        empty="nothing was pushed: pipelines are scraped, or leave textfiles",
    )
    return Section(
        "Did they run, and did they succeed?",
        [(table, 12), (last, 12), (silence, 8), (pushed, 8), (ended, 8)],
    )


def _when(metric: str) -> str:
    return f"1000 * max by (pipeline) ({metric}{_CHOSEN} > 0)"


def _ended(status: str) -> str:
    # Two instances count the same runs, those of the store.
    return f'max by (pipeline) (pipeline_runs_total{{status="{status}", pipeline=~"$pipeline"}})'


def _stages() -> Section:
    durations = lines(
        "Duration of the stages",
        "How long each stage took when it was last completed.",
        "s",
        [
            Query(
                f"max by (pipeline, stage) (pipeline_stage_duration_seconds{_CHOSEN})",
                "{{pipeline}} {{stage}}",
            )
        ],
        empty=_NONE,
    )
    table = listing(
        "Stages now",
        "How long each stage took when it was last completed.",
        [
            Column("Pipeline", "pipeline"),
            Column("Stage", "stage"),
            Column(
                "Duration",
                expr=f"max by (pipeline, stage) (pipeline_stage_duration_seconds{_CHOSEN})",
                unit="s",
            ),
        ],
        empty=_NONE,
    )
    usual = lines(
        "Duration against usual",
        "Each stage's duration over the average of 30 days. PipelineStageSlow fires above the line.",
        "none",
        [
            Query(
                f"last_over_time(service_pipeline_stage:pipeline_stage_duration_seconds:max{_CHOSEN}[15m])"
                " / (last_over_time("
                f"service_pipeline_stage:pipeline_stage_duration_seconds:mean30d{_CHOSEN}[15m]) > 0)",
                "{{service}} {{pipeline}} {{stage}}",
            ),
            overall_threshold("PipelineStageSlow"),
        ],
        empty=_NONE,
    )
    return Section("How long did their stages take?", [(durations, 8), (usual, 8), (table, 8)])
