"""The words of the check types in docs/: a card on every type's page, a table of them all on the first one.

`python -m recwatch_exporter.checks.pages docs` writes both; `--check` says whether they are stale.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from recwatch.durations import format_duration
from recwatch_exporter.checks.base import CheckType
from recwatch_exporter.checks.table import TYPES

__all__ = ["card", "main", "table"]

_BLOCK = re.compile(r"<!-- made from the code: (?P<what>[a-z0-9_]+) -->\n.*?<!-- end -->", re.DOTALL)

_HEADINGS = ("type", "held against the threshold", "drift is", "default", "p-value", "retraining helps")


def table(types: Mapping[str, CheckType] = TYPES) -> str:
    """All types in one table."""
    rows = [
        _HEADINGS,
        ("---",) * len(_HEADINGS),
        *(
            (
                f"[`{item.name}`](checks/{item.name}.md)",
                item.effect_size,
                item.bad.value,
                _threshold(item),
                "yes" if item.has_p_value else "no",
                "yes" if item.retrain else "no",
            )
            for item in types.values()
        ),
    ]
    return _markdown(rows)


def card(item: CheckType) -> str:
    """One type's words."""
    return _markdown(
        [
            ("", ""),
            ("---", "---"),
            ("statistic", item.statistic),
            ("effect size, held against the threshold", item.effect_size),
            ("drift is", item.bad.value),
            ("default threshold", _threshold(item)),
            ("what no drift means", item.null),
            ("p-value", item.p_value),
            ("retraining is an answer", "yes" if item.retrain else "no"),
            ("source", item.source),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write the blocks into the pages, or say which are stale."""
    parser = argparse.ArgumentParser(prog="python -m recwatch_exporter.checks.pages", description=__doc__)
    parser.add_argument("docs", type=Path, help="the folder docs/")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, end with 1 where a page is stale"
    )
    options = parser.parse_args(argv)
    stale = [
        (page, text) for page, text in _renewed(options.docs) if page.read_text(encoding="utf-8") != text
    ]
    for page, text in stale:
        if not options.check:
            page.write_text(text, encoding="utf-8")
        print(f"{page}: {'stale: run make generate' if options.check else 'written'}")  # noqa: T201 - a command
    return 1 if stale and options.check else 0


def _renewed(docs: Path) -> Iterator[tuple[Path, str]]:
    blocks = {"table": table(), **{name: card(item) for name, item in TYPES.items()}}
    for page in (docs / "drift.md", *(docs / "checks" / f"{name}.md" for name in TYPES)):
        text = page.read_text(encoding="utf-8")
        yield page, _BLOCK.sub(lambda found: _block(found["what"], blocks), text)


def _block(what: str, blocks: Mapping[str, str]) -> str:
    return f"<!-- made from the code: {what} -->\n{blocks[what]}\n<!-- end -->"


def _threshold(item: CheckType) -> str:
    if item.seconds:
        return format_duration(timedelta(seconds=item.default_threshold))
    return f"{item.default_threshold:g}"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    raise SystemExit(main())
