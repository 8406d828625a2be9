"""What bridge.yml says of a model, ready to use."""

from dataclasses import dataclass

from recwatch.registry import ModelRegistry
from recwatch_bridge.retraining import gate
from recwatch_bridge.retraining.launchers.base import Launcher
from recwatch_bridge.retraining.reload import Reloader


@dataclass(frozen=True)
class WatchPlan:
    """What a promoted version must hold in service.

    Attributes:
        period: seconds from the reload on.
        max_errors: the largest share of errors, 0 to 1.
        min_requests: with fewer, the share says nothing.
        query: of the share of errors, in which `$model` and `$window` are replaced; None is the default one.
    """

    period: float
    max_errors: float
    min_requests: int
    query: str | None = None


@dataclass(frozen=True)
class ModelPlan:
    """What bridge.yml says of a model.

    Attributes:
        name: the model's.
        launcher: starts its trainer.
        registry: its versions.
        rules: of its gate, by metric.
        min_samples: of its gate.
        timeout: seconds that a run may take.
        approval: seconds that a person has to agree before a promotion; None where nobody is asked.
        watch: what a promoted version must hold in service, or None.
        reloader: tells its service, or None.
        reload_backoff: seconds before the second reload call; doubled each time.
    """

    name: str
    launcher: Launcher
    registry: ModelRegistry
    rules: dict[str, gate.Rule]
    min_samples: int
    timeout: float
    approval: float | None = None
    watch: WatchPlan | None = None
    reloader: Reloader | None = None
    reload_backoff: float = 1.0
