"""Overview: the loop at a glance, ordered by the questions that a person on call asks."""

from grafana_foundation_sdk.builders import dashboard

from recwatch_dashboards import drift, loop, pipelines, quality, service, service_panels, stack, training
from recwatch_dashboards.board import board, details
from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.looks import ACT, BUDGET, LOOK, Limit
from recwatch_dashboards.panels import figure
from recwatch_dashboards.queries import Query
from recwatch_dashboards.variables import RECOMMENDERS, checks, choice, recommenders

UID = "recwatch-overview"


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    text = "The loop at a glance: what is wrong, serving, drift, alerts, retraining, versions."
    variables = [
        choice("service", "Service", f"label_values({{{RECOMMENDERS}}}, service)"),
        recommenders(),
        checks(),
    ]
    return place(board(UID, "recwatch overview", text, variables), sections())


def sections() -> list[Section]:
    """The rows, from the most urgent question down."""
    to_service = details(service.UID, "Recommender service")
    to_loop = details(loop.UID, "Alerts and retraining")
    return [
        _wrong(),
        _recent(),
        Section(
            "What is in service, and how was it trained?",
            [
                (service_panels.versions().links(to_service), 8),
                (loop.last_retraining().links(to_loop), 6),
                (training.trainings().links(details(training.UID, "Training")), 10),
            ],
            height=6,
        ),
        Section(
            "Is the recommender well?",
            [
                (service_panels.requests().links(to_service), 6),
                (service_panels.error_rate().links(to_service), 6),
                (service_panels.latency().links(to_service), 6),
                (service_panels.fallback_rate().links(to_service), 6),
                (service_panels.budget().links(to_service), 12),
                (quality.quality().links(details(quality.UID, "Quality and A/B")), 12),
            ],
        ),
        Section("Is the data drifting?", [(drift.drift_states().links(details(drift.UID, "Drift")), 24)]),
        Section(
            "Who was told, and what was done?",
            [
                (loop.alerts_over_time().links(to_loop), 12),
                (loop.deliveries().links(to_loop), 12),
                (loop.retraining().links(to_loop), 12),
                (loop.promotions().links(to_loop), 12),
            ],
        ),
    ]


def _wrong() -> Section:
    alerts = figure(
        "Alerts firing",
        "Alerts that fire now, of any severity but none: those of the chosen models, and those of no model."
        f" {loop.ANY_SERVICE}",
        "short",
        Query(f"count({loop.FIRING}) or vector(0)"),
        empty="none",
        limit=Limit(1, LOOK),
    )
    down = figure(
        "Parts down",
        "Scrape targets that Prometheus does not reach.",
        "short",
        Query("count(up == 0) or vector(0)"),
        empty="none",
        limit=Limit(1, ACT),
    )
    budget = figure(
        "Least budget left",
        "The least of the chosen models' budgets over 30 days, of any objective.",
        "percentunit",
        Query(f"min(service_model:slo_budget:left30d{service_panels.CHOSEN})"),
        empty="no requests",
        limit=BUDGET,
    )
    drifting = figure(
        "Drifting checks",
        "Drift checks of the chosen models whose last result is drift.",
        "short",
        Query('sum(max by (check) (service_check_model:drift_detected:max{model=~"$model"}))'),
        empty="no check has run",
        limit=Limit(1, LOOK),
    )
    degraded = figure(
        "Degraded metrics",
        "Metrics of the chosen models that are worse than their baseline.",
        "short",
        Query('sum(max by (service, model, metric) (model_quality_degraded{model=~"$model"}))'),
        empty="no labels",
        limit=Limit(1, LOOK),
    )
    undelivered = figure(
        "Messages not delivered",
        "Messages that wait in the bridge's outbox, and dead letters.",
        "short",
        Query("sum(max by (sink) (bridge_outbox_pending)) + sum(max by (sink) (bridge_dead_letters))"),
        empty="no bridge",
        limit=Limit(1, LOOK),
    )
    to_loop = details(loop.UID, "Alerts and retraining")
    return Section(
        "Is anything wrong?",
        [
            (alerts.links(to_loop), 4),
            (down.links(details(stack.UID, "Stack health")), 4),
            (budget.links(details(service.UID, "Recommender service")), 4),
            (drifting.links(details(drift.UID, "Drift")), 4),
            (degraded.links(details(quality.UID, "Quality and A/B")), 4),
            (undelivered.links(to_loop), 4),
        ],
        height=4,
    )


def _recent() -> Section:
    retraining = figure(
        "Retraining now",
        "Retraining runs of the bridge that go on.",
        "short",
        Query('sum(max by (model) (bridge_retrain_in_progress{model=~"$model"}))'),
        empty="no bridge",
    )
    trained = figure(
        "Last training",
        "Since a training of any chosen model last completed.",
        "s",
        Query('time() - max(training_last_success_timestamp_seconds{model=~"$model"} > 0)'),
        empty="none reported",
    )
    promoted = figure(
        "Promotions in 7 days",
        "Promotions of the chosen models that the bridge made.",
        "short",
        Query('sum(increase(bridge_promotions_total{outcome="success", model=~"$model"}[7d]))'),
        empty="no bridge",
        decimals=0,
    )
    rolled_back = figure(
        "Rollbacks in 7 days",
        "Rollbacks of the chosen models that the bridge made.",
        "short",
        Query('sum(increase(bridge_rollbacks_total{outcome="success", model=~"$model"}[7d]))'),
        empty="no bridge",
        limit=Limit(0.5, LOOK),
        decimals=0,
    )
    age = figure(
        "Oldest model in service",
        "Since the oldest of the chosen models in service was trained; ModelOld tells where it is too old.",
        "s",
        Query(f"time() - min(recommender_model_trained_timestamp_seconds{service_panels.CHOSEN} > 0)"),
        empty="no model in service",
    )
    pipeline = figure(
        "Pipelines that failed last",
        "Pipelines whose last run failed.",
        "short",
        Query("sum(max by (pipeline) (service_pipeline:pipeline_failed:last_every4m))"),
        empty="no pipelines",
        limit=Limit(1, ACT),
    )
    to_loop = details(loop.UID, "Alerts and retraining")
    to_training = details(training.UID, "Training")
    return Section(
        "What was done lately?",
        [
            (retraining.links(to_loop), 4),
            (trained.links(to_training), 4),
            (promoted.links(to_loop), 4),
            (rolled_back.links(to_loop), 4),
            (age.links(details(service.UID, "Recommender service")), 4),
            (pipeline.links(details(pipelines.UID, "Pipelines")), 4),
        ],
        height=4,
    )
