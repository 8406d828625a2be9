"""Training: which runs there were, how good their models are, how long they took, on which data."""

from grafana_foundation_sdk.builders import dashboard, table, timeseries

from recwatch_dashboards.board import board
from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.looks import ACT, PLAIN, WELL
from recwatch_dashboards.panels import bars, lines, states
from recwatch_dashboards.queries import Query, counted, threshold
from recwatch_dashboards.stored_runs import stored_runs
from recwatch_dashboards.tables import Column, listing
from recwatch_dashboards.variables import models, store

UID = "recwatch-training"
_CHOSEN = '{model=~"$model"}'
_NONE = "no training was reported"


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    text = "Which trainings ran, how good are their models, how long did they take, and on which data?"
    # A list, not a pattern, stands for "All": SQL asks for it too.
    variables = [store(), models("training_runs_total", everything="")]
    return place(
        board(UID, "recwatch training", text, variables),
        [_now(), _quality(), _curves(), _effort(), stored_runs()],
    )


def trainings() -> table.Panel:
    """List each model's last trainings."""
    return listing(
        "Trainings",
        "When a training of each model last completed and last failed, how long the last one took, the newest"
        " record that it was trained on, and how many did, as far as their store (or, without one, their"
        " process) knows. TrainingFailed and TrainingSilent tell of what is amiss.",
        [
            Column("Model", "model"),
            Column(
                "Last success", expr=_when("training_last_success_timestamp_seconds"), unit="dateTimeFromNow"
            ),
            Column(
                "Last failure", expr=_when("training_last_failure_timestamp_seconds"), unit="dateTimeFromNow"
            ),
            Column("Duration", expr=f"max by (model) (training_duration_seconds{_CHOSEN})", unit="s"),
            Column("Newest record", expr=_when("training_data_timestamp_seconds"), unit="dateTimeAsIso"),
            Column("Completed", expr=_ended("completed")),
            Column("Failed", expr=_ended("failed")),
        ],
        empty=_NONE,
    )


def duration() -> timeseries.Panel:
    """Show how long the last training took."""
    return lines(
        "Training duration",
        "How long the last training of each model took.",
        "s",
        [Query(f"max by (model) (training_duration_seconds{_CHOSEN})", "{{model}}")],
        empty=_NONE,
    )


def _when(metric: str) -> str:
    return f"1000 * max by (model) ({metric}{_CHOSEN} > 0)"


def _ended(status: str) -> str:
    # Two instances count the same runs, those of the store.
    return f'max by (model) (training_runs_total{{model=~"$model", status="{status}"}})'


def _now() -> Section:
    under_way = states(
        "Under way",
        "Trainings that go on.",
        Query(f"max by (model) (training_in_progress{_CHOSEN} > bool 0)", "{{model}}"),
        [("", PLAIN), ("training", WELL)],
        empty=_NONE,
    )
    silence = lines(
        "Since the last success",
        "Since a training of each model last completed. TrainingSilent fires above the line.",
        "s",
        [
            Query(
                f"time() - model:training_last_success_timestamp_seconds:max_every4m{_CHOSEN}", "{{model}}"
            ),
            threshold("TrainingSilent"),
        ],
        empty="no training has completed yet",
    )
    pushed = lines(
        "Since the last push",
        "Since trainers last pushed to the Pushgateway. PushedMetricsStale fires above the line while a run"
        " goes on.",
        "s",
        [
            Query(f"time() - max by (model) (push_time_seconds{_CHOSEN})", "{{model}}"),
            threshold("PushedMetricsStale"),
        ],
        empty="nothing was pushed: trainers are scraped, or leave textfiles",
    )
    ended = bars(
        "Trainings that ended",
        "Trainings that ended in 5 minutes, by how.",
        [counted(f"service_model_status:training_runs:increase5m{_CHOSEN}", "{{model}} {{status}}")],
        empty="no training ended in this time",
    )
    return Section(
        "Which trainings were there?",
        [(trainings(), 24), (under_way, 6), (ended, 6), (silence, 6), (pushed, 6)],
    )


def _quality() -> Section:
    against = lines(
        "Improvement over the baseline",
        "By how much each metric of the last training is better than the baseline's on the test split; less"
        " than 0 is worse. TrainingWorseThanBaseline fires below the line.",
        "percentunit",
        [
            Query(
                f"service_model_metric:training_improvement:ratio_every4m{_CHOSEN}",
                "{{service}} {{model}} {{metric}}",
            ),
            threshold("TrainingWorseThanBaseline"),
        ],
        empty="no training reported a baseline",
    )
    metrics = lines(
        "Quality",
        "Metrics of each model's last training, by split.",
        "none",
        [
            Query(
                f"service_model_metric_split:training_metric:max_every4m{_CHOSEN}",
                "{{service}} {{model}} {{metric}} ({{split}})",
            )
        ],
        empty="no training reported metrics",
    )
    latest = listing(
        "Quality now",
        "The last training's metrics beside the baseline's on the same split.",
        [
            Column("Model", "model"),
            Column("Metric", "metric"),
            Column("Test", expr=_split("test"), unit="none"),
            Column("Validation", expr=_split("validation"), unit="none"),
            Column("Cross-validation", expr=_split("cross_validation"), unit="none"),
            Column(
                "Baseline", expr=f"max by (model, metric) (training_baseline_metric{_CHOSEN})", unit="none"
            ),
        ],
        empty="no training reported metrics",
    )
    return Section("How good are the models?", [(latest, 8), (metrics, 8), (against, 8)])


def _split(name: str) -> str:
    return f'max by (model, metric) (training_metric{{split="{name}", model=~"$model"}})'


def _curves() -> Section:
    loss = lines(
        "Loss",
        "After each iteration, where a trainer is scraped while it runs; else that of the last one."
        " TrainingLossNotFinite"
        " tells of NaN and infinity.",
        "none",
        [Query(f"max by (model) (training_loss{_CHOSEN})", "{{model}}")],
        empty="no training reported a loss",
        lowest=None,
    )
    iterations = lines(
        "Time of an iteration",
        "Average over 5 minutes of a training that is scraped while it runs.",
        "s",
        [
            Query(
                f"service_model:training_iteration_duration_seconds:mean5m{_CHOSEN}", "{{service}} {{model}}"
            )
        ],
        empty="no training was scraped while it ran",
    )
    return Section("Does it converge?", [(loss, 12), (iterations, 12)])


def _effort() -> Section:
    age = lines(
        "Age of the training data",
        "Since the newest record that the last training saw. TrainingDataOld fires above the line.",
        "s",
        [
            Query(f"model:training_data_age_seconds:max{_CHOSEN}", "{{model}}"),
            threshold("TrainingDataOld"),
        ],
        empty="no training said how new its data was",
    )
    failed = states(
        "Last training",
        "Whether the last training of each model failed. ModelOld tells of a version in"
        " service that is too old.",
        Query(
            f"service_model:training_failed:last_every4m{_CHOSEN}",
            "{{service}} {{model}}",
        ),
        [("completed", WELL), ("failed", ACT)],
        empty="no training was reported",
    )
    trend = lines(
        "Duration against usual",
        "The last training's duration over the average of 30 days. TrainingSlow fires above the line.",
        "none",
        [
            Query(
                f"last_over_time(service_model:training_duration_seconds:max{_CHOSEN}[15m])"
                f" / (last_over_time(service_model:training_duration_seconds:mean30d{_CHOSEN}[15m]) > 0)",
                "{{service}} {{model}}",
            ),
            threshold("TrainingSlow"),
        ],
        empty=_NONE,
    )
    spent = lines(
        "Hours of training in 7 days",
        "What the trainings of each model took together. TrainingBudgetSpent fires above the line.",
        "none",
        [
            Query(
                f"last_over_time(service_model:training_seconds:increase7d{_CHOSEN}[15m]) / 3600",
                "{{service}} {{model}}",
            ),
            threshold("TrainingBudgetSpent"),
        ],
        empty=_NONE,
    )
    return Section(
        "How long did it take, and on which data?",
        [(duration(), 8), (trend, 8), (spent, 8), (age, 12), (failed, 12)],
    )
