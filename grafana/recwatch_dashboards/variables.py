"""What a person can choose at the top of a dashboard."""

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

# The variable, not a fixed data source: the same file is provisioned here and imported by hand elsewhere.
DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
PROVISIONED_UID = "recwatch-prometheus"


def datasource() -> dashboard.DatasourceVariable:
    """Which Prometheus; the provisioned one unless another is chosen."""
    return (
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .type("prometheus")
        .current(VariableOption(text="Prometheus", value=PROVISIONED_UID))
    )


def choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """A variable over a label's values, several or all of them at once.

    Args:
        name: used in queries as `$name`.
        label: what stands before the list.
        query: such as `label_values(metric, label)`.
    """
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        # `.*` also matches series without the label, such as a check that speaks for no model.
        .all_value(".*")
        .current(VariableOption(text="All", value="$__all"))
    )
