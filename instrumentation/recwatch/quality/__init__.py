"""How good predictions turn out to be, once their labels are known. `docs/quality.md` explains it whole.

quality = QualityMonitor("reviews", task=Classification(), baseline={"f1": 0.83},
store="sqlite:///data/store.db") quality.record_prediction("review-17", score=0.91)
quality.record_feedback("review-17", 1)  # hours later, in any process

Needs the extra `quality`.
"""

from recwatch.extras import lacking

try:
    import numpy as np  # noqa: F401 - for the modules below
except ModuleNotFoundError as error:
    raise lacking(error, "recwatch[quality]") from error

from recwatch.quality.classification import Classification
from recwatch.quality.experiment import Experiment
from recwatch.quality.monitor import QualityMonitor
from recwatch.quality.ranking import Ranking
from recwatch.quality.regression import Regression
from recwatch.quality.suggestions import Suggestions
from recwatch.quality.task import Better, Labelled, Measured, Predicted, Task
from recwatch.quality.window import Window

__all__ = [
    "Better",
    "Classification",
    "Experiment",
    "Labelled",
    "Measured",
    "Predicted",
    "QualityMonitor",
    "Ranking",
    "Regression",
    "Suggestions",
    "Task",
    "Window",
]
