"""Rows, missing and non-finite values, ranges and repeated keys: the expressions, and what comes of them."""

from collections.abc import Mapping
from typing import Any

import ibis.expr.types as ir

from recwatch_exporter.data import ColumnFacts, Facts
from recwatch_exporter.sources import expressions
from recwatch_exporter.sources.kinds import NUMBERS, kind_of
from recwatch_exporter.sources.view import View


def find(view: View, columns: tuple[str, ...], key: tuple[str, ...]) -> Facts:
    """See `Window.facts`: one query, and one more for a key of several columns."""
    for name in (*columns, *key):
        view.column(name)
    found = view.aggregate(view.table, **_figures(view, columns, key))
    if len(key) > 1:
        keyed = view.where(*(view.column(name).notnull() for name in key))
        found["distinct"] = view.count(keyed.table.select(*key).distinct())
    return _named(found, columns)


def _figures(view: View, columns: tuple[str, ...], key: tuple[str, ...]) -> dict[str, ir.Value]:
    """The aggregates; distinct keys only where the key is one column."""
    table = view.table
    found = {"rows": table.count()}
    for number, name in enumerate(columns):
        field = table[name]
        found[f"missing{number}"] = field.isnull().sum()
        if kind_of(field.type()) in NUMBERS:
            valued = view.is_value(field)
            found[f"strange{number}"] = (field.notnull() & ~valued).sum()
            found[f"minimum{number}"] = expressions.number(field).min(where=valued)
            found[f"maximum{number}"] = expressions.number(field).max(where=valued)
    if key:
        complete = table[key[0]].notnull()
        for name in key[1:]:
            complete &= table[name].notnull()
        found["keyed"] = complete.sum()
    if len(key) == 1:
        found["distinct"] = table[key[0]].nunique()
    return found


def _named(found: Mapping[str, Any], columns: tuple[str, ...]) -> Facts:
    return Facts(
        rows=int(found["rows"]),
        columns={
            name: ColumnFacts(
                missing=int(found[f"missing{number}"] or 0),
                non_finite=int(found.get(f"strange{number}") or 0),
                minimum=found.get(f"minimum{number}"),
                maximum=found.get(f"maximum{number}"),
            )
            for number, name in enumerate(columns)
        },
        keyed=int(found.get("keyed") or 0),
        distinct=int(found.get("distinct") or 0),
    )
