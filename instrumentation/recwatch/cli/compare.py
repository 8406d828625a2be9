"""`recwatch compare`: two runs side by side."""

from dataclasses import asdict
from typing import Any

from recwatch.cli import text
from recwatch.cli.comparison import Figure, compare_figures, differing
from recwatch.cli.options import Options
from recwatch.cli.output import Output
from recwatch.cli.records import Run, find_run, open_existing

__all__ = ["run"]

_FACTS = {
    "model": "model_type",
    "status": "status",
    "data version": "data_version",
    "git commit": "git_commit",
}


def run(options: Options, output: Output) -> None:
    """Show what two runs reached and what they were given.

    Raises:
        CommandError: when the store or a run is not there.
        StoreError: when the store cannot be read.
    """
    with open_existing(options.store) as store:
        a = find_run(store, options.arguments.run_a)
        b = find_run(store, options.arguments.run_b)
    figures = compare_figures(_figures(a), _figures(b))
    parameters = differing(a.parameters, b.parameters)
    if output.as_json:
        output.json(_document(a, b, figures, parameters))
        return
    output.line(f"A  {a.run_id}")
    output.line(f"B  {b.run_id}")
    _facts(a, b, output)
    if figures:
        output.line()
        output.table(
            ["metric", "A", "B", "B - A", "percent", "better"],
            [_cells(figure) for figure in figures],
            right=["A", "B", "B - A", "percent"],
        )
    if any(figure.name.startswith("validation.") for figure in figures):
        output.line()
        output.line("validation.*: each run's last validation, not its best one, which `recwatch run` shows.")
    if parameters:
        output.line()
        rows = [[name, _shown(one), _shown(other)] for name, (one, other) in parameters.items()]
        output.table(["hyper-parameter", "A", "B"], rows, right=["A", "B"])
    else:
        output.line()
        output.line("The hyper-parameters are the same.")
    if a.row["data_version"] != b.row["data_version"]:
        output.line()
        output.line(
            "The runs saw different data: a difference between their figures need not come from the model.",
            style="yellow",
        )


def _facts(a: Run, b: Run, output: Output) -> None:
    rows = [[name, _shown(_fact(a, column)), _shown(_fact(b, column))] for name, column in _FACTS.items()]
    output.line()
    output.table(["", "A", "B"], rows)


def _fact(item: Run, column: str) -> Any:
    return item.status if column == "status" else item.row[column]


def _figures(item: Run) -> dict[str, float | None]:
    losses = [value for value in item.series("loss") if value is not None]
    last = {"final loss": losses[-1]} if losses else {}
    return item.metrics | last | {"training seconds": item.row["training_time_seconds"]}


def _cells(figure: Figure) -> list[str]:
    difference = text.number(figure.difference)
    if figure.difference is not None and figure.difference > 0:
        difference = f"+{difference}"
    return [
        figure.name,
        text.number(figure.a),
        text.number(figure.b),
        difference,
        text.percent(figure.percent),
        figure.better or "",
    ]


def _shown(value: Any) -> str:
    return text.NOTHING if value is None else str(value)


def _document(
    a: Run, b: Run, figures: list[Figure], parameters: dict[str, tuple[Any, Any]]
) -> dict[str, Any]:
    return {
        "a": {"run_id": a.run_id, **{column: _fact(a, column) for column in _FACTS.values()}},
        "b": {"run_id": b.run_id, **{column: _fact(b, column) for column in _FACTS.values()}},
        "same_data_version": a.row["data_version"] == b.row["data_version"],
        "metrics": [asdict(figure) for figure in figures],
        "hyperparameters": {name: {"a": one, "b": other} for name, (one, other) in parameters.items()},
    }
