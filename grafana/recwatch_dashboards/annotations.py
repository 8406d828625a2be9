"""What is marked on every graph: promotions, rollbacks, retraining and alerts, as Prometheus knows them."""

from dataclasses import dataclass

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import AnnotationQuery

from recwatch_dashboards.looks import BLUE, LOOK, PINK
from recwatch_dashboards.queries import happened
from recwatch_dashboards.variables import DATASOURCE


class _Marks(AnnotationQuery):
    """The SDK's own class knows neither the text of a mark nor its tags."""

    def __init__(self, annotation: "Annotation") -> None:
        super().__init__(
            name=annotation.name,
            datasource=DATASOURCE,
            icon_color=annotation.colour,
            expr=annotation.expr,
        )
        self._also = {
            "titleFormat": annotation.name,
            "textFormat": annotation.text,
            "tagKeys": annotation.tags,
            "useValueForTime": False,
        }

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), **self._also}


@dataclass(frozen=True)
class Annotation(Builder[AnnotationQuery]):
    """A query whose series are marked for as long as they are above 0.

    Attributes:
        name: of the kind of mark; it can be switched off by it.
        expr: what is asked.
        colour: of the marks.
        text: of a mark, such as `{{model}} promoted`.
        tags: labels whose values are shown beside it, with commas between them.
    """

    name: str
    expr: str
    colour: str
    text: str
    tags: str

    def build(self) -> AnnotationQuery:
        """Return the form that Grafana reads."""
        return _Marks(self)


def annotations(*, by_model: bool) -> list[Annotation]:
    """The marks of a dashboard.

    Args:
        by_model: whether it has the variable `model`.
    """
    model = 'model=~"$model"' if by_model else ""
    also = f", {model}" if model else ""
    promotions = happened(f'service_model_outcome:bridge_promotions:increase5m{{outcome="success"{also}}}')
    rollbacks = happened(f'service_model_outcome:bridge_rollbacks:increase5m{{outcome="success"{also}}}')
    retraining = happened(f"service_model:bridge_retrain_in_progress:max{{{model}}}")
    # An alert of no model may be about any.
    chosen = ', model=~"$model|"' if by_model else ""
    firing = happened(f'ALERTS{{alertstate="firing", severity=~"critical|warning"{chosen}}}')
    return [
        Annotation("Promotions", f"max by (model) ({promotions})", BLUE, "{{model}} promoted", "model"),
        Annotation("Rollbacks", f"max by (model) ({rollbacks})", "red", "{{model}} rolled back", "model"),
        Annotation("Retraining", f"max by (model) ({retraining})", PINK, "{{model}} is retrained", "model"),
        Annotation(
            "Alerts",
            f"max by (alertname, severity, service, model) ({firing})",
            LOOK,
            "{{alertname}} {{service}} {{model}}",
            "severity",
        ),
    ]
