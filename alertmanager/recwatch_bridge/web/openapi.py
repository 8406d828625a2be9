"""The OpenAPI description: FastAPI's of the JSON API, and by hand the webhooks, which it does not see."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from recwatch import __version__

_TITLE = "recwatch bridge"
_ABOUT = (
    "Takes Alertmanager's webhooks, tells people, retrains, judges, promotes and rolls back. Send a bearer "
    "token; the page's own requests carry a cookie, and `X-CSRF-Token` where they change something."
)
_WEBHOOKS = {
    "/notify/{sink}": "Tell people: one message for what is new, another for what is over",
    "/actions/retrain": "Retrain the models that alerts name",
    "/actions/rollback": "Roll back the models that alerts name",
    "/watchdog": "Alertmanager's Watchdog, which always fires",
}
_ALERT = {
    "type": "object",
    "required": ["status", "labels", "startsAt", "fingerprint"],
    "properties": {
        "status": {"enum": ["firing", "resolved"]},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        "startsAt": {"type": "string", "format": "date-time"},
        "endsAt": {"type": "string", "format": "date-time"},
        "generatorURL": {"type": "string"},
        "fingerprint": {"type": "string", "minLength": 1, "maxLength": 128},
    },
}
_WEBHOOK = {
    "type": "object",
    "required": ["status", "alerts"],
    "properties": {
        "status": {"enum": ["firing", "resolved"]},
        "receiver": {"type": "string"},
        "alerts": {"type": "array", "items": _ALERT},
        "truncatedAlerts": {"type": "integer", "minimum": 0, "maximum": 1_000_000_000},
    },
}
_ACCEPTED = {
    "type": "object",
    "required": ["status", "new", "repeated"],
    "properties": {
        "status": {"const": "accepted"},
        "new": {"type": "integer"},
        "repeated": {"type": "integer"},
        "ignored": {"type": "array", "items": {"type": "string"}},
        "runs": {"type": "array", "items": {"type": "string"}},
        "rollbacks": {"type": "array", "items": {"type": "string"}},
        "reminded": {"type": "integer"},
    },
}
_REFUSALS = {
    400: "The body is not a webhook; the answer says where.",
    401: "No valid token.",
    403: "A token without the scope `alerts`.",
    404: "The sink is not configured.",
    413: "Larger than `max_body_bytes`.",
    503: "The database cannot be used, or too many webhooks wait: try again.",
}


def describe(app: FastAPI) -> None:
    """Have an application describe itself whole."""

    def whole() -> dict[str, Any]:
        if not app.openapi_schema:
            schema = get_openapi(
                title=_TITLE,
                version=__version__,
                description=_ABOUT,
                routes=app.routes,
                openapi_version="3.1.0",
            )
            app.openapi_schema = _completed(schema)
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign] # how FastAPI's documentation does it


def _completed(schema: dict[str, Any]) -> dict[str, Any]:
    for operations in schema["paths"].values():
        for operation in operations.values():
            # A malformed request is answered with 400 and one text.
            operation["responses"].pop("422", None)
    components = schema.setdefault("components", {})
    for name in ("HTTPValidationError", "ValidationError"):
        components.get("schemas", {}).pop(name, None)
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "login": {"type": "apiKey", "in": "cookie", "name": "recwatch-bridge"},
    }
    schema["security"] = [{"token": []}, {"login": []}]
    components.setdefault("schemas", {}).update(Webhook=_WEBHOOK, Accepted=_ACCEPTED)
    schema["paths"].update({path: {"post": _webhook(path, text)} for path, text in _WEBHOOKS.items()})
    return schema


def _webhook(path: str, text: str) -> dict[str, Any]:
    sink = {"name": "sink", "in": "path", "required": True, "schema": {"type": "string"}}
    refusals = {
        str(code): {
            "description": reason,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for code, reason in _REFUSALS.items()
        if code != 404 or "{sink}" in path  # noqa: PLR2004 - the others have no sink
    }
    return {
        "summary": text,
        "operationId": "webhook" + path.replace("{sink}", "sink").replace("/", "_"),
        "security": [{"token": []}],
        "parameters": [sink] if "{sink}" in path else [],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Webhook"}}},
        },
        "responses": {
            "200": {
                "description": "Stored.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}},
            },
            **refusals,
        },
    }
