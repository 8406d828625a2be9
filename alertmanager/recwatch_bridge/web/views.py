"""Rows of the store as the JSON API shows them."""

import math
from collections.abc import Sequence
from pathlib import Path

from recwatch.errors import RegistryError
from recwatch.registry import ModelRegistry, Promotion
from recwatch_bridge.clock import iso
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.retraining.rollbacks import Rollback
from recwatch_bridge.retraining.runs import Reason, Run
from recwatch_bridge.web.reading import NotLoaded, standing
from recwatch_bridge.web.schemas import (
    MessageAnswer,
    ModelAnswer,
    NotLoadedAnswer,
    PromotionAnswer,
    RollbackAnswer,
    RunAnswer,
    VersionAnswer,
)


def reason_texts(run: Run, reasons: Sequence[Reason]) -> list[str]:
    """Return why a run is, without what was taken back; of a withdrawn run, what it was."""
    return [reason.text for reason in reasons if not reason.withdrawn or run.state == "withdrawn"]


def log_file(folder: Path, run: Run) -> Path:
    """Where a run's log is."""
    return folder / run.id / "trainer.log"


def run_view(run: Run, reasons: Sequence[Reason], folder: Path) -> RunAnswer:
    """Show a run."""
    return RunAnswer(
        id=run.id,
        model=run.model,
        trigger=run.trigger,
        reasons=reason_texts(run, reasons),
        state=run.state,
        serving=run.serving or None,
        version=run.version,
        gate=run.gate,
        reload=run.reload,
        error=run.error,
        created_at=iso(run.created),
        not_before=iso(run.not_before),
        started_at=iso(run.started),
        finished_at=iso(run.finished),
        log=str(log_file(folder, run)) if run.started is not None else None,
        log_url=run.log_url,
        approved_by=run.approved_by,
        approve_until=iso(run.approve_until),
        watch=run.watch,
        watch_until=iso(run.watch_until),
    )


def message_view(message: Message) -> MessageAnswer:
    """Show a message, without its text."""
    return MessageAnswer(
        id=message.uid,
        sink=message.sink,
        kind=message.kind,
        state=message.state,
        subject=message.subject,
        created_at=iso(message.created),
        delivered_at=iso(message.finished) if message.state == "delivered" else None,
        attempts=message.attempts,
        next_attempt_at=iso(message.next_attempt) if message.state == "pending" else None,
        error=message.error,
    )


def rollback_view(rollback: Rollback) -> RollbackAnswer:
    """Show a rollback, or a promotion by hand."""
    return RollbackAnswer(
        id=rollback.id,
        model=rollback.model,
        kind="promotion" if rollback.is_promotion else "rollback",
        trigger=rollback.trigger,
        state=rollback.state,
        reason=rollback.reason,
        serving=rollback.serving or None,
        target=rollback.target,
        reload=rollback.reload,
        error=rollback.error,
        created_at=iso(rollback.created),
        finished_at=iso(rollback.finished),
    )


def model_view(name: str, registry: ModelRegistry, run: Run | None) -> ModelAnswer:
    """Show a model in short."""
    found = standing(registry)
    return ModelAnswer(
        model=name,
        current=found.current,
        rollback_target=found.target,
        versions=len(found.versions),
        run=None if run is None else run.id,
        error=found.error,
    )


def version_view(registry: ModelRegistry, version: str, current: str | None) -> VersionAnswer:
    """Show a published version, also one whose manifest is damaged."""
    try:
        manifest = registry.manifest(version)
    except RegistryError as error:
        return VersionAnswer(
            version=version,
            trained_at=None,
            data_version=None,
            metrics={},
            in_service=version == current,
            error=str(error),
        )
    return VersionAnswer(
        version=version,
        trained_at=iso(manifest.trained_at.timestamp()),
        data_version=manifest.data_version,
        metrics={name: value for name, value in manifest.metrics.items() if math.isfinite(value)},
        in_service=version == current,
        error=None,
    )


def not_loaded_view(model: str, found: NotLoaded) -> NotLoadedAnswer:
    """Show a version that its service could not be told to load."""
    return NotLoadedAnswer(
        model=model,
        version=found.version,
        change=found.change.id,
        since=iso(found.since),
        error=found.error,
    )


def promotion_view(promotion: Promotion) -> PromotionAnswer:
    """Show a change of the version in service."""
    return PromotionAnswer(
        version=promotion.version,
        previous=promotion.previous,
        action=promotion.action,
        reason=promotion.reason,
        at=str(iso(promotion.at.timestamp())),
    )
