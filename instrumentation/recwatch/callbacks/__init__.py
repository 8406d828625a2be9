"""Callbacks for what people train with; each reports to a `TrainingRun` and needs nothing installed."""

from recwatch.callbacks.epochs import EpochCallback
from recwatch.callbacks.implicit import ImplicitCallback
from recwatch.callbacks.surprise import fit_surprise

__all__ = ["EpochCallback", "ImplicitCallback", "fit_surprise"]
