"""Whether a folder's templates can be used: each is tried with messages of every kind."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from recwatch.errors import ConfigError
from recwatch_bridge.messages.notification import Entry, Notification, Row
from recwatch_bridge.messages.template_set import NAMES, environment
from recwatch_bridge.messages.values import note_values
from recwatch_bridge.text import one_line

_SUFFIXES = (".txt", ".html", ".j2", ".jinja", ".jinja2")
_ERROR_LENGTH = 300
_FULL = Entry(
    "DriftDetected (warning, firing)",
    ("rating_scale has drifted", "Ratings have moved.\nHalf stars are new."),
    (("Value", "3.2 (threshold 0.2)"), ("Since", "2026-11-21 03:15:00 UTC")),
    (("Runbook", "https://example.com/runbook"),),
)
_TABLE = Entry(
    "DriftDetected (warning, firing): 2 alerts",
    rows=(Row("check=a", (("Value", "3.2"),)), Row("check=b", (("Value", "-"),))),
)
_SAMPLES = (
    Notification("[WARNING] DriftDetected: rating_scale has drifted", "warning", (_FULL,), ("A note.",)),
    Notification("[CRITICAL] DriftDetected: 2 alerts", "critical", (_TABLE,)),
    Notification("[RESOLVED] DriftDetected", "resolved", (Entry("DriftDetected (warning, resolved)"),)),
    Notification("[INFO] Retraining started: als", "info", (Entry("Retraining started: als"),)),
)


def check_templates(folder: Path) -> None:
    """Try each template of a folder.

    Raises:
        ConfigError: with every mistake, a line each.
    """
    mistakes = [
        f"templates_dir: {folder / name}: no message has this template: name it one of {', '.join(NAMES)}"
        for name in _files(folder)
        if Path(name).suffix in _SUFFIXES and name not in NAMES
    ]
    own = environment(folder)
    mistakes += [
        f"templates_dir: {mistake}"
        for name in NAMES
        if (folder / name).exists()
        for mistake in _mistakes(own, folder / name)
    ]
    if mistakes:
        raise ConfigError("\n".join(mistakes))


def _files(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f"templates_dir: {folder} cannot be read ({error.strerror}): make it, or remove the key"
        ) from None


def _mistakes(own: ImmutableSandboxedEnvironment, path: Path) -> list[str]:
    try:
        template = own.get_template(path.name)
        rendered = [template.render(values) for values in _values(path.name)]
    except Exception as error:  # noqa: BLE001 - a template can raise anything; all of it is told
        line = getattr(error, "lineno", None)
        return [f"{path}: {_told(error)}" if line is None else f"{path}, line {line}: {_told(error)}"]
    return [] if all(text.strip() for text in rendered) else [f"{path}: gives nothing at all"]


def _values(name: str) -> Iterable[Mapping[str, Any]]:
    for said in _SAMPLES:
        for page, picture in (("", ""), ("https://bridge.example/", "cid:picture")):
            values = note_values(said, kind="alerts", created=0.0, page=page, picture=picture)
            if name == "slack.txt":
                yield from ({**values, "entry": entry} for entry in values["entries"])
            else:
                yield values


def _told(error: Exception) -> str:
    said = error.message if isinstance(error, TemplateError) and error.message else str(error)
    return one_line(f"{type(error).__name__}: {said}", _ERROR_LENGTH)
