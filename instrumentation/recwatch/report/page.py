"""A report as one HTML file: no script, nothing from elsewhere, every value escaped."""

from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recwatch import __version__
from recwatch.extras import lacking
from recwatch.report import svg
from recwatch.report.document import Chart, Report
from recwatch.report.units import moment, stamp, value

try:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup
except ModuleNotFoundError as error:
    raise lacking(error, "recwatch[report]") from error

__all__ = ["page"]

_FOLDER = Path(__file__).parent / "templates"


def page(report: Report) -> str:
    """Write a report as HTML.

    Args:
        report: what it tells.

    Returns:
        The whole file; it opens in a browser, from a mail as well.
    """
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    # Ours, without a tag in it.
    return _environment().get_template("page.html").render(report=report, style=Markup(style))  # noqa: S704


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": moment, "stamp": stamp, "value": value, "draw": _draw}
    environment.tests["chart"] = lambda picture: is_dataclass(picture) and isinstance(picture, Chart)
    environment.globals["version"] = __version__
    return environment


def _draw(picture: Any) -> Markup:
    # Every text in it is escaped there.
    return Markup(svg.draw(picture))  # noqa: S704
