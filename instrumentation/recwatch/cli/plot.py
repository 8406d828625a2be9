"""`recwatch plot-training`: loss and validation as a picture."""

from pathlib import Path

from recwatch.cli.errors import CommandError
from recwatch.cli.filenames import chart_name
from recwatch.cli.options import Options
from recwatch.cli.output import Output
from recwatch.cli.records import find_run, open_existing

__all__ = ["run"]


def run(options: Options, output: Output) -> None:
    """Draw the runs and write the picture.

    Raises:
        CommandError: when a run is not there or has nothing to draw, or the picture cannot be written.
        StoreError: when the store cannot be read.
    """
    with open_existing(options.store) as store:
        found = [find_run(store, asked) for asked in dict.fromkeys(options.arguments.run_ids)]
    runs = list({item.run_id: item for item in found}.values())
    run_ids = [item.run_id for item in runs]
    target = _target(options.arguments.output, chart_name(run_ids))
    from recwatch.cli.curves import draw, has_curves  # noqa: PLC0415 - matplotlib takes a second to import

    empty = [item.run_id for item in runs if not has_curves(item)]
    if empty:
        raise CommandError(
            f"nothing to draw: {', '.join(empty)} has neither loss nor validation by iteration: call "
            f"TrainingRun.iteration(..., loss=...) or .validation(...) while training (fit_surprise can tell "
            f"times alone)"
        )
    picture = draw(runs)
    try:
        target.write_bytes(picture)
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror}: choose another with -o") from error
    if output.as_json:
        output.json({"file": str(target), "run_ids": run_ids})
    else:
        output.line(str(target))


def _target(chosen: Path | None, default: str) -> Path:
    if chosen is None:
        return Path(default)
    if chosen.is_dir():
        return chosen / default
    if chosen.suffix.lower() != ".png":
        raise CommandError(f"{chosen}: the picture is a PNG: write a name that ends in .png")
    return chosen
