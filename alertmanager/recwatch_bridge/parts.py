"""From the configuration to parts that are ready to run: secrets are read here, nothing runs yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recwatch.registry import ModelRegistry
from recwatch_bridge import config
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.delivering.sinks.build import SinkPlan, read_sinks
from recwatch_bridge.messages.check_templates import check_templates
from recwatch_bridge.retraining.gate import rule
from recwatch_bridge.retraining.launchers.build import build_launcher
from recwatch_bridge.retraining.plan import ModelPlan, WatchPlan
from recwatch_bridge.retraining.reload import Reloader
from recwatch_bridge.secret import Doorkeeper, Token, check_secrets, read_secret


@dataclass(frozen=True)
class Parts:
    """What the configuration describes, with its secrets."""

    doorkeeper: Doorkeeper
    sinks: tuple[SinkPlan, ...]
    plans: tuple[ModelPlan, ...]
    store_password: str | None
    prometheus_token: str | None


def read_parts(settings: BridgeConfig, environment: Mapping[str, str]) -> Parts:
    """Build what the configuration describes.

    Args:
        settings: the configuration.
        environment: what trainers inherit.

    Raises:
        ConfigError: when a secret or a template is missing or cannot be used.
    """
    check_secrets(settings)
    if settings.templates_dir is not None:
        check_templates(settings.templates_dir)
    shared = settings.store.startswith("postgresql")
    return Parts(
        doorkeeper=Doorkeeper(_tokens(settings)),
        sinks=read_sinks(settings.sinks),
        plans=tuple(
            _plan(name, model, environment, shared=shared) for name, model in settings.models.items()
        ),
        store_password=_optional(settings.store_password_file, "store_password_file"),
        prometheus_token=_optional(settings.prometheus_token_file, "prometheus_token_file"),
    )


def _tokens(settings: BridgeConfig) -> list[Token]:
    return [
        Token(
            read_secret(token.file, f"tokens.{number}.file"),
            frozenset(token.scopes),
            token.name or f"token {number + 1}",
        )
        for number, token in enumerate(settings.tokens)
    ]


def _optional(file: Path | None, key: str) -> str | None:
    return None if file is None else read_secret(file, key)


def _plan(name: str, model: config.Model, environment: Mapping[str, str], *, shared: bool) -> ModelPlan:
    key = f"models.{name}"
    reloader = None
    if model.reload_url is not None:
        reloader = Reloader(model.reload_url, _optional(model.reload_token_file, f"{key}.reload_token_file"))
    return ModelPlan(
        name=name,
        launcher=build_launcher(model.launcher, environment, key=f"{key}.launcher", shared=shared),
        registry=ModelRegistry(Path(model.artifacts)),
        rules={
            metric: rule({"ratio": asked.ratio, "at_most": asked.at_most, "at_least": asked.at_least})
            for metric, asked in model.gate.items()
        },
        min_samples=model.min_samples,
        timeout=model.timeout.total_seconds(),
        approval=None if model.approval is None else model.approval.within.total_seconds(),
        watch=None if model.watch is None else _watch(model.watch),
        reloader=reloader,
    )


def _watch(asked: config.Watch) -> WatchPlan:
    return WatchPlan(asked.period.total_seconds(), asked.max_errors, asked.min_requests, asked.query)
