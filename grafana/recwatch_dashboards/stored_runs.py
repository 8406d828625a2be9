"""Trainings from the store of records, where it is PostgreSQL: runs beside each other, and their curves."""

from recwatch_dashboards.grid import Section
from recwatch_dashboards.store_queries import curves, rows

_RUNS = """\
SELECT
  started_at AS "Started", model_type AS "Model", status AS "Status", run_id AS "Run",
  training_time_seconds AS "Duration", ndcg_at_10 AS "NDCG@10", recall_at_10 AS "Recall@10",
  baseline_recall_at_10 AS "Baseline recall@10", improvement_pct AS "Improvement",
  rmse AS "RMSE", mae AS "MAE", coverage AS "Coverage", best_iteration AS "Best iteration",
  data_version AS "Data", git_commit AS "Commit", hyperparameters AS "Parameters", error AS "Error"
FROM training_runs
WHERE $__timeFilter(started_at) AND model_type IN (${model:sqlstring})
ORDER BY started_at DESC
LIMIT 200
"""
_ITERATIONS = """\
SELECT
  r.model_type AS "Model", r.run_id AS "Run", i.iteration AS "Iteration", i.loss AS "Loss",
  i.validation_ndcg AS "Validation NDCG", i.validation_recall AS "Validation recall",
  i.wall_time_seconds AS "Duration"
FROM iteration_metrics i JOIN training_runs r ON r.run_id = i.run_id
WHERE $__timeFilter(r.started_at) AND r.model_type IN (${model:sqlstring})
ORDER BY r.started_at DESC, i.iteration DESC
LIMIT 500
"""
_LOSSES = """\
SELECT i.timestamp AS "time", r.model_type || ' ' || r.run_id AS "metric", i.loss AS "value"
FROM iteration_metrics i JOIN training_runs r ON r.run_id = i.run_id
WHERE $__timeFilter(i.timestamp) AND r.model_type IN (${model:sqlstring})
ORDER BY i.timestamp
LIMIT 10000
"""


def stored_runs() -> Section:
    """A closed row: it asks nothing until somebody opens it, so it does no harm without a store."""
    runs = rows(
        "Runs",
        "Trainings that began in the dashboard's time, the newest first: the table training_runs. A click on"
        " a heading sorts them.",
        _RUNS,
        [("Duration", "s"), ("Improvement", "percent"), ("Coverage", "percentunit")],
    )
    losses = curves(
        "Loss of each run",
        "After each iteration, when it was over: the table iteration_metrics.",
        _LOSSES,
    )
    iterations = rows(
        "Iterations",
        "Loss and validation of each iteration of these runs: the table iteration_metrics.",
        _ITERATIONS,
        [("Duration", "s")],
    )
    return Section(
        "Runs compared, from the store (PostgreSQL)",
        [(runs, 24), (losses, 12), (iterations, 12)],
        height=10,
        collapsed=True,
    )
