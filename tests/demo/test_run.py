from pathlib import Path

import pytest

from recommender.settings import Settings
from recwatch_demo.run import SERVICE, empty_run_folder, local_ends
from recwatch_local.errors import StackError


def test_what_an_earlier_demo_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    (folder / "home" / "data").mkdir(parents=True)
    (folder / "run").mkdir()
    empty_run_folder(folder)
    assert not folder.exists()
    empty_run_folder(folder)


def test_a_folder_with_anything_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    (tmp_path / "run").mkdir()
    with pytest.raises(
        StackError, match=r"holds thesis\.tex, which is not a demo's: choose another --run-folder"
    ):
        empty_run_folder(tmp_path)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["run", "thesis.tex"]


def test_real_ends_are_not_looked_for_in_the_inbox() -> None:
    assert local_ends({}) == {"email", "slack"}
    assert local_ends({"RECWATCH_SMTP_HOST": "mail.example.com"}) == {"slack"}
    assert local_ends({"RECWATCH_SLACK_URL_FILE": "/run/slack"}) == {"email"}


def test_the_service_is_told_to_judge_its_lists_within_the_demo() -> None:
    settings = Settings.from_environment(SERVICE)
    assert (settings.flush_seconds, settings.feedback_seconds, settings.rerank_test) == (1.0, 10.0, True)
