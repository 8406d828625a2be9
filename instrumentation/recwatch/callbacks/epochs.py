"""A callable of an epoch and its figures, as Keras, LightGBM and loops of one's own call one."""

from collections.abc import Mapping

from recwatch.training import TrainingRun

__all__ = ["EpochCallback"]

_VALIDATION = ("val_", "valid_")
_LOSSES = ("loss", "train_loss")
# What `TrainingRun.iteration` itself calls its arguments.
_TAKEN = frozenset({"loss", "number", "seconds", "total"})


class EpochCallback:
    """Reports each epoch to a run: `callback(epoch, logs)` at its end.

    Of the logs, `loss` or `train_loss` is the loss, what begins with `val_` or `valid_` is a metric of the
    validation split, and the rest goes to the log line.

    Args:
        run: the run.
        total: how many epochs there are to be.
        first: the number that the first epoch is called with: 0, as in Keras, or 1.
    """

    def __init__(self, run: TrainingRun, total: int | None = None, *, first: int = 0) -> None:
        self._run = run
        self._total = total
        self._first = first

    def __call__(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """An epoch is over."""
        with self._run.guarded():
            self._report(int(epoch), logs or {})

    def _report(self, epoch: int, logs: Mapping[str, float]) -> None:
        loss: float | None = None
        validation: dict[str, float] = {}
        details: dict[str, object] = {}
        for name, value in ((str(key), value) for key, value in logs.items()):
            prefix = next((prefix for prefix in _VALIDATION if name.startswith(prefix)), None)
            if prefix is not None:
                validation[name.removeprefix(prefix)] = value
            elif name in _LOSSES and loss is None:
                loss = value
            else:
                details[f"{name}_" if name in _TAKEN else name] = value
        self._run.iteration(epoch - self._first + 1, self._total, loss=loss, seconds=None, **details)
        if validation:
            self._run.validation(validation)
