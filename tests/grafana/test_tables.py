from typing import Any

from recwatch_dashboards.tables import Column, listing


def built(*columns: Column) -> Any:
    return listing("t", "d.", columns, empty="none").build()


def test_several_queries_become_one_row_a_thing() -> None:
    panel = built(Column("Model", "model"), Column("One", expr="x"), Column("Two", expr="y"))

    merge, organize = panel.transformations
    assert merge.id_val == "merge"
    assert organize.options["renameByName"] == {"model": "Model", "Value #A": "One", "Value #B": "Two"}
    assert [(target.ref_id, target.expr, target.instant) for target in panel.targets] == [
        ("A", "x", True),
        ("B", "y", True),
    ]
