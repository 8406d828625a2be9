"""The panel on health checks, which stands on two dashboards."""

from grafana_foundation_sdk.builders import statetimeline

from recwatch_dashboards.looks import ACT, WELL
from recwatch_dashboards.panels import states
from recwatch_dashboards.queries import Query

PASSED = [("failed", ACT), ("passed", WELL)]
NO_CHECKS = "the services run no health checks"


def health_checks() -> statetimeline.Panel:
    """Show what each check found over time."""
    return states(
        "Health checks",
        "What each check of recwatch.health found; one that fails anywhere has failed, and HealthCheckFailing"
        " tells of it.",
        Query('service_check:health_check_up:min_every4m{service=~"$service"}', "{{service}} {{check}}"),
        PASSED,
        empty=NO_CHECKS,
    )
