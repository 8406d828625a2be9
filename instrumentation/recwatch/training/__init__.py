"""Watch a training: log lines, rows in the store, metrics while it runs, and where they stay when it is over.

    with TrainingRun("als", parameters={"factors": 64}, store_url="sqlite:///data/store.db") as run:
        for number in range(1, 16):
            loss = model.step()
            run.iteration(number, 15, loss=loss)
        run.evaluation({"recall@10": 0.234}, baseline={"recall@10": 0.101})
        run.saved(folder)

Where a block does not fit, as in a notebook: `run = start_run("als", ...)`, then `run.finish()` or
`run.fail(error)`.

Whatever happens to the watching (a store that is locked, a Pushgateway that is down, a full disk), the
training goes on: it costs a log line and a count in `recwatch_dropped_writes_total`.
"""

from collections.abc import Callable
from typing import ParamSpec

from recwatch.training.lifecycle import Unfinished
from recwatch.training.recovery import LOST_AFTER, LostRun, recover_lost_runs
from recwatch.training.run import TrainingRun, Unit

__all__ = ["LOST_AFTER", "LostRun", "TrainingRun", "Unfinished", "Unit", "recover_lost_runs", "start_run"]

Arguments = ParamSpec("Arguments")


def _with_the_arguments_of(make: Callable[Arguments, TrainingRun]) -> Callable[Arguments, TrainingRun]:
    def start_run(*arguments: Arguments.args, **options: Arguments.kwargs) -> TrainingRun:
        """Begin a run; takes what `TrainingRun` takes. End it with `finish` or `fail`.

        Returns:
            The run, which has begun.
        """
        return make(*arguments, **options).start()

    return start_run


start_run = _with_the_arguments_of(TrainingRun)
