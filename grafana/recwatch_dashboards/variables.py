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

STORE_TYPE = "grafana-postgresql-datasource"
STORE = DataSourceRef(type_val=STORE_TYPE, uid="${store}")
PROVISIONED_STORE_UID = "recwatch-store"

RECOMMENDERS = '__name__=~"recommender_model_info|recommender_requests_total"'
"""The series of which every recommender has one: a service that names no version has only requests."""
ANY = ".*"
"""Also matches series without the label, such as a check that speaks for no model."""


def datasource() -> dashboard.DatasourceVariable:
    """Which Prometheus; the provisioned one unless another is chosen."""
    return (
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .type("prometheus")
        .current(VariableOption(text="Prometheus", value=PROVISIONED_UID))
    )


def store() -> dashboard.DatasourceVariable:
    """Which PostgreSQL holds the training runs; the provisioned one unless another is chosen."""
    return (
        dashboard.DatasourceVariable("store")
        .label("Store")
        .type(STORE_TYPE)
        .current(VariableOption(text="recwatch store", value=PROVISIONED_STORE_UID))
    )


def choice(name: str, label: str, query: str, *, everything: str = ANY) -> dashboard.QueryVariable:
    """A variable over a label's values, several or all of them at once.

    Args:
        name: used in queries as `$name`.
        label: what stands before the list.
        query: such as `label_values(metric, label)`.
        everything: what "All" stands for; empty for the listed values, no others.
    """
    variable = (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .current(VariableOption(text="All", value="$__all"))
    )
    return variable.all_value(everything) if everything else variable


def services(metric: str) -> dashboard.QueryVariable:
    """The services that have a metric."""
    return choice("service", "Service", f"label_values({metric}, service)")


def recommenders() -> dashboard.QueryVariable:
    """The models that the chosen services serve."""
    return models(f'{{{RECOMMENDERS}, service=~"$service"}}')


def models(metric: str, *, everything: str = ANY) -> dashboard.QueryVariable:
    """The models that a metric, or a selector of series, has."""
    return choice("model", "Model", f"label_values({metric}, model)", everything=everything)


def checks() -> dashboard.QueryVariable:
    """The drift checks that speak for the chosen models; "All" is all of these."""
    return choice(
        "check", "Drift check", 'label_values(drift_check_model_info{model=~"$model"}, check)', everything=""
    )
