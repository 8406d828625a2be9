import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch.cli.filenames import chart_name


def test_plain_run_ids_are_the_name() -> None:
    assert chart_name(["als_20261121_031500_1a2b3c"]) == "training_als_20261121_031500_1a2b3c.png"
    assert chart_name(["a", "b"]) == "training_a_vs_b.png"


@pytest.mark.parametrize(
    ("run_id", "name"),
    [
        ("../../x", "training_x_"),
        ("/etc/passwd", "training_etc-passwd_"),
        ("..", "training_"),
        ("", "training_"),
        ("a\0b", "training_a-b_"),
        ("C:\\x", "training_C-x_"),
        ("größe", "training_gr-e_"),
        ("a" * 10_000, "training_" + "a" * 60 + "_"),
    ],
)
def test_other_run_ids_are_cut_to_what_is_safe(run_id: str, name: str) -> None:
    assert re.fullmatch(re.escape(name) + r"[0-9a-f]{8}\.png", chart_name([run_id]))


def test_other_runs_have_other_names() -> None:
    names = {chart_name(ids) for ids in (["a/b"], ["a-b"], ["a:b"], ["a", "b"], ["a_vs_b "], list("abcd"))}
    assert len(names) == 6


@given(st.lists(st.text(), min_size=1, max_size=6))
def test_a_name_never_leaves_its_folder(run_ids: list[str]) -> None:
    assert re.fullmatch(r"training_[A-Za-z0-9._-]*\.png", chart_name(run_ids))
    assert len(chart_name(run_ids)) < 255
