"""Answer probes in a Django project: `urlpatterns += health_urls(health)`. Needs Django."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from recwatch.extras import lacking
from recwatch.health.answers import HEADERS, KINDS, Answer
from recwatch.health.check import Check
from recwatch.health.wsgi import answer_now

try:
    from django.http import HttpResponse
    from django.urls import path
    from django.views.decorators.http import require_safe
except ModuleNotFoundError as error:
    raise lacking(error, "django") from error

if TYPE_CHECKING:
    from recwatch.health.checks import HealthChecks

__all__ = ["health_urls"]


def health_urls(health: "HealthChecks", *, prefix: str = "") -> list[Any]:
    """URL patterns of `healthz`, `readyz` and `health`.

    Args:
        health: the checks.
        prefix: stands before each, such as `internal/`.
    """
    return [
        path(f"{prefix}{name}", require_safe(_view(health, kind)), name=f"recwatch-{name}")
        for name, kind in KINDS.items()
    ]


def _view(health: "HealthChecks", kind: Callable[[Sequence[Check]], Answer]) -> Callable[[Any], Any]:
    def view(_request: Any) -> Any:
        answer = answer_now(health, kind)
        return HttpResponse(answer.body(), status=answer.code, headers=dict(HEADERS))

    return view
