"""`recwatch models`: a model's versions, which of them is in service, and changing that."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recwatch.cli import text
from recwatch.cli.errors import CommandError
from recwatch.cli.options import Options
from recwatch.cli.output import Output
from recwatch.errors import PromotionConflictError, RegistryError
from recwatch.registry import ANY_VERSION, ModelRegistry, Promotion, model_names

__all__ = ["run"]

_SHOWN_METRICS = 4


def run(options: Options, output: Output) -> None:
    """List or change a model's versions.

    Raises:
        CommandError: when the model is not there.
        RegistryError: when its versions are damaged, or cannot be changed.
    """
    actions: Mapping[str, Callable[[Options, Output], None]] = {
        "list": _list,
        "history": _history,
        "promote": _promote,
        "rollback": _rollback,
        "prune": _prune,
    }
    actions[options.arguments.action](options, output)


def _registry(artifacts: Path, model: str) -> ModelRegistry:
    """A model that is there: what was typed is looked up, never made a path."""
    names = model_names(artifacts)
    if model in names:
        return ModelRegistry(artifacts / model)
    if not names:
        raise CommandError(f"there are no models in {artifacts}: publish one, or say --artifacts FOLDER")
    nearest = difflib.get_close_matches(model[:200], names, n=1) or names[:10]
    raise CommandError(f"no model {model[:200]!r} in {artifacts}: choose one of: {', '.join(nearest)}")


def _list(options: Options, output: Output) -> None:
    model = options.arguments.model
    names = model_names(options.artifacts) if model is None else [model]
    if model is None and not names:
        raise CommandError(
            f"there are no models in {options.artifacts}: publish one, or say --artifacts FOLDER"
        )
    documents = [document for name in names for document in _documents(_registry(options.artifacts, name))]
    if output.as_json:
        output.json(documents)
        return
    output.table(
        ["model", "version", "", "trained (UTC)", "metrics", "data version"],
        [_cells(document) for document in documents],
        optional=["data version", "trained (UTC)"],
        styles={index: "bold" for index, document in enumerate(documents) if document["in_service"]},
    )


def _documents(registry: ModelRegistry) -> list[dict[str, Any]]:
    in_service, target = registry.current(), registry.rollback_target()
    documents = []
    for version in reversed(registry.versions()):
        document: dict[str, Any] = {
            "model": registry.model,
            "version": version,
            "in_service": version == in_service,
            "rollback_target": version == target,
            "damage": None,
        }
        try:
            documents.append(asdict(registry.manifest(version)) | document)
        except RegistryError as error:
            documents.append(document | {"damage": str(error)})
    return documents


def _cells(document: Mapping[str, Any]) -> list[str]:
    place = "in service" if document["in_service"] else "before" if document["rollback_target"] else ""
    if document["damage"] is not None:
        return [document["model"], document["version"], place, text.NOTHING, document["damage"], text.NOTHING]
    shown = list(document["metrics"].items())[:_SHOWN_METRICS]
    return [
        document["model"],
        document["version"],
        place,
        text.moment(document["trained_at"]),
        ", ".join(f"{name} {text.number(value)}" for name, value in shown) or text.NOTHING,
        document["data_version"],
    ]


def _history(options: Options, output: Output) -> None:
    history = _registry(options.artifacts, options.arguments.model).history()[::-1]
    if output.as_json:
        output.json([asdict(item) for item in history])
    elif history:
        output.table(
            ["at (UTC)", "action", "version", "before", "reason"],
            [
                [text.moment(item.at), item.action, item.version, item.previous or text.NOTHING, item.reason]
                for item in history
            ],
            optional=["before"],
        )
    else:
        output.line("No version was in service yet.")


def _promote(options: Options, output: Output) -> None:
    arguments = options.arguments
    registry = _registry(options.artifacts, arguments.model)
    before = registry.current()
    expected = _expected(arguments.expected)
    if arguments.dry_run:
        registry.manifest(arguments.version)
        _refuse_conflict(registry, f"promote {arguments.version}", expected, before)
        _say(output, registry.model, "promote", arguments.version, before, dry_run=True)
        return
    done = registry.promote(arguments.version, reason=arguments.reason, expected=expected)
    _say(output, registry.model, "promote", done.version, _before(done, before), dry_run=False)


def _rollback(options: Options, output: Output) -> None:
    arguments = options.arguments
    registry = _registry(options.artifacts, arguments.model)
    expected = _expected(arguments.expected)
    if arguments.dry_run:
        before, target = registry.current(), registry.rollback_target()
        _refuse_conflict(registry, "roll back", expected, before)
        if target is None:
            raise RegistryError(
                f"{registry.model}: nothing to roll back to: no version was in service before"
            )
        registry.manifest(target)
        _say(output, registry.model, "rollback", target, before, dry_run=True)
        return
    done = registry.rollback(reason=arguments.reason, expected=expected)
    _say(output, registry.model, "rollback", done.version, done.previous, dry_run=False)


def _prune(options: Options, output: Output) -> None:
    arguments = options.arguments
    registry = _registry(options.artifacts, arguments.model)
    versions = registry.prune(keep=arguments.keep, min_age=arguments.min_age, dry_run=arguments.dry_run)
    if output.as_json:
        output.json({"model": registry.model, "deleted": versions, "dry_run": arguments.dry_run})
        return
    for version in versions:
        output.line(f"{registry.model}: {'would delete' if arguments.dry_run else 'deleted'} {version}")
    if not versions:
        output.line(f"{registry.model}: nothing to delete")


def _expected(given: str | None) -> Any:
    return ANY_VERSION if given is None else None if given == "none" else given


def _refuse_conflict(registry: ModelRegistry, change: str, expected: Any, found: str | None) -> None:
    if expected not in (ANY_VERSION, found):
        raise PromotionConflictError(registry.model, change, expected, found)


def _before(done: Promotion, before: str | None) -> str | None:
    """What was in service: promoting the version in service again changes nothing."""
    return done.version if before == done.version else done.previous


def _say(output: Output, model: str, action: str, version: str, before: str | None, *, dry_run: bool) -> None:
    if output.as_json:
        document = {"model": model, "action": action, "version": version, "previous": before}
        output.json(document | {"changed": before != version and not dry_run, "dry_run": dry_run})
    elif before == version:
        output.line(f"{model}: {version} is in service already: nothing changes")
    elif dry_run:
        output.line(f"{model}: would put {version} into service (now {before or 'none'})")
    else:
        output.line(
            f"{model}: {version} is in service (before: {before or 'none'}); tell its service to reload"
        )
