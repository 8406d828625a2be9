"""Checks of what a service needs: probes, a JSON summary, gauges.

The checks of databases, Redis and Celery are in modules of their own, which need those packages:
`recwatch.health.database`, `recwatch.health.redis_server`, `recwatch.health.celery_workers`.
"""

from recwatch.errors import HealthError
from recwatch.health.checks import HealthChecks
from recwatch.health.disk_space import DiskSpace
from recwatch.health.http_dependency import HttpDependency
from recwatch.health.memory import Memory
from recwatch.health.model_file import ModelFile
from recwatch.health.registry_version import RegistryVersion
from recwatch.health.result import Measured, Result

__all__ = [
    "DiskSpace",
    "HealthChecks",
    "HealthError",
    "HttpDependency",
    "Measured",
    "Memory",
    "ModelFile",
    "RegistryVersion",
    "Result",
]
