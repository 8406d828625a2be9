"""What the checks found, as JSON."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from starlette.responses import Response

from recwatch_exporter.process.state import CheckState, History
from recwatch_exporter.report import describe, iso_time


def check_json(state: CheckState, history: History) -> dict[str, Any]:
    """A check with all its findings and the history of each, oldest first."""
    return {
        "check": state.check.name,
        "type": state.check.type,
        "models": list(state.check.models),
        "success": state.success,
        "error": state.error,
        "last_success": iso_time(state.last_success) if state.last_success else None,
        "duration": state.duration,
        "findings": describe(state),
        "history": [
            {
                "feature": feature,
                "segment": segment,
                "points": [
                    {
                        "at": iso_time(point.at),
                        "statistic": point.statistic,
                        "effect_size": point.effect_size,
                        "p_value": point.p_value,
                        "detected": point.detected,
                    }
                    for point in points
                ],
            }
            for (feature, segment), points in history.items()
        ],
    }


def json_response(content: Any, *, status: int = 200) -> Response:
    """An answer in ASCII, so that no text of the data can break it; what is not finite is null."""
    text = json.dumps(_finite(content), default=str, allow_nan=False)
    return Response(text, status_code=status, media_type="application/json")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
