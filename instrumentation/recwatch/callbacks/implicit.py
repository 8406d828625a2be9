"""A callback for the `fit` of implicit's models."""

from typing import Protocol

from recwatch.training import TrainingRun

__all__ = ["ImplicitCallback"]


class _Iterative(Protocol):
    @property
    def iterations(self) -> int: ...


class ImplicitCallback:
    """Reports each iteration of a model of implicit: `fit(matrix, callback=ImplicitCallback(run, model))`.

    What implicit 0.7 tells depends on the model: ALS its loss, if it is made with `calculate_training_loss`;
    BPR how many samples it ranked right and how many it skipped, but no loss; logistic factorization only the
    time. Models of nearest neighbours take no callback.

    Args:
        run: the run.
        model: the model, for the number of its iterations.
        samples: how many samples BPR draws in an epoch: the number of the matrix's stored entries, its `nnz`.
            With it, the log line has `train_auc` as well: the share of ranked samples that it ranked right.
    """

    def __init__(self, run: TrainingRun, model: _Iterative, *, samples: int | None = None) -> None:
        self._run = run
        self._model = model
        self._samples = samples

    def __call__(self, iteration: int, seconds: float, *progress: float | None) -> None:
        """An iteration is over.

        Args:
            iteration: from 0.
            seconds: that it took.
            progress: the loss (ALS), correct and skipped samples (BPR), or nothing.
        """
        with self._run.guarded():
            loss = progress[0] if len(progress) == 1 else None
            details: dict[str, object] = {}
            if len(progress) > 1:
                details = self._of_bpr(int(progress[0] or 0), int(progress[1] or 0))
            self._run.iteration(
                int(iteration) + 1, self._model.iterations, loss=loss, seconds=seconds, **details
            )

    def _of_bpr(self, correct: int, skipped: int) -> dict[str, object]:
        details: dict[str, object] = {"correct": correct, "skipped": skipped}
        if self._samples is not None:
            ranked = self._samples - skipped
            details = {"samples": self._samples, "skipped": skipped}
            details["train_auc"] = correct / ranked if ranked > 0 else float("nan")
        return details
