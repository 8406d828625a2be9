"""Overview: the loop at a glance, ordered by the questions that a person on call asks."""

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync

from recwatch_dashboards import drift_panels as drift
from recwatch_dashboards import loop_panels as loop
from recwatch_dashboards import service_panels as service
from recwatch_dashboards import state_panels as state
from recwatch_dashboards import training_panels as training
from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.variables import choice, datasource

UID = "recwatch-overview"


def overview() -> dashboard.Dashboard:
    """Build the dashboard."""
    board = (
        dashboard.Dashboard("recwatch overview")
        .uid(UID)
        .description("The loop at a glance: serving, drift, alerts, retraining, versions.")
        .tags(["recwatch"])
        .readonly()
        .time("now-6h", "now")
        .timezone("browser")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(datasource())
        .with_variable(choice("model", "Model", "label_values(recommender_model_info, model)"))
        .with_variable(
            choice("check", "Drift check", 'label_values(drift_check_model_info{model=~"$model"}, check)')
        )
    )
    return place(board, sections())


def sections() -> list[Section]:
    """The rows, from the most urgent question down."""
    return [
        Section(
            "Is anything wrong?",
            [
                (state.alerts_firing(), 4),
                (state.parts_down(), 4),
                (state.drifting_checks(), 4),
                (state.retraining_now(), 4),
                (state.model_age(), 4),
                (state.messages_waiting(), 4),
            ],
            height=4,
        ),
        Section(
            "Is the recommender well?",
            [
                (service.requests(), 6),
                (service.error_rate(), 6),
                (service.latency(), 6),
                (service.fallback_rate(), 6),
            ],
        ),
        Section("Is the data drifting?", [(drift.drift_states(), 24), (drift.drift_effect(), 24)]),
        Section(
            "Who was told, and what was done?",
            [
                (loop.alerts_over_time(), 12),
                (loop.deliveries(), 12),
                (loop.retraining(), 12),
                (loop.promotions(), 12),
            ],
        ),
        Section(
            "What is in service, and how was it trained?",
            [(training.versions(), 8), (training.training_runs(), 8), (training.training_duration(), 8)],
        ),
    ]
