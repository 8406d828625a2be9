"""`recwatch runs` and `recwatch run`: which trainings there were, and how one of them went."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from recwatch.cli import text
from recwatch.cli.options import Options
from recwatch.cli.output import Output
from recwatch.cli.records import Run, find_run, list_runs, open_existing

__all__ = ["run"]

_MAIN_METRICS = ("recall@10", "ndcg@10", "rmse", "mae")
_STYLES = {"failed": "red", "lost": "magenta", "running": "cyan"}
_SERIES = {
    "loss": ("loss", min),
    "validation_recall": ("validation recall", max),
    "validation_ndcg": ("validation ndcg", max),
    "wall_time_seconds": ("seconds", min),
}


def run(options: Options, output: Output) -> None:
    """List runs, or show one.

    Raises:
        CommandError: when the store or the run is not there.
        StoreError: when the store cannot be read.
    """
    arguments = options.arguments
    with open_existing(options.store) as store:
        if arguments.run_id is not None:
            found = find_run(store, arguments.run_id)
            output.json(_document(found, full=True)) if output.as_json else _show(found, output)
            return
        runs = list_runs(store, model=arguments.model, status=arguments.status, limit=arguments.limit)
    if output.as_json:
        output.json([_document(item) for item in runs])
    elif runs:
        _list(runs, output)
    else:
        output.line("No training runs.")


def _list(runs: Sequence[Run], output: Output) -> None:
    metrics = [name for name in _MAIN_METRICS if any(name in item.metrics for item in runs)]
    numbers = ["duration", *metrics, "improvement"]
    output.table(
        ["run", "model", "started (UTC)", "duration", "status", *metrics, "improvement"],
        [
            [
                item.run_id,
                item.model,
                text.moment(item.row["started_at"]),
                text.duration(item.seconds),
                item.status,
                *(text.number(item.metrics.get(name)) for name in metrics),
                text.percent(item.row["improvement_pct"]),
            ]
            for item in runs
        ],
        right=numbers,
        optional=["mae", "rmse", "started (UTC)", "model", "ndcg@10"],
        styles={index: _STYLES[item.status] for index, item in enumerate(runs) if item.status in _STYLES},
    )


def _show(item: Run, output: Output) -> None:
    row = item.row
    status = "lost: it says running, but its process is gone" if item.status == "lost" else item.status
    facts = {
        "run": item.run_id,
        "model": item.model,
        "status": status,
        "error": row["error"],
        "started": f"{text.moment(row['started_at'])} UTC" if row["started_at"] else None,
        "duration": text.duration(item.seconds),
        "data version": row["data_version"],
        "git commit": row["git_commit"],
        "artifacts": row["artifacts_path"],
        "process": f"{row['pid']} on {row['host']}" if row["pid"] is not None else None,
        "best iteration": None if row["best_iteration"] is None else str(row["best_iteration"]),
        "improvement": None
        if row["improvement_pct"] is None
        else f"{text.percent(row['improvement_pct'])} over the baseline",
    }
    known = {name: value for name, value in facts.items() if value}
    width = max(map(len, known))
    for name, value in known.items():
        output.line(f"{name:<{width}}  {value}", style=_STYLES.get(item.status) if name == "status" else None)
    _section(output, "hyper-parameter", {name: _value(value) for name, value in item.parameters.items()})
    _section(output, "metric", {name: text.number(value) for name, value in item.metrics.items()})
    _show_iterations(item, output)


def _section(output: Output, heading: str, values: Mapping[str, str]) -> None:
    if values:
        output.line()
        output.table([heading, "value"], [[name, value] for name, value in values.items()], right=["value"])


def _show_iterations(item: Run, output: Output) -> None:
    rows = []
    for column, (name, best_of) in _SERIES.items():
        pairs = [
            (value, row["iteration"])
            for value, row in zip(item.series(column), item.iterations, strict=True)
            if value is not None
        ]
        if pairs:
            best = best_of(value for value, _ in pairs)
            at = next(number for value, number in pairs if value == best)
            rows.append(
                [
                    name,
                    text.sparkline(item.series(column)),
                    text.number(pairs[0][0]),
                    text.number(pairs[-1][0]),
                    f"{text.number(best)} at {at}",
                ]
            )
    if rows:
        output.line()
        heading = f"{len(item.iterations)} iterations"
        output.table([heading, "course", "first", "last", "best"], rows, right=["first", "last", "best"])


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _document(item: Run, *, full: bool = False) -> dict[str, Any]:
    row = item.row
    document: dict[str, Any] = {
        "run_id": item.run_id,
        "model": item.model,
        "started_at": row["started_at"],
        "completed_at": row["completed_at"],
        "seconds": item.seconds,
        "status": item.status,
        "error": row["error"],
        "metrics": item.metrics,
        "improvement_pct": row["improvement_pct"],
        "baseline_recall_at_10": row["baseline_recall_at_10"],
        "hyperparameters": item.parameters,
        "best_iteration": row["best_iteration"],
        "data_version": row["data_version"],
        "git_commit": row["git_commit"],
        "artifacts_path": row["artifacts_path"],
        "host": row["host"],
        "pid": row["pid"],
        "heartbeat_at": row["heartbeat_at"],
    }
    if full:
        hidden = ("id", "run_id")
        document["iterations"] = [
            {name: value for name, value in row.items() if name not in hidden} for row in item.iterations
        ]
    return document
