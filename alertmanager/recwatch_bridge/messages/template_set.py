"""The templates of messages: the built-in ones, and those that a folder puts in their place.

What an alert says is a value for a template, never a part of one.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

NAMES = ("subject.txt", "email.txt", "email.html", "slack.txt")
_BUILT_IN = Path(__file__).with_name("templates")

log = logging.getLogger(__name__)


class Templates:
    """Renders messages; a template of one's own that fails gives way to the built-in one.

    Args:
        folder: holds templates under the names of the built-in ones; None for none. What is changed there
            counts at once.
        failed: called where a template of the folder failed.
    """

    def __init__(self, folder: Path | None = None, failed: Callable[[], None] = lambda: None) -> None:
        self._built_in = environment(_BUILT_IN)
        self._own = None if folder is None else environment(folder)
        self._folder = folder
        self._failed = failed

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """Render the template of this name, one of `NAMES`."""
        if self._own is not None and self._folder is not None:
            try:
                if (self._folder / name).exists():
                    return self._own.get_template(name).render(values)
            except Exception:
                # Whatever the template does wrong, the message must leave.
                self._failed()
                log.exception("template %s failed; the built-in one is used", self._folder / name)
        return self._built_in.get_template(name).render(values)


def environment(folder: Path) -> ImmutableSandboxedEnvironment:
    """Return what renders a folder's templates."""
    # A name that does not exist is an error, so that `--check-config` finds it.
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
