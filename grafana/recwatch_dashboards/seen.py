"""What a browser sees of a dashboard in Grafana 11, and what is wrong with it.

Grafana gives each panel a `section` whose `data-testid` is "data-testid Panel header TITLE". In it are a
header, where an error leaves "data-testid Panel status error", and a content, where words stand for no data.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

READ = """() => [...document.querySelectorAll('[data-testid^="data-testid Panel header "]')].map((panel) => {
    const error = panel.querySelector('[data-testid="data-testid Panel status error"]');
    const content = panel.querySelector('[data-testid="data-testid panel content"]');
    const boundary = panel.querySelector('[data-testid="data-testid Alert error"]');
    return {
        title: panel.getAttribute("data-testid").slice("data-testid Panel header ".length),
        error: boundary ? boundary.innerText
            : error ? error.getAttribute("title") || error.innerText || "an error, told on its icon" : "",
        loading: panel.querySelector('[aria-label="Panel loading bar"]') !== null,
        drawn: content !== null && content.querySelector("canvas, svg, table, [role=table]") !== null,
        text: content === null ? "" : content.innerText.trim(),
    };
})"""
"""Reads all panels that the page holds at once; Grafana makes those in view only."""

_SILENT = re.compile(r"^no data\b", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?\w+\}?")


@dataclass(frozen=True)
class Seen:
    """A panel in the browser.

    Attributes:
        title: with the values of variables.
        error: what Grafana says went wrong; empty where nothing did.
        loading: whether its queries are under way.
        drawn: whether it holds a picture or a table.
        text: what it says.
    """

    title: str
    error: str
    loading: bool
    drawn: bool
    text: str


def panels_of(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the panels of a dashboard that are open: those of a closed row ask nothing and are not made."""
    return (panel for panel in board["panels"] if panel["type"] != "row")


def is_loading(seen: Sequence[Seen], board: dict[str, Any]) -> bool:
    """Whether panels are missing or wait for data; before its queries begin, a panel is blank."""
    return bool(_missing(seen, board)) or any(panel.loading or _is_blank(panel) for panel in seen)


def complaints(seen: Sequence[Seen], board: dict[str, Any]) -> list[str]:
    """Say what is wrong: panels that are missing, failed, or empty without a word of why.

    Args:
        seen: what the browser read, once nothing loads any more.
        board: the dashboard's file.
    """
    found = [f"{title}: is not there" for title in _missing(seen, board)]
    for panel in seen:
        source = next(
            (own for own in panels_of(board) if _pattern(own["title"]).fullmatch(panel.title)), None
        )
        if source is None:
            found.append(f"{panel.title}: is not of this dashboard")
        elif panel.error:
            found.append(f"{panel.title}: {panel.error}")
        elif panel.loading:
            found.append(f"{panel.title}: still loads")
        elif _SILENT.match(panel.text) and source["type"] != "state-timeline":
            found.append(f"{panel.title}: is empty and does not say why")
        elif _is_blank(panel):
            found.append(f"{panel.title}: is blank")
    return found


def _missing(seen: Sequence[Seen], board: dict[str, Any]) -> list[str]:
    titles = [panel.title for panel in seen]
    return [
        panel["title"]
        for panel in panels_of(board)
        if not any(_pattern(panel["title"]).fullmatch(title) for title in titles)
    ]


def _is_blank(panel: Seen) -> bool:
    return not (panel.drawn or panel.text or panel.error)


def _pattern(title: str) -> re.Pattern[str]:
    """A title with anything in the place of its variables."""
    return re.compile(".*".join(re.escape(part) for part in _VARIABLE.split(title)))
